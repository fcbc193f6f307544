// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes in place that fail.
 *
 * The entries of a run that fails go alone, at once.  One that fails alone waits for the next
 * round, which begins a second later, at the earliest when all that failed before had their turn
 * in this one.  What has not failed goes before it and waits for nothing: one bad range of an
 * origin does not hold up what is pending elsewhere.
 *
 * What has failed in two rounds is stuck until it succeeds.  When that is all there is left, who
 * waits for it is told.
 *
 * Worker context throughout.
 */
#include <linux/device-mapper.h>
#include "es_journal_run.h"

#define DM_MSG_PREFIX "esnapshot"

static void begin_round(struct es_journal *j)
{
	j->round++;
	j->again = true;
}

/* Once a round, however many of its pieces fail; before a new beginning does not count. */
static void note_failure(struct es_journal *j, struct es_jent *ent)
{
	if (ent->failed == j->round)
		return;
	ent->stuck = ent->failed > j->since;
	ent->failed = j->round;
}

void es_jretry_failed(struct es_journal *j, struct es_jflight *f)
{
	if (f->op == REQ_OP_WRITE_ZEROES &&
	    (f->status == BLK_STS_NOTSUPP || f->status == BLK_STS_TARGET)) {
		j->no_zeroes = true;
		return;
	}
	if (f->status == BLK_STS_DM_REQUEUE) {
		WRITE_ONCE(j->send_wait, true);
	} else {
		DMERR_LIMIT("%pg: sector %llu: writing %llu sectors in place failed: error %d",
			    j->origin, (u64)f->node.start,
			    (u64)(f->node.last - f->node.start + 1),
			    blk_status_to_errno(f->status));
		WRITE_ONCE(j->place_error, f->status);
		if (f->nr == 1)
			note_failure(j, f->ent[0]);
	}
	queue_delayed_work(j->wq, &j->retry_timer, HZ);
}

bool es_jretry_may_go(const struct es_journal *j, const struct es_jent *ent, bool again)
{
	return again ? ent->failed && ent->failed != j->round : !ent->failed;
}

/* Whether @rec has something left that is not stuck; *stuck: it has something that is. */
static bool is_moving(struct es_journal *j, struct es_jrecord *rec, bool *stuck)
{
	struct es_jent *ent;
	bool moving = false;

	spin_lock_irq(&j->lock);
	list_for_each_entry(ent, &rec->entries, list) {
		if (ent->bad)
			continue;
		if (ent->stuck && ent->failed > j->since)
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

	list_for_each_entry(rec, &j->pending.records, list)
		if (rec == j->append.rec || is_moving(j, rec, &stuck))
			return stuck ? rec->pos.seq : 0;
	return stuck ? j->ring.head.seq : 0;
}

/* While it is paused nothing is tried; es_journal_resume begins anew. */
void es_jretry_due(struct es_journal *j)
{
	bool more = j->again;

	j->load_wait = false;
	j->flush_wait = false;
	WRITE_ONCE(j->send_wait, false);
	WRITE_ONCE(j->stuck_until, find_stuck_until(j));
	if (!more)
		begin_round(j);
	if (!j->paused && (more || j->stuck_until))
		queue_delayed_work(j->wq, &j->retry_timer, HZ);
}

void es_jretry_afresh(struct es_journal *j)
{
	j->load_wait = false;
	j->flush_wait = false;
	WRITE_ONCE(j->send_wait, false);
	WRITE_ONCE(j->flush_failures, 0);
	WRITE_ONCE(j->stuck_until, 0);
	j->since = j->round;
	begin_round(j);
}
