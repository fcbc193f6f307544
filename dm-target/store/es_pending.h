/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a journal holds and the origin does not have yet: an index by range.
 *
 *   record (one append) -> entries (one write each) -> pieces: the parts of the
 *   entry's range that no newer write covers; all pieces are in one tree
 *
 * A newer write cuts what it covers out of older pieces; an entry without pieces
 * that nobody uses is freed, a record without entries is done, and is kept no longer.
 *
 * No lock and no I/O here: the journal's lock is held around every call that does
 * not say otherwise.  Nothing sleeps but where it says so.
 * Units: sectors of the origin; [first, last], last included, as interval trees have it.
 */
#ifndef ES_PENDING_H
#define ES_PENDING_H

#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include "es_ring.h"

/* Payload blocks of the largest entry. */
#define ES_JPAGES_MAX (ES_JOURNAL_MAX_RECORD - 1)

/**
 * struct es_jpages - memory of one entry's payload.
 * @home: where it goes when it is freed; NULL: to the system
 * @nr: pages, one for each block
 */
struct es_jpages {
	struct es_jpages **home;
	u32 nr;
	struct page *page[];
};

/**
 * es_jpages_alloc - @nr pages.
 * @reserve: NULL, or where an es_jpages for the largest entry lies, to be taken when
 *	memory is short; it returns there when freed
 *
 * May sleep, not for writes.  NULL: memory is short, and the reserve is in use.
 */
struct es_jpages *es_jpages_alloc(u32 nr, struct es_jpages **reserve);

/* The same without sleeping, and without the reserve. */
struct es_jpages *es_jpages_try(u32 nr);

/* A reserve, with all its pages.  May sleep.  NULL: no memory. */
struct es_jpages *es_jpages_reserve(void);
/* Free a reserve that lies at home. */
void es_jpages_destroy(struct es_jpages *reserve);

/* Any context.  NULL is fine. */
void es_jpages_free(struct es_jpages *pages);

/**
 * struct es_jrecord - an append whose entries are not all in place.
 * @list: in es_pending.records
 * @done: in es_pending.done, once there are no entries any more
 * @entries: not in place yet
 * @pos: where it lies
 * @blocks: its length
 */
struct es_jrecord {
	struct list_head list;
	struct list_head done;
	struct list_head entries;
	struct es_jpos pos;
	u32 blocks;
};

/**
 * struct es_jent - a write that is pending.
 * @list: in its record
 * @record: NULL: it has none yet, or was forgotten with it
 * @e: what the ring says
 * @data: its payload; NULL: in the ring only, or there is none
 * @pieces: what is left of it
 * @refs: pieces, and users (es_jent_pin)
 * @own, @spare: pieces allocated in advance
 * @alone: writing it in place failed: not together with others next time
 * @misread: reading it back failed: not together with others next time
 * @unread: reading it back failed, alone
 * @reread: it has been read back well
 * @loading: its payload is being read back
 * @bad: its payload is lost
 */
struct es_jent {
	struct list_head list;
	struct es_jrecord *record;
	struct es_jentry e;
	struct es_jpages *data;
	struct list_head pieces;
	u32 refs;
	struct es_jpiece *own;
	struct es_jpiece *spare;
	bool alone;
	bool misread;
	bool unread;
	bool reread;
	bool loading;
	bool bad;
};

/**
 * struct es_jpiece - a part of an entry that nothing newer covers.
 * @node: sectors
 * @list: in its entry
 * @flight: who is writing it in place now; NULL: nobody
 * @failed: round in which that failed last; 0: none
 * @stuck: it had failed in an earlier one, too, after es_pending.since
 */
struct es_jpiece {
	struct interval_tree_node node;
	struct list_head list;
	struct es_jent *ent;
	void *flight;
	u32 failed;
	bool stuck;
};

/**
 * struct es_pending - the index.
 * @tree: pieces
 * @records: oldest first
 * @done: of these, the ones that have lost their entries since es_pending_drop_done
 * @nr_pieces: in @tree; may be looked at without the lock
 * @nr_bad: of these, lost ones
 * @nr_entries, @nr_pages: memory in use
 * @round: of tries to write in place what has failed (es_journal_retry.c); from 1
 * @since: failures until this round do not count
 */
struct es_pending {
	struct rb_root_cached tree;
	struct list_head records;
	struct list_head done;
	u64 nr_pieces;
	u64 nr_bad;
	u64 nr_entries;
	u64 nr_pages;
	u32 round;
	u32 since;
	mempool_t record_pool;
	mempool_t ent_pool;
	mempool_t piece_pool;
};

/* Sleeps; no lock.  0 or -ENOMEM. */
int es_pending_init(struct es_pending *p);

/* No lock. */
void es_pending_exit(struct es_pending *p);

/* Forget everything. */
void es_pending_clear(struct es_pending *p);

/*
 * A record, not listed; needs no lock.  NULL: no memory.
 *
 * @gfp as for kmalloc, here and below: what may sleep fails, too, if @gfp says so, and leaves
 * the reserve to those who may not.
 */
struct es_jrecord *es_jrecord_alloc(struct es_pending *p, gfp_t gfp);

/* Free a record without entries; needs no lock if it is not listed. */
void es_jrecord_free(struct es_pending *p, struct es_jrecord *rec);

/* Free a record; its entries have none from now on. */
void es_jrecord_forget(struct es_pending *p, struct es_jrecord *rec);

/* All of @rec is in place: free it with what is left of its entries. */
void es_jrecord_drop(struct es_pending *p, struct es_jrecord *rec);

/*
 * Free the records that have lost their entries, but for @busy: so many are looked at as have
 * become empty, whatever is listed, and not many at once.  Whether there are more.
 */
bool es_pending_drop_done(struct es_pending *p, const struct es_jrecord *busy);

/*
 * An entry with the pieces that its insertion can take, one reference of the caller, not
 * in a record; needs no lock.
 */
struct es_jent *es_jent_alloc(struct es_pending *p, gfp_t gfp);

/* Give an entry its place at the end of @rec. */
void es_jent_add(struct es_pending *p, struct es_jrecord *rec, struct es_jent *ent);

/* Give an entry its payload, or with NULL take it away.  */
void es_jent_set_data(struct es_pending *p, struct es_jent *ent, struct es_jpages *data);

static inline void es_jent_pin(struct es_jent *ent)
{
	ent->refs++;
}

/* Drop a reference; the last one frees the entry. */
void es_jent_unpin(struct es_pending *p, struct es_jent *ent);

/* Enter @ent into the tree as the newest. */
void es_pending_insert(struct es_pending *p, struct es_jent *ent);

/* The first piece in [@first, @last], or NULL. */
struct es_jpiece *es_pending_find(struct es_pending *p, u64 first, u64 last);

/*
 * Cut [@first, @last] out.  Needs a piece for what may remain on both sides: @spare, which
 * is freed when it was not used.
 */
void es_pending_cut(struct es_pending *p, u64 first, u64 last, struct es_jpiece *spare);

/* A piece for es_pending_cut or es_piece_split; needs no lock. */
struct es_jpiece *es_piece_alloc(struct es_pending *p, gfp_t gfp);

/* Make @spare the part of @piece from sector @at on. */
void es_piece_split(struct es_pending *p, struct es_jpiece *piece, u64 at,
		    struct es_jpiece *spare);

/* The payload of @ent is lost. */
void es_jent_set_bad(struct es_pending *p, struct es_jent *ent);

/* How a write in place has ended. */
enum es_jlanding {
	ES_JLANDED,
	ES_JLANDED_APART,	/* not done: again, each entry alone */
	ES_JLANDED_FAILED,	/* failed, in this round */
};

/* @flight, which covered [@first, @last], has ended. */
void es_pending_landed(struct es_pending *p, void *flight, u64 first, u64 last,
		       enum es_jlanding how);

/* Drop the payload of @ent if nobody uses it but the caller, who has a reference. */
void es_jent_drop_data(struct es_pending *p, struct es_jent *ent);

static inline u64 es_piece_sectors(const struct es_jpiece *piece)
{
	return piece->node.last - piece->node.start + 1;
}

#endif /* ES_PENDING_H */
