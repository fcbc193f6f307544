/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A run: pending pieces side by side that are written in place together, and its way there.
 * Worker context, but for the end of its bio.
 */
#ifndef ES_JOURNAL_RUN_H
#define ES_JOURNAL_RUN_H

#include <linux/interval_tree.h>
#include "es_journal.h"

/* Runs under way. */
#define ES_JFLIGHTS 128u
/* Pieces of a run. */
#define ES_JRUN_PIECES 64u

/**
 * struct es_jflight - a run being written in place.
 * @node: its sectors, in j->flights
 * @list: in a batch, or in the mailbox
 * @j: whose it is
 * @op: what it is
 * @status: how it ended
 * @nr: entries whose data it writes
 * @ent: these
 * @private: the owner's
 * @bio: last: what the bioset puts behind us
 */
struct es_jflight {
	struct interval_tree_node node;
	struct list_head list;
	struct es_journal *j;
	enum req_op op;
	blk_status_t status;
	u32 nr;
	struct es_jent *ent[ES_JRUN_PIECES];
	unsigned long private[ES_JFLIGHT_PRIVATE];
	struct bio bio;
};

/**
 * es_jrun_take - put the runs of @ent that can go on @batch, while there may be more of them.
 *
 * @again: what has failed before, and not in this round; or what has not failed
 *
 * j->lock held.  A range that is on its way already, data that is not in memory, and what is
 * lost stay.  Returns false when memory is short.
 */
bool es_jrun_take(struct es_journal *j, struct es_jent *ent, struct list_head *batch, bool again);

/* Worker: what the end of @f means. */
enum es_jlanding es_jretry_judge(struct es_journal *j, const struct es_jflight *f);

/* j->lock held: whether something of @ent has its turn, @again or the first time. */
bool es_jretry_is_due(const struct es_journal *j, const struct es_jent *ent, bool again);

/* j->lock held: the same for a piece. */
static inline bool es_jpiece_is_due(const struct es_journal *j, const struct es_jpiece *piece,
				    bool again)
{
	if (piece->flight)
		return false;
	return again ? piece->failed && piece->failed != j->pending.round : !piece->failed;
}

/* Worker: whether a flush would release something. */
bool es_jbehind_can_release(struct es_journal *j);

#endif /* ES_JOURNAL_RUN_H */
