// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing to a view.
 *
 * The first write to a chunk is joined in memory with what the snapshot holds
 * around it, and goes to the view's store as one extent, data first, then the
 * record (es_append.h); a chunk that is covered whole is not read at all.  Later
 * writes go to that place directly, so a view never needs more than its size.
 */
#include <linux/highmem.h>
#include "es_events.h"
#include "es_io.h"
#include "es_view.h"

#define DM_MSG_PREFIX "esnapshot-view"

static struct es_view *view_of(struct es_engine *e)
{
	return container_of(e, struct es_view, engine);
}

static struct es_view_io *io_of(struct es_write *w)
{
	return container_of(w, struct es_view_io, write);
}

static sector_t chunk_mask(const struct es_view *view)
{
	return ((sector_t)1 << view->image->chunk_shift) - 1;
}

/* Look in the view's own store; 1 there, 0 not there, -EAGAIN table missing (no reference). */
static int own_piece(struct es_view *view, u64 chunk, u64 max, struct es_where *w)
{
	int r;

	read_lock(view->store->map_lock);
	r = es_store_resolve(view->store, chunk, max, w);
	read_unlock(view->store->map_lock);
	if (r == -EAGAIN)
		es_store_put(w->store);
	return r == 1 && w->place != ES_AT_STORE ? 0 : r;
}

static void view_fail(struct es_view *view, const char *why)
{
	if (view->failed)
		return;
	WRITE_ONCE(view->failed, true);
	DMERR("%pg: the view has FAILED: %s", view->store->bdev, why);
	es_events_signal(view->store);
}

/* The same in the worker, which loads a table that was lost for want of memory. */
static int own_piece_load(struct es_view *view, u64 chunk, u64 max, struct es_where *w)
{
	int r;

	while ((r = own_piece(view, chunk, max, w)) == -EAGAIN) {
		r = es_store_load(view->store);
		if (r && r != -EAGAIN)
			return r;
	}
	return r;
}

static bool view_next_needed(struct es_engine *e, u64 from, u64 last, u64 *first, u64 *end)
{
	struct es_view *view = view_of(e);
	struct es_where w;
	int r = 1;

	for (*first = from; *first <= last; *first += w.nr) {
		r = own_piece_load(view, *first, last - *first + 1, &w);
		if (r <= 0)
			break;
	}
	if (r || view->failed)
		return false;	/* issue() sees to a failed view */
	*end = *first + w.nr;
	return true;
}

/* --- joining old and new --- */

/* Read what the snapshot has of chunk @i of the copy. */
static int read_chunk(struct es_view *view, struct es_copy *copy, struct es_image_io *io, u32 i)
{
	struct es_image *image = view->image;
	u64 chunk = es_copy_chunk(copy) + i;
	sector_t sector = chunk << image->chunk_shift;
	sector_t end = view->store->sb.origin_sectors;
	u32 sectors = min_t(sector_t, chunk_mask(view) + 1, end - sector);
	struct es_where w;
	int r;

	r = es_image_resolve_load(image, io, chunk, 1, &w);
	if (r || w.place == ES_AT_ZERO)
		return r;
	if (w.place == ES_AT_BAD)
		return -EIO;
	if (w.place == ES_AT_STORE) {
		sector = w.addr * ES_BLOCK_SECTORS;
		sectors = round_up(sectors, ES_BLOCK_SECTORS);
	}
	es_copy_read(&view->engine.pool, copy, w.bdev, sector, sectors,
		     i * view->engine.chunk_blocks);
	return 0;
}

/* Whether the write covers all of chunk @chunk that exists. */
static bool covers(struct es_view *view, const struct bio *bio, u64 chunk)
{
	sector_t start = chunk << view->image->chunk_shift;
	sector_t end = min_t(sector_t, start + chunk_mask(view) + 1,
			     view->store->sb.origin_sectors);

	return bio->bi_iter.bi_sector <= start && bio_end_sector((struct bio *)bio) >= end;
}

/* All is in memory: writes to the origin need not wait until the worker has the time. */
static void view_read_done(struct es_copy *copy)
{
	if (!es_image_leave(&io_of(copy->private)->image))
		WRITE_ONCE(copy->read_error, true);
	es_engine_read_done(copy);
}

static void view_read_old(struct es_engine *e, struct es_copy *copy)
{
	struct es_view *view = view_of(e);
	struct es_write *w = copy->private;
	struct es_view_io *io = io_of(w);
	bool error;
	u32 i;

	copy->read_done = view_read_done;
	es_copy_read_begin(copy);
	error = es_image_enter_find(view->image, &io->image, es_copy_chunk(copy),
				    es_copy_chunk(copy) + copy->nr - 1);
	for (i = 0; i < copy->nr && !error; i++)
		if (!covers(view, w->bio, es_copy_chunk(copy) + i))
			error = read_chunk(view, copy, &io->image, i);
	if (error)
		WRITE_ONCE(copy->read_error, true);
	es_copy_read_end(copy);
}

/* Put the part of the write that lies in the copy over the old data. */
static void overlay(struct es_view *view, struct es_copy *copy, struct bio *bio)
{
	sector_t start = es_copy_chunk(copy) << view->image->chunk_shift;
	u64 bytes = (u64)copy->nr_pages << ES_BLOCK_SHIFT;
	s64 pos = ((s64)bio->bi_iter.bi_sector - (s64)start) << SECTOR_SHIFT;
	struct bvec_iter iter;
	struct bio_vec bv;

	bio_for_each_segment(bv, bio, iter) {
		u32 done = 0;

		for (; done < bv.bv_len && pos + done < (s64)bytes; ) {
			s64 at = pos + done;
			u32 n;

			if (at < 0) {
				done += min_t(s64, -at, bv.bv_len - done);
				continue;
			}
			n = min_t(u32, bv.bv_len - done, ES_BLOCK_SIZE - at % ES_BLOCK_SIZE);
			memcpy_from_page(page_address(copy->pages[at >> ES_BLOCK_SHIFT]) +
						 at % ES_BLOCK_SIZE,
					 bv.bv_page, bv.bv_offset + done, n);
			done += n;
		}
		pos += bv.bv_len;
	}
}

static bool view_old_ready(struct es_engine *e, struct es_copy *copy)
{
	struct es_view *view = view_of(e);
	struct es_write *w = copy->private;
	struct es_view_io *io = io_of(w);

	if (copy->read_error || view->failed) {
		es_engine_drop(e, copy, w, BLK_STS_IOERR);
		return false;
	}
	overlay(view, copy, w->bio);
	io->absorbed = w->first >= copy->node.start && w->last <= copy->node.last;
	return true;
}

/* --- the rest of a copy's life --- */

static void view_recorded(struct es_engine *e, const struct es_extent *extents, u32 nr, u64 seq)
{
	es_store_insert(e->append.store, extents, nr, seq);
}

static void view_usage(struct es_engine *e, u32 blocks)
{
	es_events_usage(e->append.store, blocks);
}

static bool view_settle(struct es_engine *e, struct es_copy *copy)
{
	return true;	/* readers of the snapshot see what they saw before */
}

static void view_release(struct es_engine *e, u64 first, u64 nr)
{
}

static void view_failed(struct es_engine *e, blk_status_t status)
{
	view_fail(view_of(e), "writing to its store failed");
	es_engine_give_up(e);
}

static void view_space(struct es_engine *e, enum es_space space)
{
	struct es_store *store = e->append.store;

	if (space == ES_SPACE_GROWN)
		return;	/* usage tells whether it is still low */
	if (space == ES_SPACE_FULL)
		DMWARN("%pg: store is full, writes that need space wait", store->bdev);
	else if (space == ES_SPACE_OK)
		DMINFO("%pg: store has room again", store->bdev);
	else
		es_engine_set_full_status(e, BLK_STS_NOSPC);
	es_events_signal(store);
}

/* --- writing in place --- */

/* Write @sectors of @bio, from where it stands, into blocks read first.  Sleeps. */
static int write_bounced(struct es_view *view, struct bio *bio, sector_t sector, u32 sectors)
{
	struct page *page = alloc_page(GFP_NOIO | __GFP_NOFAIL);
	struct block_device *bdev = view->store->bdev;
	int r = 0;

	while (!r && sectors) {
		u32 from = sector % ES_BLOCK_SECTORS;
		u32 n = min(ES_BLOCK_SECTORS - from, sectors);
		u64 block = sector / ES_BLOCK_SECTORS;
		u32 done = from << SECTOR_SHIFT, left = n << SECTOR_SHIFT;

		if (n != ES_BLOCK_SECTORS)
			r = es_io_page(bdev, REQ_OP_READ, block, page);
		while (!r && left) {
			struct bio_vec bv = bio_iter_iovec(bio, bio->bi_iter);
			u32 len = min(left, bv.bv_len);

			memcpy_from_page(page_address(page) + done, bv.bv_page, bv.bv_offset, len);
			bio_advance(bio, len);
			done += len;
			left -= len;
		}
		if (!r)
			r = es_io_page(bdev, REQ_OP_WRITE | (bio->bi_opf & REQ_FUA), block, page);
		sector += n;
		sectors -= n;
	}
	__free_page(page);
	return r;
}

static u32 own_sectors(struct es_view *view, const struct bio *bio, const struct es_where *w)
{
	u64 chunk = bio->bi_iter.bi_sector >> view->image->chunk_shift;
	u64 end = (chunk + w->nr) << view->image->chunk_shift;

	return min_t(u64, bio_sectors(bio), end - bio->bi_iter.bi_sector);
}

static sector_t own_sector(struct es_view *view, const struct bio *bio, const struct es_where *w)
{
	return w->addr * ES_BLOCK_SECTORS + (bio->bi_iter.bi_sector & chunk_mask(view));
}

static void submit_own(struct es_view *view, struct bio *bio, const struct es_where *w)
{
	sector_t sector = own_sector(view, bio, w);

	bio_set_dev(bio, view->store->bdev);
	bio->bi_iter.bi_sector = sector;
	submit_bio_noacct(bio);
}

/* All chunks are in the store: write the bio there, piece by piece. */
static void write_pieces(struct es_view *view, struct bio *bio)
{
	u64 last = (bio_end_sector(bio) - 1) >> view->image->chunk_shift;
	struct es_where w;
	int r = 0;

	for (;;) {
		u64 first = bio->bi_iter.bi_sector >> view->image->chunk_shift;
		u32 sectors;

		if (own_piece_load(view, first, last - first + 1, &w) != 1)
			break;
		sectors = own_sectors(view, bio, &w);
		if (view->bounce) {
			r = write_bounced(view, bio, own_sector(view, bio, &w), sectors);
			if (r || !bio_sectors(bio))
				break;
		} else if (sectors < bio_sectors(bio)) {
			struct bio *part = bio_split(bio, sectors, GFP_NOIO, &view->image->bios);

			bio_chain(part, bio);
			submit_own(view, part, &w);
		} else {
			submit_own(view, bio, &w);
			return;
		}
	}
	bio->bi_status = view->bounce && !bio_sectors(bio) ? errno_to_blk_status(r) :
							      BLK_STS_IOERR;
	bio_endio(bio);
}

static void view_issue(struct es_engine *e, struct es_write *w)
{
	struct es_view *view = view_of(e);

	if (view->failed)
		bio_io_error(w->bio);
	else if (io_of(w)->absorbed)
		bio_endio(w->bio);
	else
		write_pieces(view, w->bio);
}

int es_view_map_write(struct es_view *view, struct bio *bio, struct es_view_io *io)
{
	struct es_where w;

	if (READ_ONCE(view->failed))
		return DM_MAPIO_KILL;
	io->absorbed = false;
	io->write.bio = bio;
	io->write.first = bio->bi_iter.bi_sector >> view->image->chunk_shift;
	io->write.last = (bio_end_sector(bio) - 1) >> view->image->chunk_shift;

	/* Written before, in one place: write it there. */
	if (!view->bounce &&
	    own_piece(view, io->write.first, io->write.last - io->write.first + 1, &w) == 1) {
		dm_accept_partial_bio(bio, own_sectors(view, bio, &w));
		bio->bi_iter.bi_sector = own_sector(view, bio, &w);
		bio_set_dev(bio, view->store->bdev);
		return DM_MAPIO_REMAPPED;
	}

	bio_clear_polled(bio);
	es_engine_submit(&view->engine, &io->write);
	return DM_MAPIO_SUBMITTED;
}

const struct es_engine_ops es_view_engine_ops = {
	.next_needed = view_next_needed,
	.read_old = view_read_old,
	.old_ready = view_old_ready,
	.recorded = view_recorded,
	.usage = view_usage,
	.settle = view_settle,
	.release = view_release,
	.issue = view_issue,
	.failed = view_failed,
	.space = view_space,
};
