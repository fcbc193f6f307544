// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write-behind: steps 4 to 6 of es_journal.h.
 *
 * Runs lazily: when nothing was written for a short while, or half of the ring or of the
 * memory is in use, or somebody waits for room or wants all in place.  It takes what is
 * left of the oldest records, as runs (es_journal_run.h), sorts those by address, and keeps
 * a window of them under way; a new batch is chosen when half of them are back.
 * Worker context throughout.
 */
#include <linux/device-mapper.h>
#include <linux/list_sort.h>
#include "es_journal_run.h"

#define DM_MSG_PREFIX "esnapshot"

/* Records that are looked at for one batch. */
#define LOOK_RECORDS 128u
/* Part of the ring that is worth a flush when nobody waits for room. */
#define FLUSH_PART 64u

/* --- when --- */

bool es_jbehind_is_eager(const struct es_journal *j)
{
	return atomic_read(&j->drains) || j->blocked || j->mode == ES_JMODE_FAILING ||
	       2 * es_ring_needed_blocks(&j->ring) >= es_ring_blocks(&j->ring) ||
	       2 * j->pending.nr_pages >= es_journal_budget_pages() ||
	       2 * j->pending.nr_entries >= es_journal_budget_entries();
}

/* --- what goes --- */

/**
 * struct look - one look over the records, for a batch.
 * @again: for what has failed before, or for the rest
 * @due: the record has something of that
 * @load: it has payload that must be read back first
 * @left: some has not had its turn for that, or for an older write that is under way
 */
struct look {
	bool again;
	bool due;
	bool load;
	bool left;
};

/* False: memory is short. */
static bool take_record(struct es_journal *j, struct es_jrecord *rec, struct list_head *batch,
			struct look *look)
{
	struct es_jent *ent;

	look->due = false;
	look->load = false;
	list_for_each_entry(ent, &rec->entries, list) {
		if (ent->bad || !es_jretry_is_due(j, ent, look->again))
			continue;
		look->due = true;
		if (ent->e.op == ES_JOP_WRITE && !ent->data)
			look->load |= !ent->loading;
		else if (!es_jrun_take(j, ent, batch, look->again))
			return false;
		look->left |= es_jretry_is_due(j, ent, look->again);
	}
	return true;
}

static int by_address(void *unused, const struct list_head *a, const struct list_head *b)
{
	const struct es_jflight *x = container_of(a, struct es_jflight, list);
	const struct es_jflight *y = container_of(b, struct es_jflight, list);

	return x->node.start > y->node.start;
}

/* Loads have a quarter more than users' writes, which fill the rest; one always goes. */
static bool may_load(const struct es_journal *j)
{
	u64 budget = es_journal_budget_pages();

	if (j->load_wait)
		return false;
	return j->pending.nr_pages + j->load_pages < budget + budget / 4 ||
	       (!j->nr_flights && !j->loads_used);
}

/*
 * Records cannot go while the worker is here: only it removes them.  Returns whether there is
 * room for more: all that may go now goes; for @again, whether all had its turn.
 */
static bool take_records(struct es_journal *j, struct list_head *batch, bool again)
{
	struct look look = { .again = again };
	struct es_jrecord *rec;
	bool more, loads = true;
	u32 looked = 0;

	list_for_each_entry(rec, &j->pending.records, list) {
		if (rec == j->append.rec)
			break;
		if (j->nr_flights >= ES_JFLIGHTS || looked >= LOOK_RECORDS)
			return false;
		spin_lock_irq(&j->lock);
		more = take_record(j, rec, batch, &look);
		spin_unlock_irq(&j->lock);
		looked += look.due;
		if (look.load && loads && may_load(j))
			loads = es_jload_start(j, rec, again);
		if (!more) {
			j->starved = true;
			return false;
		}
	}
	return j->nr_flights < ES_JFLIGHTS && !(again && look.left);
}

static void take_batch(struct es_journal *j, struct list_head *batch)
{
	if (take_records(j, batch, false) && j->again)
		j->again = !take_records(j, batch, true);
}

static void send_batch(struct es_journal *j)
{
	struct es_jflight *f, *next;
	LIST_HEAD(batch);

	take_batch(j, &batch);
	list_sort(NULL, &batch, by_address);
	list_for_each_entry_safe(f, next, &batch, list) {
		list_del_init(&f->list);
		j->ops->write(j->owner, &f->bio, f->private);
	}
}

/* --- what comes back --- */

/*
 * What has failed must not keep the memory, or the reserve, that others need; while the ring can
 * be read, it can wait there.  If that is given up, only what has just come from it may go back.
 */
static bool may_drop(const struct es_journal *j, const struct es_jent *ent)
{
	if (!ent->data || (j->mode != ES_JMODE_OK && (!ent->reread || j->unreadable)))
		return false;
	return ent->data->home || j->pending.nr_pages > es_journal_budget_pages();
}

static void land(struct es_journal *j, struct es_jflight *f)
{
	enum es_jlanding how = es_jretry_judge(j, f);
	u32 i;

	j->ops->written(j->owner, f->op, f->node.start, f->node.last - f->node.start + 1,
			f->status);
	spin_lock_irq(&j->lock);
	es_pending_landed(&j->pending, f, f->node.start, f->node.last, how);
	if (how == ES_JLANDED_FAILED && may_drop(j, f->ent[0]))
		es_jent_drop_data(&j->pending, f->ent[0]);
	for (i = 0; i < f->nr; i++)
		es_jent_unpin(&j->pending, f->ent[i]);
	spin_unlock_irq(&j->lock);
	interval_tree_remove(&f->node, &j->flights);
	j->nr_flights--;
	bio_put(&f->bio);
}

void es_jbehind_landed(struct es_journal *j, struct list_head *landed)
{
	struct es_jflight *f, *next;

	list_for_each_entry_safe(f, next, landed, list)
		land(j, f);
}

/* --- steps 5 and 6 --- */

static void flush_endio(struct bio *bio)
{
	struct es_journal *j = bio->bi_private;

	j->flush_status = bio->bi_status;
	es_journal_post_flag(j, &j->flush_done);
}

static bool is_done(struct es_journal *j, struct es_jrecord *rec)
{
	struct es_jent *ent;
	bool done = true;

	if (rec == j->append.rec)
		return false;
	spin_lock_irq(&j->lock);
	list_for_each_entry(ent, &rec->entries, list)
		done &= ent->bad;
	spin_unlock_irq(&j->lock);
	return done;
}

/* Forget lost entries with their record; their pieces stay to be read as errors. */
static void forget_record(struct es_journal *j, struct es_jrecord *rec)
{
	spin_lock_irq(&j->lock);
	es_jrecord_forget(&j->pending, rec);
	spin_unlock_irq(&j->lock);
}

/*
 * What is done need not be listed: its absence says so.  Kept until its place is released it would
 * cost memory and time in proportion to the ring, for what is before it may be pending for long.
 */
void es_jbehind_drop_done(struct es_journal *j)
{
	bool more = true;

	while (more) {
		spin_lock_irq(&j->lock);
		more = es_pending_drop_done(&j->pending, j->append.rec);
		spin_unlock_irq(&j->lock);
	}
}

/* Where "needed" could move to now: what is before the first record left is in place. */
static struct es_jpos done_until(struct es_journal *j)
{
	struct es_jrecord *rec;

	list_for_each_entry(rec, &j->pending.records, list)
		if (!is_done(j, rec))
			return rec->pos;
	return j->ring.head;
}

bool es_jbehind_can_release(struct es_journal *j)
{
	return done_until(j).seq != j->ring.needed.seq;
}

/*
 * A flush costs the disk's time: for room, or an end, that somebody waits for, or a good deal of
 * room, or to get done with a journal that is given up.  There all writes wait, and pieces that
 * are lost stay pending for good.
 */
static bool is_flush_due(const struct es_journal *j, const struct es_jpos *pos)
{
	const struct es_ring *ring = &j->ring;
	u64 from = ring->needed.addr, blocks;

	if (pos->seq == ring->needed.seq)
		return false;
	if (j->blocked || atomic_read(&j->drains) || j->mode == ES_JMODE_FAILING ||
	    !es_journal_has_pending(j))
		return true;
	blocks = pos->addr >= from ? pos->addr - from : pos->addr + ring->end - from;
	return blocks >= es_ring_blocks(ring) / FLUSH_PART;
}

static void release(struct es_journal *j)
{
	struct es_jrecord *rec, *next;
	struct es_jpos pos;

	if (j->flushing || j->flush_broken || j->flush_wait)
		return;
	pos = done_until(j);
	if (!is_flush_due(j, &pos))
		return;
	list_for_each_entry_safe(rec, next, &j->pending.records, list) {
		if (rec->pos.seq >= pos.seq)
			break;
		forget_record(j, rec);
	}
	j->flushing = true;
	j->flush_pos = pos;
	bio_init(&j->flush_bio, j->origin, NULL, 0, REQ_OP_WRITE | REQ_PREFLUSH);
	j->flush_bio.bi_end_io = flush_endio;
	j->flush_bio.bi_private = j;
	submit_bio_noacct(&j->flush_bio);
}

/*
 * What an origin has lost that fails a flush nobody knows: the ring keeps it, for good, and
 * the next attach replays it.  With the ring gone, too, another try is all there is.
 */
void es_jbehind_flushed(struct es_journal *j)
{
	j->flushing = false;
	bio_uninit(&j->flush_bio);
	if (!j->flush_status) {
		WRITE_ONCE(j->flush_failures, 0);
		j->stuck_until = 0; /* there is progress: the retry timer tells how far */
		es_ring_set_needed(&j->ring, &j->flush_pos);
		return;
	}
	DMERR("%pg: flush failed: error %d: %pg keeps everything until attached again",
	      j->origin, blk_status_to_errno(j->flush_status), j->bdev);
	j->flush_broken = j->mode == ES_JMODE_OK;
	WRITE_ONCE(j->place_error, j->flush_status);
	WRITE_ONCE(j->flush_failures, j->flush_failures + 1);
	j->flush_wait = true;
	queue_delayed_work(j->wq, &j->retry_timer, HZ);
}

void es_jbehind_run(struct es_journal *j)
{
	bool wanted = j->idle || es_jbehind_is_eager(j);

	es_jbehind_drop_done(j);
	if (j->paused || j->mode == ES_JMODE_FAILED)
		return;
	if (wanted && !j->send_wait && j->nr_flights <= ES_JFLIGHTS / 2)
		send_batch(j);
	release(j);
}
