// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading what an origin was: see es_image.h.
 *
 * A read that needs nothing but a map in memory is remapped at once, cut where
 * the place changes.  One that needs a table from disk, a chain that was away,
 * or a bounce buffer (its store has larger logical blocks than the origin) goes
 * to the work queue and is split there.
 */
#include <linux/bio.h>
#include <linux/slab.h>
#include "es_chain.h"
#include "es_image.h"
#include "es_io.h"
#include "es_registry.h"

#define IMAGE_BIOS 8

struct workqueue_struct *es_image_wq;

static void image_work(struct work_struct *work);

int es_image_init(struct es_image *image, struct dm_target *ti, struct es_store *base,
		  struct es_store *own)
{
	if (bioset_init(&image->bios, IMAGE_BIOS, 0, 0))
		return -ENOMEM;
	image->ti = ti;
	image->base = base;
	es_store_get(base);
	image->own = own;
	image->chunk_shift = ilog2(base->sb.chunk_sectors);
	spin_lock_init(&image->lock);
	bio_list_init(&image->deferred);
	INIT_WORK(&image->work, image_work);
	es_image_register(image);
	return 0;
}

/* No image of the chain is left: nobody needs its tables. */
static void unload_tables(struct es_chain *chain)
{
	struct es_store *store;
	u32 i;

	for (i = 0;; i++) {
		read_lock(&chain->map_lock);
		store = i < chain->nr_stores ? chain->stores[i] : NULL;
		if (store)
			es_store_get(store);
		read_unlock(&chain->map_lock);
		if (!store)
			break;
		es_store_unload(store);
		es_store_put(store);
	}
}

void es_image_exit(struct es_image *image)
{
	struct es_chain *chain = image->chain;

	flush_work(&image->work);
	es_image_unregister(image);
	if (chain && !es_images_read(image->base->sb.chain_uuid))
		unload_tables(chain);
	es_chain_put(chain);
	es_store_put(image->base);
	bioset_exit(&image->bios);
}

/* --- entering and leaving --- */

int es_image_enter(struct es_image *image, struct es_image_io *io, u64 first, u64 last)
{
	struct es_chain *chain;
	int r = -ENODEV;

	io->chain = NULL;
	spin_lock(&image->lock);
	chain = image->chain;
	if (chain && es_reader_enter(&chain->readers, &io->reader, first, last)) {
		io->chain = chain;
		r = 0;
	}
	spin_unlock(&image->lock);
	/* Its origin's device may have become another chain's since. */
	if (!r && !es_chain_has_uuid(chain, image->base->sb.chain_uuid)) {
		es_image_leave(io);
		r = -ENODEV;
	}
	return r;
}

/* Look for the chain again: it may have been attached since.  Sleeps. */
static void find_chain(struct es_image *image)
{
	struct es_chain *chain = es_chain_find(image->base->sb.chain_uuid), *old;

	spin_lock(&image->lock);
	old = image->chain;
	image->chain = chain;
	spin_unlock(&image->lock);
	es_chain_put(old);
}

int es_image_enter_find(struct es_image *image, struct es_image_io *io, u64 first, u64 last)
{
	if (!es_image_enter(image, io, first, last))
		return 0;
	find_chain(image);
	return es_image_enter(image, io, first, last);
}

bool es_image_leave(struct es_image_io *io)
{
	struct es_chain *chain = io->chain;
	LIST_HEAD(drained);
	bool ok;

	if (!chain)
		return true;
	/* Pairs with the barrier in es_chain_invalidate: see there. */
	smp_mb();
	ok = READ_ONCE(chain->mode) == ES_MODE_OK;
	io->chain = NULL;
	es_reader_leave(&chain->readers, &io->reader, &drained);
	/* Writes wait for what is in there, so the chain is still attached. */
	if (!list_empty(&drained))
		es_engine_drained(&chain->engine, &drained);
	return ok;
}

/* What is wanted does not lie at the origin: writes there do not wait for its device. */
static void leave_range(struct es_image_io *io)
{
	LIST_HEAD(drained);

	es_reader_leave_range(&io->chain->readers, &io->reader, &drained);
	if (!list_empty(&drained))
		es_engine_drained(&io->chain->engine, &drained);
}

/* --- resolving --- */

/* One look; @w->from tells where to begin: 0 is a view's own store. */
static int resolve(struct es_image *image, struct es_image_io *io, u64 chunk, u64 max,
		   struct es_where *w)
{
	int r = 0;

	if (image->own && !w->from) {
		read_lock(image->own->map_lock);
		r = es_store_resolve(image->own, chunk, max, w);
		read_unlock(image->own->map_lock);
		if (!r)
			max = w->nr;
	}
	if (!r)
		r = es_chain_resolve(io->chain, image->base->sb.store_uuid, &image->hint, chunk,
				     max, w);
	return r < 0 ? r : 0;
}

int es_image_resolve(struct es_image *image, struct es_image_io *io, u64 chunk, u64 max,
		     struct es_where *w)
{
	w->from = 0;
	return resolve(image, io, chunk, max, w);
}

int es_image_resolve_load(struct es_image *image, struct es_image_io *io, u64 chunk, u64 max,
			  struct es_where *w)
{
	int r;

	w->from = 0;
	while ((r = resolve(image, io, chunk, max, w)) == -EAGAIN) {
		bool own = w->store == image->own;

		r = es_where_fetch(w, chunk);
		if (r)
			return min(r, 0);
		if (own)
			w->from = image->base->sb.serial;
		max = w->nr;
	}
	return r;
}

/* --- reading --- */

static u64 first_chunk(const struct es_image *image, const struct bio *bio)
{
	return bio->bi_iter.bi_sector >> image->chunk_shift;
}

static u64 last_chunk(const struct es_image *image, const struct bio *bio)
{
	return (bio_end_sector(bio) - 1) >> image->chunk_shift;
}

/* Sectors of @bio that @w is the answer for. */
static u32 piece_sectors(const struct es_image *image, const struct bio *bio,
			 const struct es_where *w)
{
	u64 end = (first_chunk(image, bio) + w->nr) << image->chunk_shift;

	return min_t(u64, bio_sectors(bio), end - bio->bi_iter.bi_sector);
}

/* Sector of @w->bdev where @bio starts. */
static sector_t piece_sector(const struct es_image *image, const struct bio *bio,
			     const struct es_where *w)
{
	sector_t sector = bio->bi_iter.bi_sector;

	if (w->place == ES_AT_ORIGIN)
		return sector;
	return w->addr * ES_BLOCK_SECTORS + (sector & ((1u << image->chunk_shift) - 1));
}

/* Whether the device takes an I/O of @sectors at @sector. */
static bool aligned(struct block_device *bdev, sector_t sector, u32 sectors)
{
	u32 mask = (bdev_logical_block_size(bdev) >> SECTOR_SHIFT) - 1;

	return !((sector | sectors) & mask);
}

static int defer(struct es_image *image, struct bio *bio)
{
	spin_lock(&image->lock);
	bio_list_add(&image->deferred, bio);
	spin_unlock(&image->lock);
	queue_work(es_image_wq, &image->work);
	return DM_MAPIO_SUBMITTED;
}

int es_image_map_read(struct es_image *image, struct bio *bio, struct es_image_io *io)
{
	u64 first = first_chunk(image, bio), last = last_chunk(image, bio);
	struct es_where w;
	u32 sectors;
	int r;

	/* Writes may wait for it: its end must not wait for somebody who polls. */
	bio_clear_polled(bio);
	/* The chain is away, or was: look for it where we may sleep. */
	if (es_image_enter(image, io, first, last))
		return defer(image, bio);

	r = es_image_resolve(image, io, first, last - first + 1, &w);
	if (r == -EAGAIN) {
		es_store_put(w.store);
		return defer(image, bio);
	}
	if (r || w.place == ES_AT_BAD) {
		es_image_leave(io);
		return DM_MAPIO_KILL;
	}

	sectors = piece_sectors(image, bio, &w);
	if (w.place == ES_AT_ZERO) {
		dm_accept_partial_bio(bio, sectors);
		zero_fill_bio(bio);
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (!aligned(w.bdev, piece_sector(image, bio, &w), sectors))
		return defer(image, bio);

	if (w.place == ES_AT_STORE)
		leave_range(io);
	dm_accept_partial_bio(bio, sectors);
	bio->bi_iter.bi_sector = piece_sector(image, bio, &w);
	bio_set_dev(bio, w.bdev);
	return DM_MAPIO_REMAPPED;
}

void es_image_end_read(struct es_image_io *io, blk_status_t *error)
{
	if (!es_image_leave(io) && !*error)
		*error = BLK_STS_IOERR;
}

/* --- where we may sleep --- */

/* Copy @sectors of @page from sector @from on into @bio, and move it on. */
static void fill_bio(struct bio *bio, struct page *page, u32 from, u32 sectors)
{
	u32 left = sectors << SECTOR_SHIFT, done = from << SECTOR_SHIFT;

	while (left) {
		struct bio_vec bv = bio_iter_iovec(bio, bio->bi_iter);
		u32 n = min(left, bv.bv_len);

		memcpy_to_page(bv.bv_page, bv.bv_offset, page_address(page) + done, n);
		bio_advance(bio, n);
		done += n;
		left -= n;
	}
}

/* Read block by block into a page and copy what is wanted. */
static void bounce_read(struct bio *bio, struct block_device *bdev, sector_t sector)
{
	struct page *page = alloc_page(GFP_NOIO);
	int r = page ? 0 : -ENOMEM;

	while (!r && bio->bi_iter.bi_size) {
		u32 from = sector % ES_BLOCK_SECTORS;
		u32 n = min(ES_BLOCK_SECTORS - from, bio_sectors(bio));

		r = es_io_page(bdev, REQ_OP_READ, sector / ES_BLOCK_SECTORS, page);
		if (!r)
			fill_bio(bio, page, from, n);
		sector += n;
	}
	if (page)
		__free_page(page);
	/* It may have got the error of a part that was split off. */
	if (r)
		bio->bi_status = errno_to_blk_status(r);
	bio_endio(bio);
}

static void submit_piece(struct es_image *image, struct bio *bio, const struct es_where *w)
{
	sector_t sector = piece_sector(image, bio, w);

	if (w->place == ES_AT_ZERO) {
		zero_fill_bio(bio);
		bio_endio(bio);
	} else if (w->place == ES_AT_BAD) {
		bio_io_error(bio);
	} else if (!aligned(w->bdev, sector, bio_sectors(bio))) {
		bounce_read(bio, w->bdev, sector);
	} else {
		bio_set_dev(bio, w->bdev);
		bio->bi_iter.bi_sector = sector;
		submit_bio_noacct(bio);
	}
}

/* Read all of @bio, piece by piece. */
static void read_pieces(struct es_image *image, struct bio *bio, struct es_image_io *io)
{
	u64 last = last_chunk(image, bio);

	bio_clear_polled(bio);
	for (;;) {
		u64 first = first_chunk(image, bio);
		struct es_where w;
		struct bio *part;
		u32 sectors;

		if (es_image_resolve_load(image, io, first, last - first + 1, &w)) {
			bio_io_error(bio);
			return;
		}
		sectors = piece_sectors(image, bio, &w);
		if (sectors == bio_sectors(bio)) {
			submit_piece(image, bio, &w);
			return;
		}
		part = bio_split(bio, sectors, GFP_NOIO, &image->bios);
		bio_chain(part, bio);
		submit_piece(image, part, &w);
	}
}

static void image_work(struct work_struct *work)
{
	struct es_image *image = container_of(work, struct es_image, work);
	struct bio_list bios;
	struct bio *bio;

	spin_lock(&image->lock);
	bios = image->deferred;
	bio_list_init(&image->deferred);
	spin_unlock(&image->lock);

	while ((bio = bio_list_pop(&bios))) {
		struct es_image_io *io = dm_per_bio_data(bio, image->ti->per_io_data_size);

		if (!io->chain &&
		    es_image_enter_find(image, io, first_chunk(image, bio), last_chunk(image, bio)))
			bio_io_error(bio);
		else
			read_pieces(image, bio, io);
	}
}
