// SPDX-License-Identifier: GPL-2.0-only
/*
 * A journal that goes out of use while its chain goes on.
 *
 * When the device fails (law L2: nothing stops, nothing is lost):
 *   (1) no append any more: what was not acknowledged waits, with all that comes;
 *   (2) everything pending is written in place, from memory; what had been dropped from
 *	 memory and cannot be read back is lost, and said so;
 *   (3) the origin is flushed;
 *   (4) the chain durably stops naming the journal;
 *   (5) the journal's superblock says FAILED, if it still can;
 *   (6) what waits goes directly.
 * A crash before (4): the ring is replayed over what is in place, nothing newer is there.
 * After (4): nobody names the journal, which is never replayed then.
 *
 * Worker context throughout.
 */
#include <linux/device-mapper.h>
#include "es_journal.h"

#define DM_MSG_PREFIX "esnapshot"

/*
 * From here on nothing is taken; what is pending goes to its place.  A ring that is given up
 * keeps nothing for a flush that failed before: another one is all there is.
 */
static void start_failing(struct es_journal *j)
{
	j->flush_broken = false;
	spin_lock_irq(&j->mail_lock);
	WRITE_ONCE(j->mode, ES_JMODE_FAILING);
	spin_unlock_irq(&j->mail_lock);
	j->ops->changed(j->owner);
}

/* The same steps as after a failure, but what is dropped from memory can be read back. */
void es_jfail_give_up(struct es_journal *j)
{
	if (j->mode != ES_JMODE_OK)
		return;
	DMERR("%pg: journal given up with its chain, pending writes go to their places", j->bdev);
	start_failing(j);
}

void es_journal_fail(struct es_journal *j, const char *what, blk_status_t status)
{
	if (j->mode != ES_JMODE_OK)
		return;
	DMERR("%pg: %s failed: error %d: journal given up, pending writes go to their places",
	      j->bdev, what, blk_status_to_errno(status));
	start_failing(j);
}

/* Step 5. */
static void mark_failed(struct es_journal *j)
{
	struct es_jsb sb = j->sb;

	sb.state = ES_JOURNAL_FAILED;
	if (es_journal_commit(j, &sb) || es_journal_commit(j, &sb))
		DMERR("%pg: could not be marked as failed: format it before it is used again",
		      j->bdev);
}

/* Step 6: from here on nothing is added to @incoming. */
static void pass_all(struct es_journal *j)
{
	struct bio *bio;

	spin_lock_irq(&j->mail_lock);
	WRITE_ONCE(j->mode, ES_JMODE_FAILED);
	bio_list_merge(&j->waiting, &j->incoming);
	bio_list_init(&j->incoming);
	spin_unlock_irq(&j->mail_lock);
	while ((bio = bio_list_pop(&j->waiting)))
		j->ops->pass(j->owner, bio);
}

/* Steps 4 to 6, once all is in place. */
void es_jfail_finish(struct es_journal *j)
{
	if (j->mode != ES_JMODE_FAILING || j->append.busy || !es_journal_is_drained(j) ||
	    j->paused)
		return;
	if (j->ops->disown(j->owner))
		DMCRIT("%pg: the chain may still name it: do NOT attach them together again",
		       j->bdev);
	mark_failed(j);
	if (j->pending.nr_bad)
		DMCRIT("%pg: %llu ranges of the origin are lost and read as errors until written",
		       j->origin, j->pending.nr_bad);
	pass_all(j);
	DMWARN("%pg: the origin goes on without its journal", j->bdev);
	j->ops->changed(j->owner);
}
