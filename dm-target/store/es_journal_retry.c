// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes in place that fail.
 *
 * The entries of a run that fails go alone, at once.  A piece that fails alone waits for the next
 * round, which begins a second later, at the earliest when all that failed before had their turn
 * in this one.  What has not failed goes before it and waits for nothing: one bad range of an
 * origin does not hold up what is pending elsewhere.
 *
 * What has failed in two rounds is stuck until it succeeds, or until a new beginning: a drain, or
 * a table that is resumed.  When nothing else is left, who waits for it is told.
 *
 * Worker context, but for es_jretry_afresh.
 */
#include <linux/device-mapper.h>
#include "es_journal_run.h"

#define DM_MSG_PREFIX "esnapshot"

static void begin_round(struct es_journal *j)
{
	j->pending.round++;
	j->again = true;
}

enum es_jlanding es_jretry_judge(struct es_journal *j, const struct es_jflight *f)
{
	if (!f->status || f->op == REQ_OP_DISCARD) /* a hint, no more */
		return ES_JLANDED;
	if (f->op == REQ_OP_WRITE_ZEROES &&
	    (f->status == BLK_STS_NOTSUPP || f->status == BLK_STS_TARGET)) {
		j->no_zeroes = true;
		return ES_JLANDED_APART;
	}
	queue_delayed_work(j->wq, &j->retry_timer, HZ);
	if (f->status == BLK_STS_DM_REQUEUE) {
		WRITE_ONCE(j->send_wait, true);
		return ES_JLANDED_APART;
	}
	DMERR_LIMIT("%pg: sector %llu: writing %llu sectors in place failed: error %d", j->origin,
		    (u64)f->node.start, (u64)(f->node.last - f->node.start + 1),
		    blk_status_to_errno(f->status));
	WRITE_ONCE(j->place_error, f->status);
	return f->nr == 1 ? ES_JLANDED_FAILED : ES_JLANDED_APART;
}

bool es_jretry_is_due(const struct es_journal *j, const struct es_jent *ent, bool again)
{
	struct es_jpiece *piece;

	list_for_each_entry(piece, &ent->pieces, list)
		if (es_jpiece_is_due(j, piece, again))
			return true;
	return false;
}

/* What only a reader holds moves, too. */
static bool is_stuck(const struct es_journal *j, const struct es_jent *ent)
{
	struct es_jpiece *piece;

	list_for_each_entry(piece, &ent->pieces, list)
		if (!piece->stuck || piece->failed <= j->pending.since)
			return false;
	return !list_empty(&ent->pieces);
}

/* Whether @rec has something left that is not stuck; *stuck: it has something that is. */
static bool is_moving(struct es_journal *j, struct es_jrecord *rec, bool *stuck)
{
	struct es_jent *ent;
	bool moving = rec == j->append.rec;

	spin_lock_irq(&j->lock);
	list_for_each_entry(ent, &rec->entries, list) {
		if (ent->bad)
			continue;
		if (is_stuck(j, ent))
			*stuck = true;
		else
			moving = true;
	}
	spin_unlock_irq(&j->lock);
	return moving;
}

/* Records cannot go while the worker is here. */
static u64 find_stuck_until(struct es_journal *j)
{
	struct es_jrecord *rec;
	bool stuck = false;

	if (es_jbehind_can_release(j))
		return 0; /* what somebody waits for may be in place, and a flush is all it wants */
	list_for_each_entry(rec, &j->pending.records, list)
		if (is_moving(j, rec, &stuck))
			return stuck ? rec->pos.seq : 0;
	return stuck ? j->ring.head.seq : 0;
}

static void end_waits(struct es_journal *j)
{
	j->load_wait = false;
	j->flush_wait = false;
	WRITE_ONCE(j->send_wait, false);
}

/* While it is paused nothing is tried; es_journal_resume begins anew. */
void es_jretry_due(struct es_journal *j)
{
	bool more = j->again;

	end_waits(j);
	j->stuck_until = find_stuck_until(j);
	if (!more)
		begin_round(j);
	if ((more || j->stuck_until) && !j->paused && j->mode != ES_JMODE_FAILED)
		queue_delayed_work(j->wq, &j->retry_timer, HZ);
}

/* The next round is a whole second after the first failure from now on. */
void es_jretry_afresh(struct es_journal *j)
{
	cancel_delayed_work(&j->retry_timer);
	end_waits(j);
	WRITE_ONCE(j->flush_failures, 0);
	j->stuck_until = 0;
	j->pending.since = j->pending.round;
	begin_round(j);
}
