/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A write journal on its device: the contract.
 *
 * Writes to the origin are acknowledged when they are durable in the ring, and
 * brought to the origin behind.  Formats and positions are core's (es_jformat.h,
 * es_ring.h, es_jwalk.h); where the origin is and what a write to it takes is the
 * owner's (es_journal_ops).
 *
 * Order, and what a crash leaves (law L4):
 *   (1) the data is copied, and a record of header and payload, every payload with its
 *	 checksum, written with FUA; one at a time, each naming the header before it;
 *   (2) its completion enters the entries into the index: reads find them there;
 *   (3) only then the writes are acknowledged;
 *   (4) some time later the newest version of each range is written in place, by the
 *	 owner's rules for old data (law L1), one write at a time for a range;
 *   (5) the oldest records of which nothing is pending or under way are done: the origin
 *	 is flushed;
 *   (6) only then "needed" moves past them, in memory; the next record's header tells it
 *	 to the disk;
 *   (7) the ring overwrites nothing that the superblock on disk says is kept: history is
 *	 given up by a commit that is durable before.
 * A crash before (1) is durable: the record is torn, nobody was told.  Between (1) and
 * (6): the record is replayed, in order, over whatever of it is in place already.
 * After (6) with an old "needed" on disk: the same, older writes first, each followed by
 * all newer ones of its range, which are needed still or in place; so the end is the same.
 *
 * Who does what: one worker does everything but reading; map functions post writes
 * and ask the index.  A short write that finds nobody before it is appended by the task
 * that submits it, if the worker is at rest.  Nothing here waits for memory or polls.
 */
#ifndef ES_JOURNAL_H
#define ES_JOURNAL_H

#include <linux/bio.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include "es_io.h"
#include "es_pending.h"

struct es_journal;

/* What the owner may keep in a write in place, in longs. */
#define ES_JFLIGHT_PRIVATE 8

/**
 * struct es_journal_ops - the owner: the chain.  All called by the worker, which holds
 * es_journal.turn and may sleep.
 * @write: send @bio, a write of ours to the origin, by the rules for old data.
 *	@private: ES_JFLIGHT_PRIVATE longs for the owner
 * @written: it has ended with @status; the range is @sector, @nr
 * @pass: a user's bio, as if there were no journal
 * @disown: everything is in place: durably stop naming this journal.  0 or a negative errno
 * @changed: the state has changed
 * @stuck: whether writes in place wait for something that may not come soon
 */
struct es_journal_ops {
	void (*write)(void *owner, struct bio *bio, void *private);
	void (*written)(void *owner, enum req_op op, u64 sector, u64 nr, blk_status_t status);
	void (*pass)(void *owner, struct bio *bio);
	int (*disown)(void *owner);
	void (*changed)(void *owner);
	bool (*stuck)(void *owner);
};

enum es_jmode {
	ES_JMODE_OK,
	ES_JMODE_FAILING,	/* takes nothing any more; what is pending is written in place */
	ES_JMODE_FAILED,	/* nothing is pending but what is lost; writes go directly */
};

/**
 * struct es_jappend - the append in flight.
 * @busy: there is one
 * @status: its result; valid when the last of @bios has ended
 * @acked: so is this: its writes are acknowledged already
 * @bios: bios under way, and one while they are being sent
 * @users: the writes in it
 * @rec: its record
 * @nr: entries in @ent and @entry; without those of flushes in @ent
 * @blocks: payload
 * @header, @padding: header blocks
 */
struct es_jappend {
	bool busy;
	bool acked;
	blk_status_t status;
	atomic_t bios;
	struct bio_list users;
	struct es_jrecord *rec;
	u32 nr;
	u32 blocks;
	struct es_jent *ent[ES_JREC_ENTRIES];
	struct es_jentry entry[ES_JREC_ENTRIES];
	struct page *header;
	struct page *padding;
	struct bio *tail;
};

/* Payload of a record that is being read back. */
struct es_jload {
	struct es_journal *j;
	struct list_head list;	/* in the mailbox */
	atomic_t bios;
	blk_status_t status;
	u32 nr;
	struct es_jent *ent[ES_JREC_ENTRIES];
	struct es_jpages *data[ES_JREC_ENTRIES];
};

#define ES_JLOADS 8

/**
 * struct es_journal - see above.
 * @bdev: the device; held open by the tables that name it
 * @sb: as committed last; by the worker, or with the worker at rest
 * @sb_page: what a commit writes; as @sb
 *
 * Fixed from attach to detach, changed with the worker at rest:
 * @ops, @owner, @origin, @sectors (its size), @max_sectors (longest write that is one entry)
 * @recovered: es_journal_recover was called for the attach that follows
 *
 * @mail_lock guards, also in interrupt context:
 * @incoming: writes that have come
 * @landed, @loaded: writes in place, and loads, that have ended
 * @append_done, @flush_done, @woken, @idle_due, @retry_due, @afresh_due, @give_up_due: news
 *	for the worker
 * @append_awaited: the worker wants to know when the append ends; else its end is found
 *	at the next occasion
 * @flush_noted: a flush was completed since the last record
 * @mode: enum es_jmode; read anywhere, FAILED is set together with emptying @incoming
 *
 * @lock guards, also in interrupt context: @pending
 *
 * @turn guards what moves the journal on; held by the worker while it works, and, only ever
 * tried, by a task that appends its own write; waited for by the worker and pause/resume:
 * @ring, @append, @load
 * @load_pages: of loads under way
 * @load_wait: reading back failed; the next try is due when the retry timer says so
 * @unreadable, @unreadable_since: it has failed, first at that time (jiffies)
 * @waiting: writes in order of arrival that have no place yet
 * @blocked: the first of @waiting found no room or no memory
 * @short_of_memory: it found no memory
 * @starved: something found no memory and is to be tried again soon
 * @flights, @nr_flights: ranges that are being written in place
 * @flushing, @flush_status, @flush_pos: the origin is being flushed, for "needed" to get to
 *	@flush_pos
 * @flush_broken: a flush of the origin failed: nothing is ever released
 * @idle: nothing was written for a while
 * @last_write: jiffies
 * @flush_failures: of the origin's flushes, since the last that succeeded
 * @flush_wait, @send_wait: a flush failed, or a write in place was sent back, for there is no
 *	room; the next try is due when the retry timer says so
 * @place_error: why a write in place, or a flush, failed last
 * @again: some that failed before have not had their turn in this round
 * @stuck_until: whatever is pending of the records before this LSN fails again and again; 0: none
 * @no_zeroes: the origin does not take WRITE_ZEROES
 *
 * @paused: start nothing; set and cleared from outside
 *
 * From outside, read by the worker:
 * @push_back: writes without room go back to device-mapper (a noflush suspend)
 * @drains: how many want everything in place
 *
 * @wait: woken when the worker comes to rest, or drained, or is stuck
 * @stat: for the status line
 */
struct es_journal {
	struct kref ref;
	struct block_device *bdev;
	struct es_jsb sb;
	struct page *sb_page;

	const struct es_journal_ops *ops;
	void *owner;
	struct block_device *origin;
	u64 sectors;
	u32 max_sectors;
	bool recovered;

	spinlock_t mail_lock;	/* guards the mailbox, down to mode */
	struct bio_list incoming;
	struct list_head landed;
	struct list_head loaded;
	bool append_done;
	bool append_awaited;
	bool flush_done;
	bool woken;
	bool idle_due;
	bool retry_due;
	bool afresh_due;
	bool give_up_due;
	bool flush_noted;
	enum es_jmode mode;

	spinlock_t lock;	/* guards pending */
	struct es_pending pending;

	struct workqueue_struct *wq;
	struct work_struct work;
	struct delayed_work idle_timer;
	struct delayed_work retry_timer;

	struct mutex turn;	/* guards all down to paused */
	struct es_ring ring;
	struct es_jappend append;
	struct es_jload load[ES_JLOADS];
	unsigned long loads_used;
	u64 load_pages;
	bool load_wait;
	bool unreadable;
	unsigned long unreadable_since;
	struct bio_list waiting;
	bool blocked;
	bool short_of_memory;
	bool starved;
	struct rb_root_cached flights;
	u32 nr_flights;
	bool flushing;
	bool flush_broken;
	bool flush_wait;
	u32 flush_failures;
	blk_status_t flush_status;
	struct es_jpos flush_pos;
	struct bio flush_bio;
	bool idle;
	unsigned long last_write;
	bool send_wait;
	blk_status_t place_error;
	bool again;
	u64 stuck_until;
	bool no_zeroes;
	bool paused;

	bool push_back;
	atomic_t drains;

	wait_queue_head_t wait;
	struct bio_set bios;
	struct bio_set flight_bios;
	struct es_jpages *copy_reserve;
	struct es_jpages *load_reserve;
	struct page *scratch;
	struct {
		u64 used_blocks;
		u64 kept_blocks;
		u64 oldest;
		u64 head_seq;
		u64 needed_seq;
		u64 stuck_until;
		bool at_rest;
	} stat;
};

/**
 * es_journal_open - read and verify the superblocks of @bdev.
 * @out: a journal with one reference, not attached
 * @fault: set when the device is refused
 *
 * Writes nothing.  Sleeps.  Returns 0, -EINVAL with *fault set, or another errno.
 */
int es_journal_open(struct block_device *bdev, struct es_journal **out, enum es_fault *fault);

/* 0 if the superblock on disk is the one opened or committed last, or a negative errno (logged). */
int es_journal_check_current(struct es_journal *j);

void es_journal_get(struct es_journal *j);
void es_journal_put(struct es_journal *j);

/**
 * es_journal_recover - walk the ring, verify all payload that is needed, rebuild the index.
 *
 * For a journal that the chain's newest store names, before es_journal_attach.  @sectors: of the
 * origin, as the table has it; what lies behind is refused.  Writes nothing.  Sleeps.  Returns 0 or
 * a negative errno (logged).
 */
int es_journal_recover(struct es_journal *j, struct block_device *origin, u64 sectors);

/**
 * es_journal_attach - take the journal into use.
 * @named: the chain's newest store names it: what it needs is replayed; else it is used
 *	from where it was left
 *
 * Does what es_journal_recover does, if it must and that was not called, and commits the
 * raised epoch before anything is written.  Writes in place begin when es_journal_resume
 * is called.  Sleeps.  Returns 0 or a negative errno (logged; nothing has changed).
 */
int es_journal_attach(struct es_journal *j, const struct es_journal_ops *ops, void *owner,
		      struct block_device *origin, u64 sectors, bool named);

/**
 * es_journal_detach - commit that nothing is needed, and that nobody is attached.
 *
 * Paused and drained.  Sleeps.  Returns 0 or a negative errno.
 */
int es_journal_detach(struct es_journal *j);

/* Commit that nothing is needed; drained.  The same. */
int es_journal_settle(struct es_journal *j);

/* Forget what is in memory; paused.  What was pending is in the ring. */
void es_journal_leave(struct es_journal *j);

/* Start nothing more, and wait until nothing is under way.  Sleeps. */
void es_journal_pause(struct es_journal *j);

/* Go on; @origin may be another block device of the same content. */
void es_journal_resume(struct es_journal *j, struct block_device *origin);

/**
 * es_journal_drain - everything acknowledged until now is in place, durably.
 *
 * Sleeps; interruptible by a fatal signal or any, as @interruptible says.  Returns 0;
 * -ENOSPC when writes in place are stuck (the store is full), -EIO when the origin
 * fails, -EINTR.
 */
int es_journal_drain(struct es_journal *j, bool interruptible);

/* Whether writes without room go back to device-mapper.  Does not sleep. */
void es_journal_push_back(struct es_journal *j, bool on);

/**
 * es_journal_write - hand a write, discard, WRITE_ZEROES or flush over.
 *
 * Any number of sectors up to max_sectors (writes).  Returns false when the journal takes nothing
 * any more: then it goes directly.  Does not sleep.
 */
bool es_journal_write(struct es_journal *j, struct bio *bio);

/*
 * A write has ended well that went directly to sectors [@sector, @sector + @nr): what was lost
 * there is made good.  Any context.
 */
void es_journal_overwritten(struct es_journal *j, u64 sector, u64 nr);

/* What es_journal_read found for the first sectors of a bio. */
enum es_jread {
	ES_JREAD_ORIGIN,	/* nothing is pending: from the origin */
	ES_JREAD_DONE,		/* the data is in the bio */
	ES_JREAD_RING,		/* it lies in the ring */
	ES_JREAD_LOST,		/* nobody has it any more */
};

/**
 * es_journal_read - look for pending data of a read.
 * @nr: how many sectors from the bio's first the answer is about
 * @addr: ES_JREAD_RING: sector of the journal's device
 * @pin: ES_JREAD_RING: to be given to es_journal_unpin when the read has ended
 *
 * Does not sleep.
 */
enum es_jread es_journal_read(struct es_journal *j, struct bio *bio, u32 *nr, sector_t *addr,
			      void **pin);

/* Any context. */
void es_journal_unpin(struct es_journal *j, void *pin);

/**
 * es_journal_give_up - the chain cannot keep a journal any more.
 *
 * As after a failure of the device: what is pending is written in place, then the chain
 * is asked to stop naming it, and writes go directly.  Does not sleep, does not wait.
 */
void es_journal_give_up(struct es_journal *j);

/* Whether anything is pending. */
static inline bool es_journal_has_pending(const struct es_journal *j)
{
	return READ_ONCE(j->pending.nr_pieces) != 0;
}

/* A word for the status line: ok, draining, failed. */
const char *es_journal_state(const struct es_journal *j);

/* Log @fault of @j at block @addr. */
void es_journal_report(const struct es_journal *j, enum es_fault fault, u64 addr);

/* Whatever the owner knows of has changed: look again.  Any context. */
void es_journal_wake(struct es_journal *j);

/* --- between the files of the journal --- */

/* Commit @sb, durably, with the generation raised; j->sb is @sb then. */
int es_journal_commit(struct es_journal *j, struct es_jsb *sb);

/* Free what attaching has allocated, but for what is pending.  No bio is under way. */
void es_journal_free_memory(struct es_journal *j);

/* Worker: give the journal up with its chain: what is dropped from memory can be read back. */
void es_jfail_give_up(struct es_journal *j);
/* Worker: steps 4 to 6 of es_journal_fail.c, once all is in place. */
void es_jfail_finish(struct es_journal *j);
/* Worker: the device failed. */
void es_journal_fail(struct es_journal *j, const char *what, blk_status_t status);

/* Worker: put what waits into a record, if that is possible now. */
void es_jappend_start(struct es_journal *j);
/* Whether @bio may be given to es_jappend_one. */
bool es_jappend_is_short(const struct bio *bio);
/*
 * Turn held, nothing waits, no append in flight: append @bio alone.  Does not sleep; false:
 * no room or no memory, nothing has happened.
 */
bool es_jappend_one(struct es_journal *j, struct bio *bio);
/* Turn held: the append has ended; does not sleep if it was acknowledged. */
void es_jappend_finish(struct es_journal *j);
/* Worker: end writes that have no place, with @status. */
void es_jappend_refuse(struct es_journal *j, blk_status_t status);

/* Turn held: whether write-behind is wanted though writes keep coming. */
bool es_jbehind_is_eager(const struct es_journal *j);
/* Worker: write in place what is due, flush, release. */
void es_jbehind_run(struct es_journal *j);
/* Turn held, or nobody else there: free the records that have lost all entries. */
void es_jbehind_drop_done(struct es_journal *j);
/* Worker: writes in place have ended. */
void es_jbehind_landed(struct es_journal *j, struct list_head *landed);
void es_jbehind_flushed(struct es_journal *j);
/* Worker: the retry timer has run out. */
void es_jretry_due(struct es_journal *j);
/* Worker, or at rest: the past does not count: try everything that has failed. */
void es_jretry_afresh(struct es_journal *j);
/* Bytes in front of a bio for a write in place. */
unsigned int es_jflight_front_pad(void);
/* Worker: loads have ended. */
void es_jload_done(struct es_journal *j, struct list_head *loaded);
/*
 * Worker, j->lock not held: read back the payload of @rec that has its turn (es_jretry_is_due);
 * false: not now.
 */
bool es_jload_start(struct es_journal *j, struct es_jrecord *rec, bool again);

/* Memory that pending payload may have, in pages. */
u64 es_journal_budget_pages(void);
/* Entries that may be pending. */
u64 es_journal_budget_entries(void);

/* Everything of the worker but its queue, which recovery makes. */
void es_journal_init_worker(struct es_journal *j);

/* Post to the worker.  Any context. */
void es_journal_post(struct es_journal *j, struct list_head *item, struct list_head *list);
void es_journal_post_flag(struct es_journal *j, bool *flag);
/* The append has ended; @quietly: nobody needs to know if it is not awaited. */
void es_journal_post_append(struct es_journal *j, bool quietly);

bool es_journal_is_drained(const struct es_journal *j);

#endif /* ES_JOURNAL_H */
