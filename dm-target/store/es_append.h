/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Appending copies to a store's log: many share one write.
 *
 * One append is in flight at a time per store; while it is, copies collect, and
 * the next append takes them all.  Used by one worker; nothing here waits.
 *
 * Order on disk, and what a crash leaves (snapshot stores):
 *   (1) header and payload go out as one contiguous write with FUA, every
 *	 payload with its CRC in the header;
 *   (2) only its completion lets anybody overwrite the old data.
 * Torn before (2): the header or a payload CRC fails, replay ends before the
 * record; the origin is unchanged.
 *
 * View stores overwrite payload in place later, so it cannot be checksummed:
 *   (1) payload first; (2) then the header with PREFLUSH|FUA; (3) then the
 * write that caused it is answered.  Torn before (3): no header, no extent; the
 * view reads what its snapshot holds, and nothing was promised.
 *
 * The summary of a segment that is full goes out with the next append, without
 * FUA: replay does without it.
 */
#ifndef ES_APPEND_H
#define ES_APPEND_H

#include "es_copy.h"
#include "es_store.h"

struct es_appender;

/**
 * struct es_part - chunks of a copy in a record.
 * @copy: NULL for zero extents that have no copy
 */
struct es_part {
	struct es_copy *copy;
	u32 nr;
};

/**
 * struct es_appender - the append in flight.
 * @store, @pool: set once
 * @done: called, perhaps in interrupt context, when the append has ended
 * @busy: an append is in flight
 * @status: its result, valid once @done was called
 * @extents, @parts, @nr: what the record holds
 * @header: the record's header block
 * @summary, @nr_summary: blocks of the closed segment's summary
 */
struct es_appender {
	struct es_store *store;
	struct es_copy_pool *pool;
	void (*done)(struct es_appender *a);
	bool busy;
	bool header_due;
	blk_status_t status;
	atomic_t bios;
	u64 addr;
	u32 nr;
	u32 payload_blocks;
	struct es_extent extents[ES_BLOCK_EXTENTS];
	struct es_part parts[ES_BLOCK_EXTENTS];
	struct page *header;
	struct bio *tail;
	u32 nr_summary;
};

/* Returns 0 or -ENOMEM.  May sleep. */
int es_append_init(struct es_appender *a, struct es_store *store, struct es_copy_pool *pool,
		   void (*done)(struct es_appender *a));
void es_append_exit(struct es_appender *a);

/**
 * es_append_start - put copies from @ready into one record and write it.
 * @ready: copies whose data is in memory, a list for each class; those taken
 *	completely are moved to @taken
 *
 * Small copies come first, but leave half of the record to large ones.  Returns 0
 * when an append is under way, -ENOSPC when the store has no room for the first
 * chunk, or its device has become smaller than the store.  Worker context, no append in flight.
 */
int es_append_start(struct es_appender *a, struct list_head *ready, struct list_head *taken);

/**
 * es_append_continue - take the next step after @done.
 *
 * Returns true when the append has ended (look at @status), false when a second
 * write was needed and is under way.
 */
bool es_append_continue(struct es_appender *a);

/**
 * es_append_zeroes - record zero extents, and wait for it.
 * @extents: without payload
 *
 * For the extents a new snapshot starts with.  Sleeps.  Returns how many were
 * recorded (fewer than @nr when the store is full) or a negative errno; then
 * the store must not be used.
 */
int es_append_zeroes(struct es_store *store, struct es_extent *extents, u32 nr);

#endif /* ES_APPEND_H */
