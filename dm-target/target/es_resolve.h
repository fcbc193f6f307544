/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where is a chunk of a snapshot?  Its store, the newer ones in order, the origin.
 */
#ifndef ES_RESOLVE_H
#define ES_RESOLVE_H

#include "es_store.h"

struct es_chain;

enum es_place {
	ES_AT_ZERO,	/* nowhere: reads as zeros */
	ES_AT_BAD,	/* nowhere: could not be read when it was copied */
	ES_AT_STORE,	/* at block addr of bdev */
	ES_AT_ORIGIN,	/* where it always was */
};

/**
 * struct es_where - the answer for some consecutive chunks.
 * @nr: how many; with -EAGAIN, for how many the stores looked at had nothing
 * @bdev: the device for ES_AT_STORE and ES_AT_ORIGIN
 * @addr: block on it for ES_AT_STORE
 * @from: stores with a smaller serial were looked at already; 0 to begin with.
 *	They cannot have gained the chunk since, because they take no copies
 * @store: with -EAGAIN, the store to be asked by es_where_fetch, with a reference
 */
struct es_where {
	enum es_place place;
	u64 nr;
	u64 addr;
	struct block_device *bdev;
	u32 from;
	struct es_store *store;
};

/**
 * es_store_resolve - look in one store.
 *
 * Takes no lock: caller holds its map_lock.  Returns 1 found, 0 not found (then
 * @w->nr tells for how many chunks), -EAGAIN: see struct es_where.
 */
int es_store_resolve(struct es_store *store, u64 chunk, u64 max, struct es_where *w);

/**
 * es_where_fetch - look in @w->store, which said -EAGAIN, and put it.
 *
 * Returns 1 found, 0 not found (then @w->nr tells for how many chunks, and
 * @w->from goes on behind it), or a negative errno.  Sleeps.
 */
int es_where_fetch(struct es_where *w, u64 chunk);

/**
 * es_chain_resolve - look in the store @uuid, in all newer ones, and at the origin.
 * @hint: position of the store, updated
 *
 * The caller is a registered reader of these chunks.  Returns 0; -EAGAIN with
 * @w->store referenced; -EIO if the snapshot is not in the chain, or not to be
 * trusted.  Does not sleep.
 */
int es_chain_resolve(struct es_chain *chain, const u8 *uuid, u32 *hint, u64 chunk, u64 max,
		     struct es_where *w);

#endif /* ES_RESOLVE_H */
