// SPDX-License-Identifier: GPL-2.0-only
/*
 * A journal's worker, its mail box, and how a write comes to it: see es_journal.h.
 */
#include <linux/slab.h>
#include "es_journal.h"

/* How long without a write until what is pending is written in place. */
#define IDLE_DELAY (HZ / 10)

/* --- its work --- */

struct mail {
	struct list_head landed;
	struct list_head loaded;
	bool append_done;
	bool flush_done;
	bool idle_due;
	bool retry_due;
	bool afresh_due;
	bool give_up_due;
};

static bool take_mail(struct es_journal *j, struct mail *m)
{
	bool any;

	INIT_LIST_HEAD(&m->landed);
	INIT_LIST_HEAD(&m->loaded);
	spin_lock_irq(&j->mail_lock);
	any = j->append_done || j->flush_done || j->woken || j->idle_due || j->retry_due ||
	      j->afresh_due || j->give_up_due || !bio_list_empty(&j->incoming) ||
	      !list_empty(&j->landed) || !list_empty(&j->loaded);
	list_splice_init(&j->landed, &m->landed);
	list_splice_init(&j->loaded, &m->loaded);
	bio_list_merge(&j->waiting, &j->incoming);
	bio_list_init(&j->incoming);
	m->append_done = j->append_done;
	m->flush_done = j->flush_done;
	m->idle_due = j->idle_due;
	m->retry_due = j->retry_due;
	m->afresh_due = j->afresh_due;
	m->give_up_due = j->give_up_due;
	j->append_done = false;
	j->flush_done = false;
	j->woken = false;
	j->idle_due = false;
	j->retry_due = false;
	j->afresh_due = false;
	j->give_up_due = false;
	j->append_awaited = !any;
	spin_unlock_irq(&j->mail_lock);
	return any;
}

/* The timer is armed by a write and runs on while there are more. */
static void look_if_idle(struct es_journal *j, bool due)
{
	unsigned long left = j->last_write + IDLE_DELAY - jiffies;

	if (due && (time_after_eq(jiffies, j->last_write + IDLE_DELAY)))
		j->idle = true;
	else if (due)
		queue_delayed_work(j->wq, &j->idle_timer, left);
	else if (!j->idle && es_journal_has_pending(j))
		queue_delayed_work(j->wq, &j->idle_timer, IDLE_DELAY);
}

/* Memory comes back without a word. */
static void look_again_if_starved(struct es_journal *j)
{
	if (j->starved)
		queue_delayed_work(j->wq, &j->idle_timer, IDLE_DELAY);
}

/* Writes that cannot be taken soon do not wait where that would be wrong. */
static void end_hopeless(struct es_journal *j)
{
	bool stopped = j->blocked || j->mode == ES_JMODE_FAILING;
	bool stuck = j->stuck_until && j->stuck_until == j->ring.head.seq && !j->flushing;

	if (bio_list_empty(&j->waiting) || !stopped)
		return;
	if (READ_ONCE(j->push_back))
		es_jappend_refuse(j, BLK_STS_DM_REQUEUE);
	else if (j->short_of_memory)
		return; /* that comes back */
	else if (j->flush_broken)
		es_jappend_refuse(j, BLK_STS_IOERR);
	else if (j->flush_failures > 1 || stuck)
		es_jappend_refuse(j, j->place_error);
}

static void note_stat(struct es_journal *j)
{
	u64 oldest = j->ring.nr_marks ? j->ring.mark[0].time : 0;

	WRITE_ONCE(j->stat.used_blocks, es_ring_needed_blocks(&j->ring));
	WRITE_ONCE(j->stat.kept_blocks, es_ring_kept_blocks(&j->ring));
	WRITE_ONCE(j->stat.oldest, oldest);
	WRITE_ONCE(j->stat.head_seq, j->ring.head.seq);
	WRITE_ONCE(j->stat.needed_seq, j->ring.needed.seq);
	smp_store_release(&j->stat.stuck_until, j->stuck_until); /* pairs with drained_to() */
	WRITE_ONCE(j->stat.at_rest,
		   !j->append.busy && !j->nr_flights && !j->flushing && !j->loads_used);
}

static void journal_work(struct work_struct *work)
{
	struct es_journal *j = container_of(work, struct es_journal, work);
	struct blk_plug plug;
	struct mail m;

	mutex_lock(&j->turn);
	while (take_mail(j, &m)) {
		blk_start_plug(&plug);
		if (m.append_done)
			es_jappend_finish(j);
		es_jload_done(j, &m.loaded);
		es_jbehind_landed(j, &m.landed);
		if (m.flush_done)
			es_jbehind_flushed(j);
		if (m.retry_due)
			es_jretry_due(j);
		if (m.afresh_due)
			es_jretry_afresh(j);
		if (m.give_up_due)
			es_jfail_give_up(j);
		j->starved = false;
		es_jappend_start(j);
		look_if_idle(j, m.idle_due);
		es_jbehind_run(j);
		look_again_if_starved(j);
		end_hopeless(j);
		es_jfail_finish(j);
		blk_finish_plug(&plug);
		note_stat(j);
		wake_up_all(&j->wait);
	}
	mutex_unlock(&j->turn);
}

/* --- its mail --- */

/*
 * With news under the lock: they may be all that the journal is kept for, and the worker does
 * not see them before the lock is free.
 */
static void kick(struct es_journal *j)
{
	queue_work(j->wq, &j->work);
}

void es_journal_post(struct es_journal *j, struct list_head *item, struct list_head *list)
{
	unsigned long flags;

	spin_lock_irqsave(&j->mail_lock, flags);
	list_add_tail(item, list);
	kick(j);
	spin_unlock_irqrestore(&j->mail_lock, flags);
}

void es_journal_post_flag(struct es_journal *j, bool *flag)
{
	unsigned long flags;

	spin_lock_irqsave(&j->mail_lock, flags);
	*flag = true;
	kick(j);
	spin_unlock_irqrestore(&j->mail_lock, flags);
}

void es_journal_post_append(struct es_journal *j, bool quietly)
{
	unsigned long flags;

	spin_lock_irqsave(&j->mail_lock, flags);
	j->append_done = true;
	if (j->append_awaited || !quietly)
		kick(j);
	spin_unlock_irqrestore(&j->mail_lock, flags);
}

void es_journal_wake(struct es_journal *j)
{
	es_journal_post_flag(j, &j->woken);
}

void es_journal_give_up(struct es_journal *j)
{
	es_journal_post_flag(j, &j->give_up_due);
}

static void idle_timeout(struct work_struct *work)
{
	struct es_journal *j = container_of(to_delayed_work(work), struct es_journal, idle_timer);

	es_journal_post_flag(j, &j->idle_due);
}

static void retry_timeout(struct work_struct *work)
{
	struct es_journal *j = container_of(to_delayed_work(work), struct es_journal, retry_timer);

	es_journal_post_flag(j, &j->retry_due);
}

void es_journal_init_worker(struct es_journal *j)
{
	spin_lock_init(&j->mail_lock);
	mutex_init(&j->turn);
	INIT_LIST_HEAD(&j->landed);
	INIT_LIST_HEAD(&j->loaded);
	INIT_WORK(&j->work, journal_work);
	INIT_DELAYED_WORK(&j->idle_timer, idle_timeout);
	INIT_DELAYED_WORK(&j->retry_timer, retry_timeout);
}

/* --- a write --- */

/*
 * Turn held: whether nobody is before a write that comes now.  The end of the append before
 * it may not have been looked at.
 */
static bool is_alone(struct es_journal *j)
{
	bool alone, ended;

	if (j->paused || !bio_list_empty(&j->waiting))
		return false;
	spin_lock_irq(&j->mail_lock);
	ended = j->append.busy && j->append_done && j->append.acked;
	alone = j->mode == ES_JMODE_OK && bio_list_empty(&j->incoming) &&
		(ended || !j->append.busy);
	if (alone && ended) {
		j->append_done = false;
		j->woken |= j->append_awaited;	/* the worker is on its way */
	}
	if (alone)
		j->append_awaited = false;
	spin_unlock_irq(&j->mail_lock);
	if (alone && ended)
		es_jappend_finish(j);
	return alone;
}

/* With nobody before it and nothing to wait for, a write need not wait for the worker. */
static bool append_at_once(struct es_journal *j, struct bio *bio)
{
	bool mine;

	if (!es_jappend_is_short(bio) || !mutex_trylock(&j->turn))
		return false;
	mine = is_alone(j) && es_jappend_one(j, bio);
	if (mine) {
		note_stat(j);
		queue_delayed_work(j->wq, &j->idle_timer, IDLE_DELAY);
		if (es_jbehind_is_eager(j))
			es_journal_wake(j);
	}
	mutex_unlock(&j->turn);
	return mine;
}

bool es_journal_write(struct es_journal *j, struct bio *bio)
{
	bool flush = !bio_sectors(bio), taken = true;
	unsigned long flags;

	if (!flush && append_at_once(j, bio))
		return true;
	spin_lock_irqsave(&j->mail_lock, flags);
	if (j->mode == ES_JMODE_FAILED) {
		taken = false;
	} else if (flush && j->mode == ES_JMODE_OK) {
		j->flush_noted = true;
	} else {
		bio_list_add(&j->incoming, bio);
		flush = false;
	}
	spin_unlock_irqrestore(&j->mail_lock, flags);
	if (flush && taken)
		bio_endio(bio); /* what was acknowledged is durable */
	else if (taken)
		kick(j);
	return taken;
}

/* --- a write that went directly --- */

void es_journal_overwritten(struct es_journal *j, u64 sector, u64 nr)
{
	struct es_jpiece *spare;
	unsigned long flags;

	if (READ_ONCE(j->mode) != ES_JMODE_FAILED || !es_journal_has_pending(j))
		return;
	spare = es_piece_alloc(&j->pending, GFP_NOWAIT | __GFP_NOWARN);
	if (!spare)
		return; /* it stays unreadable: safe */
	spin_lock_irqsave(&j->lock, flags);
	es_pending_cut(&j->pending, sector, sector + nr - 1, spare);
	spin_unlock_irqrestore(&j->lock, flags);
}
