/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files that bind a table to its chain.  All sleep; caller holds es_chain.life, and no
 * I/O of the origin is in flight.
 */
#ifndef ES_CHAIN_BIND_H
#define ES_CHAIN_BIND_H

#include "es_chain.h"
#include "es_origin.h"

/* The first table: attach its stores and its journal.  Returns 0 or a negative errno (logged). */
int es_chain_attach(struct es_chain *chain, struct es_origin *table);

/*
 * A later one: drop the oldest stores, add one.  Returns 0 or a negative errno (logged); a store
 * or journal that cannot be added is no error: @table says so.
 */
int es_chain_change_to(struct es_chain *chain, struct es_origin *table);

/* --- used by both --- */

/* The chain's geometry and settings are those of @table. */
void es_chain_take_settings(struct es_chain *chain, struct es_origin *table);

/* Stores that are being brought into use share the chain's map_lock. */
void es_chain_use_map_lock(struct es_chain *chain, struct es_store **stores, u32 nr);

/* The first @nr stores of @table are the chain's, without the @dropped oldest ones. */
void es_chain_set_stores(struct es_chain *chain, struct es_origin *table, u32 nr, u32 dropped);

/*
 * Steps 1 to 3 of es_chain_change.c for the fresh store @store, which follows @older (or NULL).
 * Returns 0 or a negative errno; -ENOTRECOVERABLE: step 1 could not be taken back.
 */
int es_chain_start_snapshot(struct es_chain *chain, struct es_store *store,
			    struct es_store *older);

/* Make the fresh last store of @table the newest; false: it cannot be used (logged). */
bool es_chain_add_newest(struct es_chain *chain, struct es_origin *table, struct es_store *older);

#endif /* ES_CHAIN_BIND_H */
