/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading what an origin was: shared by read-only images and views.
 *
 * An image finds its chain by uuid whenever the chain is attached, loses it when
 * it is detached, and finds it again.  Every read is registered with the chain
 * from before it looks at a map until its data has arrived.
 */
#ifndef ES_IMAGE_H
#define ES_IMAGE_H

#include <linux/device-mapper.h>
#include "es_readers.h"
#include "es_resolve.h"
#include "es_store.h"

struct es_chain;

/**
 * struct es_image - a snapshot as somebody reads it.
 * @list: in the registry
 * @ti: our target, for events
 * @base: the snapshot's store as this table opened it; for its identity only
 * @own: a view's own store, which hides the snapshot's chunks; else NULL
 * @chunk_shift: log2 of the chunk size in sectors
 * @hint: where in the chain the store was last; only a hint, no lock
 * @lock: guards @chain and @deferred
 * @chain: the chain as last found, with a reference; may be detached
 * @deferred: reads that need a table from disk or a bounce buffer
 * @work: handles them
 * @bios: for splitting in @work
 */
struct es_image {
	struct list_head list;
	struct dm_target *ti;
	struct es_store *base;
	struct es_store *own;
	unsigned int chunk_shift;
	u32 hint;
	spinlock_t lock;	/* guards chain and deferred */
	struct es_chain *chain;
	struct bio_list deferred;
	struct work_struct work;
	struct bio_set bios;
};

/**
 * struct es_image_io - a read under way; at the start of the per-bio data.
 * @chain: where the reader is registered, with a reference; NULL: nowhere
 */
struct es_image_io {
	struct es_reader reader;
	struct es_chain *chain;
};

/* @base: gets an own reference.  Returns 0 or -ENOMEM.  Sleeps. */
int es_image_init(struct es_image *image, struct dm_target *ti, struct es_store *base,
		  struct es_store *own);

/* No read may be under way.  Sleeps. */
void es_image_exit(struct es_image *image);

/**
 * es_image_enter - register as a reader of chunks [@first, @last].
 *
 * Returns 0, or -ENODEV when the chain is not attached.  Does not sleep.
 */
int es_image_enter(struct es_image *image, struct es_image_io *io, u64 first, u64 last);

/* The same, looking for the chain again if need be.  Sleeps. */
int es_image_enter_find(struct es_image *image, struct es_image_io *io, u64 first, u64 last);

/* The read has ended.  Any context.  Returns false if what was read is not to be trusted. */
bool es_image_leave(struct es_image_io *io);

/**
 * es_image_resolve - where are the chunks from @chunk on?
 * @max: at most that many
 *
 * Caller has entered.  Returns 0; -EAGAIN when the table of @w->store (with a
 * reference) must be loaded first; or -EIO.  Does not sleep.
 */
int es_image_resolve(struct es_image *image, struct es_image_io *io, u64 chunk, u64 max,
		     struct es_where *w);

/* The same, loading tables as needed.  Sleeps. */
int es_image_resolve_load(struct es_image *image, struct es_image_io *io, u64 chunk, u64 max,
			  struct es_where *w);

/* Read a bio: for the map function.  Returns DM_MAPIO_*. */
int es_image_map_read(struct es_image *image, struct bio *bio, struct es_image_io *io);

/* For the end_io function. */
void es_image_end_read(struct es_image_io *io, blk_status_t *error);

/* Global workqueue for reads that must sleep. */
extern struct workqueue_struct *es_image_wq;

#endif /* ES_IMAGE_H */
