/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A view: a snapshot that can be written to, with a store of its own.
 *
 * Like a chain it lives behind its table instances, found by its store's
 * device, and a table is bound to it in preresume.
 */
#ifndef ES_VIEW_H
#define ES_VIEW_H

#include <linux/device-mapper.h>
#include "es_engine.h"
#include "es_image.h"

struct es_view_table;

/**
 * struct es_view - see above.
 * @ref: held by tables; guarded by es_chains_lock, like @list
 * @memory: one for @ref, and one for each who is about to give it back
 * @life: held by who attaches or detaches; I/O is done under it
 * @store: the view's own store; its table stays in memory while attached
 * @bound: the table in force; changed under @life and es_chains_lock, like @image
 * @image: of the bound table: reads what the view has not written itself
 * @attached: the store is attached; guarded by @life
 * @ended: it was, and will be no more: who comes now makes a view of its own; guarded by
 *	es_chains_lock
 * @failed: the store cannot be written any more: everything fails
 * @bounce: the store's logical blocks are larger than the view's: writes in
 *	place are done one at a time by the worker
 * @engine: the copying machine
 */
struct es_view {
	unsigned int ref;
	refcount_t memory;
	struct list_head list;
	struct mutex life;	/* guards attaching and detaching */
	struct es_store *store;
	struct es_view_table *bound;
	struct es_image *image;
	bool attached;
	bool ended;
	bool failed;
	bool bounce;
	struct es_engine engine;
};

/**
 * struct es_view_table - the private data of an esnapshot-view target.
 * @image: reads it
 * @view: what it is, or will be, bound to
 * @dev, @origin, @base: the devices of the table line
 * @serial: as given, 0: left out
 */
struct es_view_table {
	struct es_image image;
	struct es_view *view;
	struct dm_dev *dev;
	struct dm_dev *origin;
	struct dm_dev *base;
	u32 serial;
};

/**
 * struct es_view_io - per bio.
 * @image: of a read, or of the read that a write needs for what is around it
 * @write: for the engine
 * @absorbed: the write's data went into the store with its copy
 */
struct es_view_io {
	struct es_image_io image;	/* first: es_image.c looks for it there */
	struct es_write write;
	bool absorbed;
};

extern const struct es_engine_ops es_view_engine_ops;

/**
 * es_view_get - the view whose own store is on the device of @own; a new one if there is none.
 *
 * Sleeps.  Returns 0, -ENOMEM, or -EBUSY when another device than @md has a table of it in force.
 */
int es_view_get(struct es_store *own, struct mapped_device *md, struct es_view **out);

/* Drop a reference; the last one detaches.  Sleeps. */
void es_view_put(struct es_view *view);

/*
 * @table is the one in force: attach if need be.  In preresume.  Sleeps.  Returns 0 or a negative
 * errno (logged); then nothing has changed.
 */
int es_view_bind(struct es_view *view, struct es_view_table *table);

/* @table goes away.  Sleeps. */
void es_view_unbind(struct es_view *view, const struct es_view_table *table);

/* Hand a write to the view.  For the map function; returns DM_MAPIO_*. */
int es_view_map_write(struct es_view *view, struct bio *bio, struct es_view_io *io);

#endif /* ES_VIEW_H */
