// SPDX-License-Identifier: GPL-2.0-only
/*
 * Old data in memory: see es_copy.h.
 */
#include <linux/slab.h>
#include "es_copy.h"

#define POOL_BIOS 16

/* Blocks that the copies of a class may hold: 2 and 4 MiB. */
static const u32 max_blocks[ES_COPY_CLASSES] = {
	[ES_COPY_SMALL] = 512,
	[ES_COPY_LARGE] = 1024,
};

static size_t copy_size(u32 pages)
{
	struct es_copy *copy;

	return struct_size(copy, pages, pages) + pages * sizeof(*copy->vecs);
}

int es_copy_pool_init(struct es_copy_pool *pool)
{
	u32 i;

	memset(pool, 0, sizeof(*pool));
	if (bioset_init(&pool->bios, POOL_BIOS, 0, BIOSET_NEED_BVECS))
		return -ENOMEM;
	pool->reserve_copy = kmalloc(copy_size(ES_COPY_MAX_BLOCKS), GFP_KERNEL);
	if (!pool->reserve_copy)
		goto out_with_bios;
	for (i = 0; i < ES_COPY_MAX_BLOCKS; i++) {
		pool->reserve[i] = alloc_page(GFP_KERNEL);
		if (!pool->reserve[i])
			goto out_with_pages;
	}
	return 0;

out_with_pages:
	while (i)
		__free_page(pool->reserve[--i]);
	kfree(pool->reserve_copy);
out_with_bios:
	bioset_exit(&pool->bios);
	return -ENOMEM;
}

void es_copy_pool_exit(struct es_copy_pool *pool)
{
	u32 i;

	WARN_ON(pool->blocks[ES_COPY_SMALL] || pool->blocks[ES_COPY_LARGE]);
	for (i = 0; i < ES_COPY_MAX_BLOCKS; i++)
		__free_page(pool->reserve[i]);
	kfree(pool->reserve_copy);
	bioset_exit(&pool->bios);
}

static struct es_copy *alloc_ordinary(u32 pages)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC;
	struct es_copy *copy;
	u32 i;

	copy = kmalloc(copy_size(pages), gfp);
	if (!copy)
		return NULL;
	memset(copy, 0, sizeof(*copy));
	for (i = 0; i < pages; i++) {
		copy->pages[i] = alloc_page(gfp);
		if (!copy->pages[i])
			goto out_with_pages;
	}
	return copy;

out_with_pages:
	while (i)
		__free_page(copy->pages[--i]);
	kfree(copy);
	return NULL;
}

static struct es_copy *take_reserve(struct es_copy_pool *pool, u32 pages)
{
	struct es_copy *copy = pool->reserve_copy;

	if (pool->reserve_used)
		return NULL;
	pool->reserve_used = true;
	memset(copy, 0, sizeof(*copy));
	memcpy(copy->pages, pool->reserve, pages * sizeof(*copy->pages));
	copy->from_reserve = true;
	return copy;
}

struct es_copy *es_copy_alloc(struct es_copy_pool *pool, u64 chunk, u32 nr, u32 chunk_blocks)
{
	u32 pages = nr * chunk_blocks, i;
	enum es_copy_class class = es_copy_class(pages);
	u32 *blocks = &pool->blocks[class];
	struct es_copy *copy;

	if (*blocks && *blocks + pages > max_blocks[class])
		return NULL;
	copy = alloc_ordinary(pages);
	if (!copy)
		copy = take_reserve(pool, pages);
	if (!copy)
		return NULL;
	*blocks += pages;
	copy->nr_pages = pages;
	copy->vecs = (struct bio_vec *)&copy->pages[pages];
	for (i = 0; i < pages; i++)
		clear_page(page_address(copy->pages[i]));
	copy->node.start = chunk;
	copy->node.last = chunk + nr - 1;
	copy->nr = nr;
	INIT_LIST_HEAD(&copy->list);
	INIT_LIST_HEAD(&copy->waiters);
	return copy;
}

void es_copy_free(struct es_copy_pool *pool, struct es_copy *copy)
{
	u32 i;

	pool->blocks[es_copy_class(copy->nr_pages)] -= copy->nr_pages;
	if (copy->from_reserve) {
		pool->reserve_used = false;
		return;
	}
	for (i = 0; i < copy->nr_pages; i++)
		__free_page(copy->pages[i]);
	kfree(copy);
}

/* --- reading --- */

static void put_read(struct es_copy *copy)
{
	if (atomic_dec_and_test(&copy->reads))
		copy->read_done(copy);
}

static void read_endio(struct bio *bio)
{
	struct es_copy *copy = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(copy->read_error, true);
	if (bio == &copy->bio)
		bio_uninit(bio);
	else
		bio_put(bio);
	put_read(copy);
}

/* The copy's own bio, or, where that is in use, one that may have to be waited for. */
static struct bio *get_bio(struct es_copy_pool *pool, struct es_copy *copy,
			   struct block_device *bdev, u32 nr)
{
	struct bio *bio = &copy->bio;

	if (copy->bio_used)
		bio = bio_alloc_bioset(bdev, nr, REQ_OP_READ, GFP_NOIO, &pool->bios);
	else
		bio_init(bio, bdev, copy->vecs, copy->nr_pages, REQ_OP_READ);
	copy->bio_used = true;
	es_io_for_all(bio);
	return bio;
}

void es_copy_read_begin(struct es_copy *copy)
{
	copy->read_error = false;
	copy->bio_used = false;
	atomic_set(&copy->reads, 1);
}

void es_copy_read(struct es_copy_pool *pool, struct es_copy *copy, struct block_device *bdev,
		  sector_t sector, u32 sectors, u32 block)
{
	u32 nr = DIV_ROUND_UP(sectors, ES_BLOCK_SECTORS);
	struct bio *bio;

	bio = get_bio(pool, copy, bdev, nr);
	bio->bi_iter.bi_sector = sector;
	bio->bi_end_io = read_endio;
	bio->bi_private = copy;
	while (sectors) {
		u32 n = min(sectors, ES_BLOCK_SECTORS);

		__bio_add_page(bio, copy->pages[block++], n << SECTOR_SHIFT, 0);
		sectors -= n;
	}
	atomic_inc(&copy->reads);
	submit_bio_noacct(bio);
}

void es_copy_read_end(struct es_copy *copy)
{
	put_read(copy);
}

/* --- what is in it --- */

static u16 chunk_flags(const struct es_copy *copy, u32 chunk, u32 chunk_blocks)
{
	u32 i = chunk * chunk_blocks;

	if (test_bit(chunk, copy->bad))
		return ES_EXT_BAD;
	for (; i < (chunk + 1) * chunk_blocks; i++)
		if (!es_is_zero(page_address(copy->pages[i]), ES_BLOCK_SIZE))
			return 0;
	return ES_EXT_ZERO;
}

u32 es_copy_run(const struct es_copy *copy, u32 from, u32 max, u32 chunk_blocks, u16 *flags)
{
	u32 n = 1;

	*flags = chunk_flags(copy, from, chunk_blocks);
	while (n < max && from + n < copy->nr &&
	       chunk_flags(copy, from + n, chunk_blocks) == *flags)
		n++;
	return n;
}

u32 es_copy_crc(const struct es_copy *copy, u32 from, u32 nr, u32 chunk_blocks)
{
	u32 i, crc = ~(u32)0;

	for (i = from * chunk_blocks; i < (from + nr) * chunk_blocks; i++)
		crc = es_data_crc(crc, page_address(copy->pages[i]));
	return ~crc;
}
