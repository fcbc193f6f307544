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

/*
 * How hard an allocation tries before it fails.  Both fail in the end: none waits for memory that
 * only a write waiting for the caller would give back.
 */
#define ES_TRY_HARD __GFP_RETRY_MAYFAIL	/* as long as it helps */
#define ES_TRY_ONCE __GFP_NORETRY	/* the workers: behind them stand all writes */

/* kvmalloc without recursion into I/O; @size in bytes; may sleep; free with kvfree. */
void *es_kvmalloc(size_t size, gfp_t effort);

/**
 * struct es_map_writer - the one who changes a table.
 * @lock: the readers' lock; one of the writer's own while the table is private
 * @chunk_blocks: blocks of a chunk
 * @effort: ES_TRY_HARD or ES_TRY_ONCE
 */
struct es_map_writer {
	rwlock_t *lock;
	u32 chunk_blocks;
	gfp_t effort;
};

/* Free all runs of @t.  No reader may be left. */
void es_map_free(struct es_table *t);

/**
 * es_map_add - insert @extents; later ones replace earlier ones.
 *
 * May sleep (GFP_NOIO).  Returns 0 or -ENOMEM; then some extents are missing
 * and the table must be dropped.
 */
int es_map_add(struct es_table *t, const struct es_map_writer *w, const struct es_extent *extents,
	       u32 nr);

/**
 * es_map_flatten - merge a table into one run.
 *
 * Returns 0 or -ENOMEM; the table is then unchanged in content.
 */
int es_map_flatten(struct es_table *t, const struct es_map_writer *w);

#endif /* ES_MAP_H */
