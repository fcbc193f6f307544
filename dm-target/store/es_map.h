/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of location tables: growing an es_table, one writer, many readers.
 *
 * Readers hold @lock for reading while they look up.  There is one writer at a
 * time; it builds merged runs without the lock and holds it for writing only
 * to insert a few extents and to exchange pointers.
 */
#ifndef ES_MAP_H
#define ES_MAP_H

#include <linux/spinlock.h>
#include "es_table.h"

/* Extents that the newest run collects before it is merged. */
#define ES_MAP_RUN 256u

/* Memory that the runs of all tables hold, in bytes.  Any context. */
unsigned long es_map_bytes(void);

/* kvmalloc and kvfree without recursion into I/O; @size in bytes; may sleep. */
void *es_kvmalloc(size_t size);

/* Free all runs of @t.  No reader may be left. */
void es_map_free(struct es_table *t);

/**
 * es_map_add - insert @extents; later ones replace earlier ones.
 * @lock: the readers' lock; one of the caller's own while the table is private
 *
 * May sleep (GFP_NOIO).  Returns 0 or -ENOMEM; then some extents are missing
 * and the table must be dropped.
 */
int es_map_add(struct es_table *t, rwlock_t *lock, const struct es_extent *extents, u32 nr,
	       u32 chunk_blocks);

/**
 * es_map_flatten - merge a table into one run.
 *
 * Returns 0 or -ENOMEM; the table is then unchanged in content.
 */
int es_map_flatten(struct es_table *t, rwlock_t *lock, u32 chunk_blocks);

#endif /* ES_MAP_H */
