/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readers of snapshots, registered by range, so that a copy can wait for them.
 *
 * The order that keeps a reader that has to look at the origin from seeing
 * new data (the steps of docs/overview.md, "Reading a snapshot"):
 *   1. a reader enters its range, then looks at the maps; it leaves when done;
 *   2. a writer's batch is durable;
 *   3. its extents enter the maps: readers that enter from now on find them;
 *   4. es_readers_wait: the copy is parked until every reader that entered
 *	before step 3 and overlaps it has left;
 *   5. only then the bits are set and the waiting writes are issued.
 */
#ifndef ES_READERS_H
#define ES_READERS_H

#include <linux/interval_tree.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "es_copy.h"

/**
 * struct es_readers - all readers of a chain.
 * @lock: guards everything here; taken in interrupt context; innermost
 * @tree: who reads which chunks
 * @seq: grows with every entry
 * @count: readers inside, by the phase they entered in
 * @phase: 0 or 1; between flushes nobody of the other phase is inside
 * @flush: one flush at a time; above @lock
 * @open: nobody may enter while false
 * @idle: woken when the last one of a phase leaves
 */
struct es_readers {
	spinlock_t lock;	/* guards all of this */
	struct rb_root_cached tree;
	u64 seq;
	u32 count[2];
	unsigned int phase;
	struct mutex flush;	/* one flush at a time */
	bool open;
	wait_queue_head_t idle;
};

/**
 * struct es_reader - one read under way.
 * @node: chunks
 * @seq: when it entered
 * @phase: the same, see struct es_readers
 * @parked: copies that wait for it
 */
struct es_reader {
	struct interval_tree_node node;
	u64 seq;
	unsigned int phase;
	struct list_head parked;
};

void es_readers_init(struct es_readers *readers);

/* Let readers in.  */
void es_readers_open(struct es_readers *readers);

/* Let nobody in any more and wait until all have left.  Sleeps. */
void es_readers_close(struct es_readers *readers);

/* Wait until all who are inside now have left; others may enter meanwhile.  Sleeps. */
void es_readers_flush(struct es_readers *readers);

/* Enter chunks [@first, @last]; false: closed.  Does not sleep. */
bool es_reader_enter(struct es_readers *readers, struct es_reader *reader, u64 first, u64 last);

/**
 * es_reader_leave - the read is over.
 * @drained: copies that need not wait any longer are put here
 *
 * Any context.
 */
void es_reader_leave(struct es_readers *readers, struct es_reader *reader,
		     struct list_head *drained);

/*
 * The reader does not look at the origin after all: no copy need wait for it, but it is still
 * inside.  @drained: as above.  Any context.
 */
void es_reader_leave_range(struct es_readers *readers, struct es_reader *reader,
			   struct list_head *drained);

/**
 * es_readers_wait - step 4 for @copy.
 *
 * Returns true when nobody has to be waited for; otherwise the copy is parked
 * and comes back from some es_reader_leave.
 */
bool es_readers_wait(struct es_readers *readers, struct es_copy *copy);

#endif /* ES_READERS_H */
