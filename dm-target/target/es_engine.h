/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The copying machine: writes wait here until what they would destroy is safe.
 *
 * One per chain and one per view.  Whoever holds @owner moves all copies on: the
 * worker, or, for the first step of a write that comes alone, the task that
 * submits it; nobody waits for @owner but the worker.  What differs between a
 * chain and a view is in es_engine_ops.  The life of a copy:
 *
 *   write arrives -> needed chunks not yet being copied become a copy
 *   -> read_old (async) -> ready -> joined into an append -> durable
 *   -> recorded (enters the map) -> settle (readers) -> release -> the writes
 *   that waited look again, and are issued when nothing they cover is needed.
 *
 * Writes wait for a copy of their own chunks, for memory in order, or, when the
 * store is full, for space; never for copies of other chunks.
 */
#ifndef ES_ENGINE_H
#define ES_ENGINE_H

#include <linux/mutex.h>
#include <linux/workqueue.h>
#include "es_append.h"
#include "es_plan.h"

struct es_engine;

/**
 * struct es_write - a write that waits; lives in the bio's per-bio data.
 * @list: on a list of the engine or of a copy
 * @first, @last: chunks it covers
 * @bio: the clone we were given
 */
struct es_write {
	struct list_head list;
	struct bio *bio;
	u64 first;
	u64 last;
};

/* What a full store means to its owner. */
enum es_space {
	ES_SPACE_OK,
	ES_SPACE_FULL,
	ES_SPACE_TIMEOUT,	/* full for too long: end the waiting */
	ES_SPACE_GROWN,		/* it was not full, but there is more of it now */
};

/**
 * struct es_engine_ops - what a chain and a view do differently.  All are
 * called by the owner; next_needed, read_old and issue in a map function, too,
 * where @may_start says that they do not sleep.
 * @may_start: a copy may be started in a map function
 * @next_needed: the first run of chunks in [@from, @last] whose old data must be
 *	copied before a write; false if there is none
 * @read_old: start filling the copy's pages; ends with copy->read_done, which
 *	must end with es_engine_read_done
 * @old_ready: the data is there (@copy->read_error tells); returns true when the
 *	copy can be appended, false when it has started another read or was dropped
 * @recorded: the extents are durable
 * @usage: @blocks of old data are under way to the store
 * @settle: the copy is durable and in the map; returns true if it may be released
 *	at once, else it comes back by es_engine_drained
 * @release: its chunks are no longer needed from where they were; @first, @nr
 * @issue: nothing the write covers is needed any more: send it
 * @failed: an append failed with @status: end with es_engine_give_up
 * @space: the store is full, or no longer
 */
struct es_engine_ops {
	bool may_start;
	bool (*next_needed)(struct es_engine *e, u64 from, u64 last, u64 *first, u64 *end);
	void (*read_old)(struct es_engine *e, struct es_copy *copy);
	bool (*old_ready)(struct es_engine *e, struct es_copy *copy);
	void (*recorded)(struct es_engine *e, const struct es_extent *extents, u32 nr, u64 seq);
	void (*usage)(struct es_engine *e, u32 blocks);
	bool (*settle)(struct es_engine *e, struct es_copy *copy);
	void (*release)(struct es_engine *e, u64 first, u64 nr);
	void (*issue)(struct es_engine *e, struct es_write *w);
	void (*failed)(struct es_engine *e, blk_status_t status);
	void (*space)(struct es_engine *e, enum es_space space);
};

/**
 * struct es_engine - the machine.
 * @lock: the mailbox's; taken in interrupt context
 * @incoming, @read_done, @drained, @append_done, @look_for_space, @timed_out: the
 *	mailbox
 * @full_status: 0: writes that find the store full wait; else they end with it
 * @owner: see above; guards the rest:
 * @copies: copies under way, by chunks
 * @stalled: writes that wait for memory, by the class of the copy they need
 * @ready: copies to be appended, by class; the first ones may be recorded in part
 * @taken: copies all of whose chunks are in a record
 * @full: the store has no room for the first of @ready
 * @look: the store's device may have grown
 * @given_up: there is no store any more
 * @queued: writes inside (for the status line)
 * @idle: woken when the last copy is gone
 */
struct es_engine {
	const struct es_engine_ops *ops;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct delayed_work timer;
	unsigned int timeout_seconds;

	spinlock_t lock;	/* guards the mailbox, down to timed_out */
	struct list_head incoming;
	struct list_head read_done;
	struct list_head drained;
	bool append_done;
	bool look_for_space;
	blk_status_t full_status;
	bool timed_out;

	struct mutex owner;	/* guards all below but the atomic queued */
	struct rb_root_cached copies;
	struct list_head stalled[ES_COPY_CLASSES];
	struct list_head ready[ES_COPY_CLASSES];
	struct list_head taken;
	bool full;
	bool look;
	bool given_up;
	atomic_t queued;
	u32 chunk_blocks;
	wait_queue_head_t idle;
	struct es_copy_pool pool;
	struct es_appender append;
};

/* Returns 0 or a negative errno.  May sleep. */
int es_engine_init(struct es_engine *e, const struct es_engine_ops *ops, const char *name);
void es_engine_exit(struct es_engine *e);

/**
 * es_engine_settle - wait for what goes on although no write is inside: copies that readers
 * still hold up, the time-out of a full store.  May sleep.
 */
void es_engine_settle(struct es_engine *e);

/* The same without waiting for copies: no timeout comes, and the worker is at rest.  Sleeps. */
void es_engine_quiet(struct es_engine *e);

/**
 * es_engine_use - append to @store from now on; NULL: to none.
 *
 * No write may be inside.  Settles first: copies released later would count for @store.
 */
int es_engine_use(struct es_engine *e, struct es_store *store);

/* Hand a write over.  Does not sleep. */
void es_engine_submit(struct es_engine *e, struct es_write *w);

/* The mailbox; any context. */
void es_engine_read_done(struct es_copy *copy);
void es_engine_drained(struct es_engine *e, struct list_head *copies);

/* The device may have grown: look.  Does not sleep. */
void es_engine_look_for_space(struct es_engine *e);

/**
 * es_engine_set_full_status - what happens to writes that find the store full.
 * @status: BLK_STS_OK: they wait; BLK_STS_DM_REQUEUE in a noflush suspend, or an
 *	error: they end with it, those that wait already too
 *
 * Does not sleep, does not wait.  Space found resets an error.
 */
void es_engine_set_full_status(struct es_engine *e, blk_status_t status);

/**
 * es_engine_give_up - the store is lost: let all writes go as they are.
 *
 * Worker context, from ops->failed or ops->space, after the owner has seen to
 * it that next_needed finds nothing any more.
 */
void es_engine_give_up(struct es_engine *e);

/*
 * End @copy: the data that @w, which it was begun for, needs cannot be had.  @w gets @status;
 * others that wait for the copy look again.  Worker context.
 */
void es_engine_drop(struct es_engine *e, struct es_copy *copy, struct es_write *w,
		    blk_status_t status);

/* Wait until the worker has done what it has begun.  Sleeps. */
void es_engine_sync(struct es_engine *e);

static inline bool es_engine_full(const struct es_engine *e)
{
	return READ_ONCE(e->full);
}

#endif /* ES_ENGINE_H */
