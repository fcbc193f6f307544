/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Location tables: which chunks a store holds, and where.
 *
 * A table is a list of sorted runs, the newest last.  The last run is small
 * and takes insertions; full runs are merged pairwise by the caller, who owns
 * all memory (es_table_merge_due, es_run_merge).  A newer run hides an older
 * one where both know a chunk: views replace extents that way.  24 bytes per
 * extent, no pointers, so a run can be written out as an index as it is.
 *
 * Units: chunks of the origin, blocks of the store.
 * Invariants: within a run extents are sorted by chunk and disjoint.
 */
#ifndef ES_TABLE_H
#define ES_TABLE_H

#include "es_types.h"

#define ES_TABLE_MAX_RUNS 32u

struct es_run {
	struct es_extent *e;
	u32 nr;
	u32 cap;
};

struct es_table {
	struct es_run run[ES_TABLE_MAX_RUNS];	/* oldest first */
	u32 nr_runs;
};

/**
 * struct es_piece - the answer to "where is this chunk?"
 * @nr: the answer holds for that many chunks, at least 1
 * @addr: payload block of the first one; meaningful if found and with payload
 * @flags: ES_EXT_* of the extents found
 * @found: false: the store holds none of these chunks
 */
struct es_piece {
	u64 nr;
	u64 addr;
	u16 flags;
	bool found;
};

ES_BEGIN_DECLS

/* Index of the first extent of @run that ends behind @chunk; run->nr if there is none. */
u32 es_run_find(const struct es_run *run, u64 chunk);

/**
 * es_run_lookup - the same as es_table_lookup() in a single run.
 */
void es_run_lookup(const struct es_run *run, u64 chunk, u64 max, u32 chunk_blocks,
		   struct es_piece *out);

/**
 * es_table_lookup - find @chunk and how far the answer reaches.
 * @max: look no further than that many chunks, at least 1
 * @chunk_blocks: blocks per chunk
 *
 * Extents that follow each other in the origin and in the store are one piece.
 */
void es_table_lookup(const struct es_table *t, u64 chunk, u64 max, u32 chunk_blocks,
		     struct es_piece *out);

/**
 * es_run_insert - put @e into @run, replacing what it overlaps.
 *
 * Returns false, with nothing changed, when the run has fewer than two free
 * places: an insertion may split an extent into two.
 */
bool es_run_insert(struct es_run *run, const struct es_extent *e, u32 chunk_blocks);

/**
 * es_run_merge - write the union of two runs; @newer wins where they overlap.
 * @out: room for all of them, not overlapping the inputs; NULL: only count them
 *
 * Returns the number of extents.
 */
u32 es_run_merge(const struct es_run *newer, const struct es_run *older, struct es_extent *out,
		 u32 chunk_blocks);

/*
 * Whether runs @nr_runs - 2 and - 1 should be merged before a new empty run is
 * added.  Keeps the number of runs logarithmic and each extent's moves too.
 */
bool es_table_merge_due(const struct es_table *t);

ES_END_DECLS

#endif /* ES_TABLE_H */
