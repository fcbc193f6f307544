/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The index of a sealed store, in memory as far as it is used.
 *
 * Resident are the fences: which chunks each index block reaches over, 24 bytes
 * for 168 extents.  The blocks themselves are pages of a cache that all sealed
 * stores share; its budget is the module parameter table_budget_mib, from which
 * what unsealed tables hold (es_map.h) is taken off.  Pages that were not used
 * lately go first; memory pressure takes them too.
 *
 * Look-ups take no lock of the cache: pages are found and freed under RCU.
 */
#ifndef ES_INDEX_H
#define ES_INDEX_H

#include "es_table.h"

struct es_sb;
struct es_store;
struct es_index;

/* Set up and take down the cache.  Sleeps.  Returns 0 or a negative errno. */
int es_index_cache_init(void);
void es_index_cache_exit(void);

/**
 * es_index_load - read and verify the whole index of a sealed store.
 * @store: for its device and for messages
 * @sb: a copy of the superblock, which says SEALED
 *
 * What the budget allows stays in memory.  Sleeps.  Returns the index or an
 * ERR_PTR: -EUCLEAN (logged), -ENOMEM, or what reading failed with.
 */
struct es_index *es_index_load(struct es_store *store, const struct es_sb *sb);

/* Free the index and its pages; nobody may be looking.  Sleeps not. */
void es_index_free(struct es_index *index);

/**
 * es_index_lookup - find @chunk and how far the answer reaches.
 *
 * As es_table_lookup().  Returns 0, or -EAGAIN when the block *@block has to be
 * read first.  Does not sleep.
 */
int es_index_lookup(const struct es_index *index, u64 chunk, u64 max, u32 chunk_blocks,
		    struct es_piece *out, u32 *block);

/**
 * es_index_read - bring block @block into memory and look in it.
 *
 * For a look-up that said -EAGAIN: answers it without depending on what the
 * cache keeps.  Caller keeps the index from being freed, and is alone.  Sleeps.
 * Returns 0 or a negative errno.
 */
int es_index_read(struct es_store *store, struct es_index *index, const struct es_sb *sb,
		  u32 block, u64 chunk, u64 max, struct es_piece *out);

#endif /* ES_INDEX_H */
