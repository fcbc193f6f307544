// SPDX-License-Identifier: GPL-2.0-only
/*
 * Group commit: see es_append.h for the order of writes and the crash argument.
 */
#include <linux/device-mapper.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include "es_append.h"
#include "es_map.h"

#define DM_MSG_PREFIX "esnapshot"

int es_append_init(struct es_appender *a, struct es_store *store, struct es_copy_pool *pool,
		   void (*done)(struct es_appender *a))
{
	a->store = store;
	a->pool = pool;
	a->done = done;
	a->busy = false;
	if (!a->header)
		a->header = alloc_page(GFP_KERNEL);
	return a->header ? 0 : -ENOMEM;
}

void es_append_exit(struct es_appender *a)
{
	if (a->header)
		__free_page(a->header);
	a->header = NULL;
}

/* --- writing --- */

static void put_bio(struct es_appender *a)
{
	if (atomic_dec_and_test(&a->bios))
		a->done(a);
}

static void append_endio(struct bio *bio)
{
	struct es_appender *a = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(a->status, bio->bi_status);
	bio_put(bio);
	put_bio(a);
}

static void submit_tail(struct es_appender *a)
{
	if (!a->tail)
		return;
	atomic_inc(&a->bios);
	submit_bio_noacct(a->tail);
	a->tail = NULL;
}

/* Add one block at the end of the contiguous write that began at @addr. */
static void write_block(struct es_appender *a, blk_opf_t opf, u64 addr, u32 left,
			struct page *page)
{
	if (a->tail && a->tail->bi_vcnt == a->tail->bi_max_vecs)
		submit_tail(a);
	if (!a->tail) {
		a->tail = bio_alloc_bioset(a->store->bdev, min(left, ES_IO_MAX_BLOCKS), opf,
					   GFP_NOIO, &a->pool->bios);
		a->tail->bi_iter.bi_sector = addr * ES_BLOCK_SECTORS;
		a->tail->bi_end_io = append_endio;
		a->tail->bi_private = a;
		es_io_for_all(a->tail);
	}
	__bio_add_page(a->tail, page, ES_BLOCK_SIZE, 0);
}

/* The blocks that part @i puts into the record, from @addr on. */
static void write_part(struct es_appender *a, blk_opf_t opf, u32 i, u64 *addr, u32 *left)
{
	u32 cb = es_store_chunk_blocks(a->store);
	struct es_copy *copy = a->parts[i].copy;
	u32 block = (a->extents[i].chunk - es_copy_chunk(copy)) * cb;
	u32 n = a->parts[i].nr * cb;

	if (!es_extent_has_payload(&a->extents[i]))
		return;
	for (; n; n--, (*left)--)
		write_block(a, opf, (*addr)++, *left, copy->pages[block++]);
}

static void write_record(struct es_appender *a)
{
	bool data_first = a->store->sb.kind == ES_KIND_VIEW;
	blk_opf_t opf = REQ_OP_WRITE | REQ_SYNC | (data_first ? 0 : REQ_FUA);
	u32 left = a->payload_blocks + !data_first, i;
	u64 addr = a->addr + data_first;

	a->status = BLK_STS_OK;
	a->header_due = data_first;
	atomic_set(&a->bios, 1);
	if (!data_first)
		write_block(a, opf, addr++, left--, a->header);
	for (i = 0; i < a->nr; i++)
		write_part(a, opf, i, &addr, &left);
	submit_tail(a);
	put_bio(a);
}

bool es_append_continue(struct es_appender *a)
{
	if (!a->header_due || a->status)
		return true;
	a->header_due = false;
	atomic_set(&a->bios, 1);
	write_block(a, REQ_OP_WRITE | REQ_SYNC | REQ_PREFLUSH | REQ_FUA, a->addr, 1, a->header);
	submit_tail(a);
	put_bio(a);
	return false;
}

/* --- summaries --- */

static void summary_endio(struct bio *bio)
{
	struct es_store *store = bio->bi_private;
	struct bvec_iter_all iter;
	struct bio_vec *bv;

	/* A summary that did not get out is only missed by a faster attach. */
	bio_for_each_segment_all(bv, bio, iter)
		__free_page(bv->bv_page);
	bio_put(bio);
	if (atomic_dec_and_test(&store->summaries))
		wake_up_var(&store->summaries);
}

/* Write as much of the summary as memory allows; all of it, or replay walks the segment. */
static void write_summary(struct es_store *store)
{
	u32 blocks = es_table_blocks(store->log.nr_open), pos = 0, i;
	struct bio *bio;

	while (pos < blocks) {
		u32 n = min(blocks - pos, ES_IO_MAX_BLOCKS);

		bio = bio_alloc(store->bdev, n, REQ_OP_WRITE | REQ_META,
				GFP_NOWAIT | __GFP_NOWARN);
		if (!bio)
			return;
		bio->bi_end_io = summary_endio;
		bio->bi_private = store;
		atomic_inc(&store->summaries);
		for (i = 0; i < n; i++) {
			struct page *page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);
			u64 addr;

			if (!page)
				break;
			addr = es_log_summary(&store->log, store->open, pos + i,
					      page_address(page));
			if (!i)
				bio->bi_iter.bi_sector = addr * ES_BLOCK_SECTORS;
			__bio_add_page(bio, page, ES_BLOCK_SIZE, 0);
		}
		if (i < n) {
			summary_endio(bio);
			return;
		}
		pos += n;
		submit_bio_noacct(bio);
	}
}

/* --- building a record --- */

/* Payload of a record, 512 KiB: what a small copy may have to wait for. */
#define RECORD_BLOCKS 128u

/* Make room for one more extent with @blocks of payload; false: the store is full. */
static bool make_room(struct es_store *store, u32 blocks)
{
	struct es_log *log = &store->log;

	while (es_log_room(log, 1) < (s64)blocks) {
		if (!es_log_has_next(log))
			return false;
		if (log->nr_open && !store->open_lost)
			write_summary(store);
		store->open_lost = false;
		es_log_next_segment(log);
	}
	return true;
}

/*
 * The next chunks of @copy, at most @max, that can be one extent.  A view's chunk
 * gets its place also when it is all zero, or each rewrite would need another record.
 */
static u32 next_run(const struct es_store *store, const struct es_copy *copy, u32 max, u16 *flags)
{
	if (store->sb.kind != ES_KIND_VIEW)
		return es_copy_run(copy, copy->recorded, max, store->log.chunk_blocks, flags);
	*flags = 0;
	return min(max, copy->nr - copy->recorded);
}

/*
 * Take what fits of @copy into the record, whose payload may have @limit blocks, and which may
 * have @most extents; false: the record is full.
 */
static bool take_copy(struct es_appender *a, struct es_copy *copy, u32 limit, u32 most)
{
	struct es_store *store = a->store;
	struct es_log *log = &store->log;
	u32 cb = log->chunk_blocks;
	bool view = store->sb.kind == ES_KIND_VIEW;

	while (copy->recorded < copy->nr) {
		struct es_extent *e = &a->extents[a->nr];
		s64 room = min_t(s64, es_log_room(log, a->nr + 1), limit) - a->payload_blocks;
		u16 flags;
		u32 n;

		if (a->nr >= most || room < 0)
			return false;
		n = next_run(store, copy, room / cb ? : copy->nr, &flags);
		if (!flags) {
			n = min_t(s64, n, room / cb);
			if (!n)
				return false;
		}
		*e = (struct es_extent){
			.chunk = es_copy_chunk(copy) + copy->recorded, .nr = n,
			.flags = flags | (view && !flags ? ES_EXT_NO_CRC : 0),
		};
		if (!flags && !view)
			e->crc = es_copy_crc(copy, copy->recorded, n, cb);
		a->parts[a->nr++] = (struct es_part){ .copy = copy, .nr = n };
		a->payload_blocks += flags ? 0 : n * cb;
		copy->recorded += n;
	}
	return true;
}

/* Payload that the next chunk of @copy needs. */
static u32 first_need(const struct es_store *store, const struct es_copy *copy)
{
	u16 flags;

	next_run(store, copy, 1, &flags);
	return flags ? 0 : store->log.chunk_blocks;
}

/* Give the record its place, and remember its extents for the summary. */
static u64 append_record(struct es_store *store, struct es_extent *extents, u32 nr,
			 struct page *header)
{
	u32 open = store->log.nr_open;
	u64 addr = es_log_append(&store->log, extents, nr, page_address(header));

	/* A list that cannot grow costs the segment its summary, no more. */
	if (!store->open_lost && es_store_note_open(store, open, extents, nr, ES_TRY_ONCE))
		store->open_lost = true;
	return addr;
}

/* Take copies off @ready; they fill no more than one of @part parts of a record. */
static void take_list(struct es_appender *a, struct list_head *ready, u32 part,
		      struct list_head *taken)
{
	u32 limit = RECORD_BLOCKS / part, most = ES_BLOCK_EXTENTS / part;
	struct es_copy *copy, *next;

	/* One chunk, however large, for each class: so both get on. */
	limit = max(limit, a->payload_blocks + a->store->log.chunk_blocks);
	list_for_each_entry_safe(copy, next, ready, list) {
		if (!take_copy(a, copy, limit, most))
			break;
		list_move_tail(&copy->list, taken);
	}
}

/*
 * A device that was made smaller than its store (lvreduce) takes nothing: the log
 * would run into what is missing, and the chain be lost.  It may get its end back.
 */
static bool has_shrunk(const struct es_store *store)
{
	u64 blocks = es_bdev_blocks(store->bdev);

	if (es_sb_check_device(&store->sb, blocks) == ES_OK)
		return false;
	DMERR_LIMIT("%pg: has %llu sectors, its store %llu: nothing is copied until they are back",
		    store->bdev, (unsigned long long)blocks * ES_BLOCK_SECTORS,
		    (unsigned long long)es_store_total_sectors(store));
	return true;
}

int es_append_start(struct es_appender *a, struct list_head *ready, struct list_head *taken)
{
	struct list_head *small = &ready[ES_COPY_SMALL], *large = &ready[ES_COPY_LARGE];
	struct es_store *store = a->store;
	struct es_copy *copy;

	copy = list_first_entry(list_empty(small) ? large : small, struct es_copy, list);
	if (has_shrunk(store) || !make_room(store, first_need(store, copy)))
		return -ENOSPC;

	a->nr = 0;
	a->payload_blocks = 0;
	/* Half of the record is left to large ones. */
	take_list(a, small, list_empty(large) ? 1 : 2, taken);
	take_list(a, large, 1, taken);
	a->addr = append_record(store, a->extents, a->nr, a->header);
	a->busy = true;
	write_record(a);
	return 0;
}

int es_append_zeroes(struct es_store *store, struct es_extent *extents, u32 nr)
{
	struct page *header = alloc_page(GFP_NOIO);
	u32 done = 0;
	int r = header ? 0 : -ENOMEM;

	while (!r && done < nr && make_room(store, 0)) {
		u32 n = min(nr - done, ES_BLOCK_EXTENTS);
		u64 addr;

		while (es_log_room(&store->log, n) < 0)
			n /= 2;
		addr = append_record(store, extents + done, n, header);
		r = es_io_page(store->bdev, REQ_OP_WRITE | REQ_FUA, addr, header);
		done += n;
	}
	store->durable_seq = store->log.seq;
	if (header)
		__free_page(header);
	return r ? r : (int)done;
}
