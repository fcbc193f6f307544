/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A chain with a write journal before its origin: how the two are brought together.
 *
 * Which journal: the newest store's superblock names it, from before the first write that
 * is acknowledged by it until everything is in place.  A chain whose store names a journal is
 * not attached without that one; a journal that no store names is never replayed.
 */
#ifndef ES_CHAIN_JOURNAL_H
#define ES_CHAIN_JOURNAL_H

#include "es_chain.h"
#include "es_journal.h"
#include "es_origin_map.h"

/*
 * Open and check the journal device that the table names, or hold on to the one that it
 * leaves out until that is drained.  Constructor; the stores are open.  Changes nothing.  On
 * error ti->error is set.
 */
int es_origin_open_journal(struct es_origin *o);
void es_origin_close_journal(struct es_origin *o);

/*
 * How many of the table's stores a first attach takes into use before the journal is
 * replayed: all, or all but a fresh last one, which what is pending is older than.
 */
u32 es_chain_journal_stores(const struct es_origin *o);

/**
 * es_chain_journal_recover - read what the table's journal holds, if its chain names it.
 *
 * Before anything is written: a ring that cannot be read leaves all as it was.  Sleeps.
 * Returns 0 or a negative errno (logged).
 */
int es_chain_journal_recover(struct es_chain *chain, struct es_origin *table);

/**
 * es_chain_journal_start - take the table's journal, if it has one, into use.
 *
 * The stores are in use, nothing is in flight.  Writes in place begin with
 * es_chain_journal_resume.  Returns 0 or a negative errno (logged).
 */
int es_chain_journal_start(struct es_chain *chain, struct es_origin *table,
			   struct es_store *newest);

/* Whether the first attach of @table may go on; else logged. */
int es_chain_journal_check(struct es_chain *chain, const struct es_origin *table);

/**
 * es_chain_journal_halt - bring the chain's journal to rest for a change of the table.
 * @drain: everything must be in place before
 *
 * The origin is suspended.  Returns 0, or why it is not drained; it is at rest then, too.
 */
int es_chain_journal_halt(struct es_chain *chain, bool drain);

/* The same; where only room in the newest store is missing, the snapshots go, and @why is said. */
int es_chain_journal_halt_anyway(struct es_chain *chain, bool drain, const char *why);

/*
 * Drained and at rest: say on disk that nothing of it is needed, for a new snapshot begins.  A
 * journal that cannot be written is given up.
 */
void es_chain_journal_settle(struct es_chain *chain);

/* Drained and at rest: use it no longer. */
void es_chain_journal_stop(struct es_chain *chain, struct es_origin *table);

/* Go on, after halt or start. */
void es_chain_journal_resume(struct es_chain *chain);

/* The chain is being detached: drain if possible, and use it no longer. */
void es_chain_journal_end(struct es_chain *chain);

/* In a noflush suspend writes without room go back (@on); afterwards no more. */
void es_chain_journal_push_back(struct es_chain *chain, bool on);

/* Everything is in place: message.  Sleeps, can be interrupted. */
int es_chain_journal_drain(struct es_chain *chain);

/* Data path: returns what map returns, or -1: as without a journal. */
int es_chain_journal_map(struct es_chain *chain, struct bio *bio, struct es_origin_io *io);

#endif /* ES_CHAIN_JOURNAL_H */
