// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where is a chunk: see es_resolve.h.
 */
#include "es_chain.h"
#include "es_resolve.h"

/* Take @piece of @store for an answer; returns whether it is one. */
static int take_piece(struct es_store *store, const struct es_piece *piece, struct es_where *w)
{
	w->nr = piece->nr;
	if (!piece->found)
		return 0;
	if (piece->flags & ES_EXT_ZERO)
		w->place = ES_AT_ZERO;
	else if (piece->flags & ES_EXT_BAD)
		w->place = ES_AT_BAD;
	else
		w->place = ES_AT_STORE;
	w->addr = piece->addr;
	w->bdev = store->bdev;
	return 1;
}

int es_store_resolve(struct es_store *store, u64 chunk, u64 max, struct es_where *w)
{
	struct es_piece piece;

	if (!es_store_lookup(store, chunk, max, &piece))
		return take_piece(store, &piece, w);
	es_store_get(store);
	w->store = store;
	w->nr = max;
	return -EAGAIN;
}

int es_where_fetch(struct es_where *w, u64 chunk)
{
	struct es_store *store = w->store;
	struct es_piece piece;
	int r = es_store_fetch(store, chunk, w->nr, &piece);

	if (!r)
		r = take_piece(store, &piece, w);
	w->from = store->sb.serial + 1;
	es_store_put(store);
	return r;
}

/* Position of the store @uuid; -1 if it is not in the chain. */
static int chain_position(struct es_chain *chain, const u8 *uuid, u32 *hint)
{
	u32 i = READ_ONCE(*hint);

	if (i < chain->nr_stores && es_uuid_equal(chain->stores[i]->sb.store_uuid, uuid))
		return i;
	for (i = 0; i < chain->nr_stores; i++) {
		if (es_uuid_equal(chain->stores[i]->sb.store_uuid, uuid)) {
			WRITE_ONCE(*hint, i);
			return i;
		}
	}
	return -1;
}

int es_chain_resolve(struct es_chain *chain, const u8 *uuid, u32 *hint, u64 chunk, u64 max,
		     struct es_where *w)
{
	int i, r = -EIO;

	if (READ_ONCE(chain->mode) != ES_MODE_OK)
		return -EIO;
	read_lock(&chain->map_lock);
	i = chain_position(chain, uuid, hint);
	if (i < 0 || (u32)i < chain->suspect)
		goto out;
	for (r = 0; !r && i < (int)chain->nr_stores; i++) {
		if (chain->stores[i]->sb.serial < w->from)
			continue;
		r = es_store_resolve(chain->stores[i], chunk, max, w);
		if (!r)
			max = w->nr;
	}
	if (!r) {
		w->place = ES_AT_ORIGIN;
		w->nr = max;
		w->bdev = chain->origin;
	}
out:
	read_unlock(&chain->map_lock);
	return r < 0 ? r : 0;
}
