/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A store on its device: superblock, log, location table.  The contract.
 *
 * A store object lives as long as somebody refers to it, across table reloads;
 * the block device it points to is held open by the tables that name it, and
 * whoever calls into a store makes sure that one of them still does.
 *
 * Who may write: only the one worker of the chain (for its newest store) or of
 * the view appends; superblocks are committed by anybody, one at a time.
 *
 * Every function here sleeps and does I/O unless it says otherwise.  None is
 * called from a map function.  Errors are logged with device, byte offset and
 * reason before they are returned.
 */
#ifndef ES_STORE_H
#define ES_STORE_H

#include <linux/blkdev.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include "es_format.h"
#include "es_log.h"
#include "es_table.h"

struct es_index;
struct es_replay;

/* State of the location table in memory. */
enum es_table_state {
	ES_TABLE_NONE,		/* not in memory */
	ES_TABLE_LOADING,	/* the worker's new extents go in, the old ones are being read */
	ES_TABLE_LOADED,
	ES_TABLE_INDEXED,	/* sealed: by its index, whose blocks come when they are wanted */
};

/* Percentage of an area in use from which it counts as low, until somebody says otherwise. */
#define ES_LOW_WATER_PERCENT 70u

/**
 * struct es_store - a store in use.
 * @ref: references of tables, images and views
 * @bdev: the device; fixed while any table that names it exists
 * @commit_lock: held around changes and commits of @sb
 * @sb_page: what a commit writes; guarded by @commit_lock
 * @sb: the superblock as committed last; guarded by @commit_lock, but identity
 *	and geometry fields never change and are read freely
 *
 * Owned by the appending worker (no lock; set up before it runs):
 * @log: position of the log
 * @open: extents of the open segment, for its summary
 * @open_cap: places in @open
 * @open_lost: @open is incomplete (no memory): the segment gets no summary
 * @low: beyond the low-water mark when last looked at
 * @low_percent: the mark, a percentage of the device
 * @low_mark: where that was when last looked at
 * @summaries: summary writes under way
 *
 * @load_lock: one loader at a time
 * @map_lock: the lock that readers of @table hold; shared by all stores of a
 *	chain (set when the store is bound)
 * @table_lock: held by who changes @table, around map_lock; guards @dropped
 * @table, @index, @table_state, @durable_seq: guarded by @map_lock; @index changes
 *	under @load_lock, too
 * @durable_seq: number after the last record whose append has completed; 0: not
 *	attached by us
 */
struct es_store {
	struct kref ref;
	struct block_device *bdev;

	struct mutex commit_lock;	/* guards sb and its commits */
	struct es_sb sb;
	struct page *sb_page;

	struct es_log log;
	struct es_extent *open;
	u32 open_cap;
	bool open_lost;
	bool low;
	u32 low_percent;
	u64 low_mark;
	atomic_t summaries;

	struct mutex load_lock;		/* one loader at a time */
	struct mutex table_lock;	/* one writer of table at a time */
	rwlock_t *map_lock;
	rwlock_t own_map_lock;
	struct es_table table;
	struct es_table dropped;	/* a table being freed */
	struct es_index *index;
	enum es_table_state table_state;
	u64 durable_seq;
};

/* Receives replayed extents; returns 0 or a negative errno, which ends the replay. */
typedef int (*es_extents_fn)(void *context, const struct es_extent *extents, u32 nr);

/**
 * es_store_open - read and verify the superblocks of @bdev.
 * @out: a new store with one reference
 * @fault: set when the device is refused
 *
 * Writes nothing.  Returns 0, -EINVAL with *fault set, or another errno.
 */
int es_store_open(struct block_device *bdev, struct es_store **out, enum es_fault *fault);

/* 0 if the superblock on disk is the one opened or committed last, or a negative errno (logged). */
int es_store_check_current(struct es_store *store);

void es_store_get(struct es_store *store);
void es_store_put(struct es_store *store);

/* Log @fault of @store at block @addr. */
void es_store_report(struct es_store *store, enum es_fault fault, u64 addr);

/**
 * es_store_commit - write @sb as the new superblock, durably.
 *
 * Caller holds commit_lock.  @sb's generation is raised here; store->sb is @sb
 * afterwards.  The older copy is overwritten, so a torn write leaves the newer
 * one.  On error store->sb is unchanged, but the disk may hold either.
 */
int es_store_commit(struct es_store *store, struct es_sb *sb);

/*
 * Say that the store must never be attached again (@state INVALID or REMOVED), and commit; that
 * succeeds when one copy of the superblock could be written.
 */
int es_store_set_final(struct es_store *store, enum es_store_state state);

/* Change flags (set @set, then clear @clear), whatever the state is, and commit. */
int es_store_set_flags(struct es_store *store, u32 set, u32 clear);

/*
 * Name the store that follows as the newest and end the log cleanly, or with a
 * null uuid take that back; and commit.  No append is in flight.
 */
int es_store_set_next(struct es_store *store, const u8 *next_uuid);

/* Name the journal in front of the origin, or with a null uuid none; and commit. */
int es_store_set_journal(struct es_store *store, const u8 *journal_uuid);

/**
 * es_store_attach - replay the log and make the store writable.
 * @journal_uuid: NULL, or the journal that it names from the same commit on
 * @fn: receives every extent, at least once, in order; or, when the chunk map could
 *	be used, only those at the end of the log
 * @copied: NULL, or all zero, a bit for each chunk of the origin: set from the chunk map
 *	where there is one.  When an unusable one has left wrong bits: cleared again
 *
 * Afterwards store->log and store->open are ready for appending.  Then, in a
 * commit of its own that is durable before this returns, the epoch is raised
 * and the store marked attached, so that nothing written before can be taken
 * for a successor of what is written from now on.  Nothing is written when the
 * replay fails (-EUCLEAN, logged).
 */
int es_store_attach(struct es_store *store, const u8 *journal_uuid, es_extents_fn fn,
		    void *context, unsigned long *copied);

/**
 * es_store_detach - commit a clean end.
 * @fp: fingerprint of the origin, or NULL: a view, or none could be taken
 * @copied: the chunks that the store holds, for a chunk map; or NULL
 *
 * No append may be in flight.
 */
int es_store_detach(struct es_store *store, const struct es_fingerprint *fp,
		    const unsigned long *copied);

/**
 * es_store_grow - use what the device has gained.
 *
 * Called by the appending worker.  Returns 1 if there is more room now, 0 if
 * not, or a negative errno.
 */
int es_store_grow(struct es_store *store);

/**
 * es_store_seal - write the index of a store that takes no more copies.
 *
 * May be interrupted by setting @cancel; then -EINTR.  Failure to seal (no
 * room, no memory) is harmless: the summaries serve as well, slower.
 */
int es_store_seal(struct es_store *store, const bool *cancel);

/**
 * es_store_replay - run @fn over all extents in the log.
 * @sb: a copy of the superblock, owned by the caller
 * @stop_seq: 0, or the first record not to look at
 * @log: set to the end of the log; may be NULL
 */
int es_store_replay(struct es_store *store, const struct es_sb *sb, u64 stop_seq,
		    es_extents_fn fn, void *context, struct es_log *log);

/**
 * es_store_read_table - build a location table from the log.
 * @sb: a copy of the superblock, owned by the caller
 * @stop_seq: 0, or the first record not to look at
 * @cancel: NULL, or what ends it with -EINTR when set
 * @table: empty; gets one run, or none, to be freed with es_map_free() also on error
 * @log: set to the end of the log; may be NULL
 */
int es_store_read_table(struct es_store *store, const struct es_sb *sb, u64 stop_seq,
			const bool *cancel, struct es_table *table, struct es_log *log);

/* A copy of the superblock as committed last, to be kfree'd.  NULL: no memory. */
struct es_sb *es_store_copy_sb(struct es_store *store);

/**
 * es_store_load - bring the location table into memory, or a sealed store's index.
 *
 * May run while the worker appends.  Returns 0 when it is loaded.
 */
int es_store_load(struct es_store *store);

/**
 * es_store_unload - drop what es_store_load brought.  A reader that comes later
 * loads it again.
 */
void es_store_unload(struct es_store *store);

/*
 * From now on by the index, which need not be in memory as a whole.  For a store that has just been
 * sealed.  Waits for no loader: whoever stops the sealing may have the origin suspended.
 */
void es_store_use_index(struct es_store *store);

/**
 * es_store_lookup - where does the store hold @chunk?
 *
 * As es_table_lookup().  Caller holds map_lock.  Returns 0, or -EAGAIN when what
 * it takes is not in memory: es_store_fetch.  Does not sleep.
 */
int es_store_lookup(struct es_store *store, u64 chunk, u64 max, struct es_piece *out);

/* The same, reading what is needed.  Returns 0 or a negative errno.  Sleeps. */
int es_store_fetch(struct es_store *store, u64 chunk, u64 max, struct es_piece *out);

/**
 * es_store_insert - enter extents that have become durable.
 * @seq: number after the record that holds the last of them
 *
 * Called by the appending worker.  Takes map_lock for a short time; may sleep
 * for memory.  With no table in memory only @seq is noted.
 */
void es_store_insert(struct es_store *store, const struct es_extent *extents, u32 nr, u64 seq);

/**
 * es_store_note_open - remember extents of the open segment for its summary.
 * @at: how many the segment had before
 * @effort: ES_TRY_HARD or ES_TRY_ONCE (es_map.h)
 *
 * Returns 0 or -ENOMEM.
 */
int es_store_note_open(struct es_store *store, u32 at, const struct es_extent *extents, u32 nr,
		       gfp_t effort);

/* Forget about appending: waits for summaries, frees the open segment's list. */
void es_store_end_append(struct es_store *store);

/* Sizes for the status line, in sectors.  Do not sleep. */
sector_t es_store_used_sectors(const struct es_store *store);
sector_t es_store_total_sectors(const struct es_store *store);
sector_t es_store_metadata_sectors(const struct es_store *store);

static inline u32 es_store_chunk_blocks(const struct es_store *store)
{
	return es_chunk_blocks(store->sb.chunk_sectors);
}

#endif /* ES_STORE_H */
