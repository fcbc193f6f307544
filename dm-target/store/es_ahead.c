// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading ahead: see es_ahead.h.
 */
#include <linux/bio.h>
#include <linux/completion.h>
#include <linux/slab.h>
#include "es_ahead.h"
#include "es_io.h"

/* More than a hint repeats: what it brought in must not push itself out. */
#define RUNS 20u
#define RUN_BLOCKS 32u

/**
 * struct run - consecutive blocks, read or being read.
 * @addr: the first one
 * @nr: how many; 0: none
 * @status: of the read
 * @done: the read has ended
 * @nr_pages: in @pages, RUN_BLOCKS of them
 * @pages: one for each block
 */
struct run {
	u64 addr;
	u32 nr;
	blk_status_t status;
	struct completion done;
	u32 nr_pages;
	struct page *pages[RUN_BLOCKS];
};

struct es_ahead {
	struct block_device *bdev;
	u64 blocks;		/* of the device */
	unsigned int next;	/* run to be used next */
	struct page *single;
	struct run runs[RUNS];
};

struct es_ahead *es_ahead_create(struct block_device *bdev)
{
	struct es_ahead *ahead = kzalloc(sizeof(*ahead), GFP_NOIO);
	bool complete = true;
	u32 i;

	if (!ahead)
		return NULL;
	ahead->bdev = bdev;
	ahead->blocks = es_bdev_blocks(bdev);
	ahead->single = alloc_page(GFP_NOIO);
	for (i = 0; i < RUNS && complete; i++) {
		struct run *run = &ahead->runs[i];

		init_completion(&run->done);
		run->nr_pages = es_io_alloc_pages(run->pages, RUN_BLOCKS);
		complete = run->nr_pages == RUN_BLOCKS;
	}
	if (complete && ahead->single)
		return ahead;
	es_ahead_destroy(ahead);
	return NULL;
}

void es_ahead_destroy(struct es_ahead *ahead)
{
	u32 i;

	if (!ahead)
		return;
	for (i = 0; i < RUNS; i++) {
		struct run *run = &ahead->runs[i];

		if (run->nr)
			wait_for_completion(&run->done);
		es_io_free_pages(run->pages, run->nr_pages);
	}
	if (ahead->single)
		__free_page(ahead->single);
	kfree(ahead);
}

static void run_endio(struct bio *bio)
{
	struct run *run = bio->bi_private;

	run->status = bio->bi_status;
	bio_put(bio);
	complete_all(&run->done);
}

/* Start reading @nr blocks from @addr on into the run whose turn it is. */
static void start_run(struct es_ahead *ahead, u64 addr, u32 nr)
{
	struct run *run = &ahead->runs[ahead->next++ % RUNS];
	struct bio *bio;
	u32 i;

	if (run->nr)
		wait_for_completion(&run->done);
	reinit_completion(&run->done);
	run->addr = addr;
	run->nr = nr;
	bio = bio_alloc(ahead->bdev, nr, REQ_OP_READ | REQ_META, GFP_NOIO);
	bio->bi_iter.bi_sector = addr * ES_BLOCK_SECTORS;
	bio->bi_end_io = run_endio;
	bio->bi_private = run;
	for (i = 0; i < nr; i++)
		__bio_add_page(bio, run->pages[i], ES_BLOCK_SIZE, 0);
	submit_bio(bio);
}

static struct run *find_run(struct es_ahead *ahead, u64 addr)
{
	u32 i;

	for (i = 0; i < RUNS; i++) {
		struct run *run = &ahead->runs[i];

		if (addr >= run->addr && addr - run->addr < run->nr)
			return run;
	}
	return NULL;
}

/* Start what the hint names, the run that holds @addr first. */
static void follow_hint(struct es_ahead *ahead, u64 addr, const struct es_read_hint *hint)
{
	u32 before = min_t(u64, min(hint->before, RUN_BLOCKS - 1), addr);
	u32 nr = before + 1 + min(hint->after, RUN_BLOCKS - 1 - before);
	u32 i;

	for (i = 0; i < min(hint->repeat, RUNS); i++) {
		u64 first = addr - before + i * hint->stride;

		if (addr + i * hint->stride >= ahead->blocks)
			return;
		start_run(ahead, first, min_t(u64, nr, ahead->blocks - first));
	}
}

int es_ahead_read(struct es_ahead *ahead, u64 addr, const struct es_read_hint *hint, void *block)
{
	struct run *run = find_run(ahead, addr);
	int r;

	if (!run) {
		follow_hint(ahead, addr, hint);
		run = find_run(ahead, addr);
	}
	if (run) {
		wait_for_completion(&run->done);
		if (!run->status) {
			memcpy(block, page_address(run->pages[addr - run->addr]), ES_BLOCK_SIZE);
			return 0;
		}
	}
	/* Another block of the run may be the bad one. */
	r = es_io_page(ahead->bdev, REQ_OP_READ, addr, ahead->single);
	memcpy(block, page_address(ahead->single), ES_BLOCK_SIZE);
	return r;
}
