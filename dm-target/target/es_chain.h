/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A chain: an origin with its stores; the state behind all table instances.
 *
 * Tables come and go (the new one is constructed while the old one does I/O,
 * the old one is destroyed last); the chain stays.  A table is bound to it in
 * preresume, when the old one is suspended and nothing is in flight.
 *
 * Lock order, outermost first (the whole module):
 *   dm's own locks (suspend_lock, ...)
 *   es_chain.life, es_view.life
 *   es_registry: chains mutex
 *   es_registry: images mutex (dm_table_event is called under it)
 *   es_journal.turn (map functions only try)
 *   es_engine.owner (map functions only try)
 *   es_store.load_lock
 *   es_store.commit_lock
 *   es_store.table_lock
 *   es_chain.map_lock, es_store.map_lock (the same lock in a chain)
 *   es_image.lock
 *   es_registry: chains spinlock
 *   es_engine.lock
 *   es_readers.lock
 * es_journal.lock lies below es_engine.owner and above es_engine.lock, es_journal.mail_lock
 * is innermost.
 * A worker takes any of them; map functions take only those below commit_lock.
 */
#ifndef ES_CHAIN_H
#define ES_CHAIN_H

#include <linux/device-mapper.h>
#include "es_engine.h"
#include "es_readers.h"
#include "es_rules.h"
#include "es_store.h"

struct es_journal;
struct es_origin;

/* One-way but for what an administrator accepts. */
enum es_mode {
	ES_MODE_OK,
	ES_MODE_INVALID,	/* copies are missing: images fail, the origin goes on */
};

/**
 * struct es_chain - see above.
 * @ref: held by tables and images
 * @list: in the registry
 * @origin_dev: what the registry knows it by
 * @life: held by who binds or unbinds a table, and I/O is done under it; and by who looks at
 *	the stores or the journal, which do not change meanwhile
 * @bound: the table in force, NULL while detached; changed under @life and es_chains_lock
 * @next: the table that is about to be; the same
 * @tables: how many there are; changed under @life
 * @owed: the journal that kept acknowledged writes when the chain was detached: no table without
 *	it is bound, as long as there are tables of the origin; null otherwise
 * @uuid: chain uuid, null without stores; guarded by the registry's spinlock
 *
 * Set while bound, unchanged while I/O is possible:
 * @origin: the origin's device
 * @sectors: its size
 * @chunk_shift: log2 of the chunk size in sectors
 * @nr_chunks: chunks of the origin
 * @copied: bit set: no snapshot needs the chunk from the origin any more.
 *	Set (release) by the worker, tested (acquire) by es_origin_map
 * @trimmed: bit set: the chunk was discarded and not written since
 * @nr_copied: bits set in @copied that stand for copies
 *
 * @map_lock: guards @stores, @nr_stores, @suspect and all location tables
 * @stores: oldest first; the array belongs to the bound table
 * @suspect: the oldest that many stores cannot be trusted
 * @journal: what stands before the origin, or NULL; changes while nothing is in flight
 * @readers: readers of images; open while attached
 * @mode: set by the worker or under suspension, read anywhere
 * @engine: the copying machine
 * @seal_work: writes indexes of older stores; @seal_cancel asks it to stop
 * @unmarked: the newest store should be marked invalid, and could not be written;
 *	@mark_work tries again, after @mark_delay seconds
 */
struct es_chain {
	struct kref ref;
	struct list_head list;
	dev_t origin_dev;
	struct mutex life;	/* guards the stores and the journal against changes */
	struct es_origin *bound;
	struct es_origin *next;
	u32 tables;
	u8 owed[ES_UUID_SIZE];
	u8 uuid[ES_UUID_SIZE];

	struct block_device *origin;
	sector_t sectors;
	u32 chunk_sectors;
	unsigned int chunk_shift;
	u64 nr_chunks;
	unsigned long *copied;
	unsigned long *trimmed;
	u64 nr_copied;

	rwlock_t map_lock;
	struct es_store **stores;
	u32 nr_stores;
	u32 suspect;

	struct es_journal *journal;
	struct es_readers readers;
	enum es_mode mode;
	bool discard_copy;
	bool on_full_error;
	struct es_engine engine;
	struct work_struct seal_work;
	bool seal_cancel;
	bool unmarked;
	u32 mark_delay;
	struct delayed_work mark_work;
};

/* Create an unbound chain for @origin.  Sleeps.  NULL: no memory. */
struct es_chain *es_chain_create(struct block_device *origin);

/* A table of the chain comes (@by 1) or goes (-1).  Sleeps. */
void es_chain_count_tables(struct es_chain *chain, int by);

/* Free a chain that nobody refers to. */
void es_chain_destroy(struct es_chain *chain);

/**
 * es_chain_change - may @table follow the bound one, and what changes?
 *
 * Caller holds @chain->life.  On -EINVAL ti->error is set, and logged why.
 */
int es_chain_change(struct es_chain *chain, struct es_origin *table, struct es_change *change);

/**
 * es_chain_bind - make @table the one in force.
 *
 * Called by preresume: no I/O of the origin is in flight, images may be read.
 * A first table attaches the stores; a later one may drop the oldest and add
 * one.  Returns 0 or a negative errno (logged); then nothing has changed.
 * A new store that cannot be used does not keep a live origin from resuming:
 * @table is bound without it, and says so in its status.
 */
int es_chain_bind(struct es_chain *chain, struct es_origin *table);

/*
 * @table goes away: detach if it is the bound one; if another one has taken over, wait for reads
 * that may still look at stores that it dropped.  Sleeps.
 */
void es_chain_unbind(struct es_chain *chain, const struct es_origin *table);

/*
 * The target of the bound table, and its device.  Caller keeps @chain bound: by life,
 * es_chains_lock or I/O.
 */
struct dm_target *es_chain_target(const struct es_chain *chain);
struct mapped_device *es_chain_md(const struct es_chain *chain);

/* The chain's store on @bdev, or NULL.  Caller holds life.  @hint: where it may be. */
struct es_store *es_chain_find_store(const struct es_chain *chain, const struct block_device *bdev,
				     u32 *hint);

/* Let the sealing of older stores end, before they change.  Sleeps. */
void es_chain_stop_sealing(struct es_chain *chain);

/* The newest store, NULL if there is none. */
static inline struct es_store *es_chain_newest(const struct es_chain *chain)
{
	return chain->nr_stores ? chain->stores[chain->nr_stores - 1] : NULL;
}

/* Believe the administrator that the origin was not changed.  Sleeps. */
int es_chain_accept_origin(struct es_chain *chain);

/* --- es_chain_bits.c, while no I/O of the origin is in flight --- */

/* For es_store_attach(), whose context is the chain: the chunks of replayed extents are copied. */
int es_chain_bits_mark(void *context, const struct es_extent *extents, u32 nr);

/* All of @newest was marked: count it; nobody needs what lies behind the size that it knows. */
void es_chain_bits_count(struct es_chain *chain, const struct es_store *newest);

/*
 * What was trimmed before the snapshot goes into @store as zero extents, and is copied.  Sleeps.
 * Returns 0, also if the store has no room for all of it, or a negative errno.
 */
int es_chain_bits_record_trimmed(struct es_chain *chain, struct es_store *store);

/* The chain takes the bits of @table and gives it its own. */
void es_chain_bits_swap(struct es_chain *chain, struct es_origin *table);

/* The same when the origin has grown: what is new is trimmed by nobody and needed by nobody. */
void es_chain_bits_grow(struct es_chain *chain, struct es_origin *table);

/* Chunks from @from on are not what they were: forget that they were trimmed. */
void es_chain_bits_forget_trimmed(struct es_chain *chain, u64 from);

/* The chain has taken the bits of @table, and a new snapshot needs some, too; false: no memory. */
bool es_chain_bits_alloc(struct es_chain *chain, struct es_origin *table);

/* The table brought them for the chain, which has what it needs. */
void es_chain_bits_free(struct es_origin *table);

/* --- es_chain_copy.c, the engine's side of a chain --- */

extern const struct es_engine_ops es_chain_engine_ops;

/* --- es_chain_invalid.c --- */

/*
 * Invalidate: mark it on disk, then let the origin go on without copies.  Worker context, or
 * the origin is suspended.
 */
void es_chain_invalidate(struct es_chain *chain, const char *why);

/*
 * A mark that could not be written is tried again: by the work, not between stop and resume
 * (the stores change), and a last time at the end.  They sleep.
 */
void es_chain_mark_work(struct work_struct *work);
void es_chain_mark_stop(struct es_chain *chain);
void es_chain_mark_resume(struct es_chain *chain);
void es_chain_mark_end(struct es_chain *chain);

#endif /* ES_CHAIN_H */
