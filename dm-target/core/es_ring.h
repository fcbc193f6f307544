/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Position in a journal's ring: where the next record goes, what fits, what may
 * be overwritten.
 *
 * Pure arithmetic and encoding, as es_log.h; the caller writes the blocks, keeps
 * one append in flight, and decides what is durable and what is in place.
 *
 * Three positions, in the order of the ring:
 *   kept <= needed <= head
 * [needed, head) may not be in place yet and must never be overwritten; [kept,
 * needed) is history, given up from its old end, a mark at a time, when room is
 * wanted.  A superblock names kept and needed; what lies before the kept position
 * of the superblock on disk is free.
 *
 * Units: blocks.
 * Invariants: a record never crosses the ring's end; free room is never used up
 * completely, so that head == kept.addr means an empty ring.
 */
#ifndef ES_RING_H
#define ES_RING_H

#include "es_jformat.h"

/**
 * struct es_ring - see above.
 * @journal_uuid, @epoch: salt of what is written
 * @end: the ring is [ES_DATA_BLOCK, @end)
 * @head: of the next record
 * @lsn: of the next entry
 * @time: of the last entry
 * @needed: as in es_jsb
 * @nr_marks, @mark: as in es_jsb, and on to the head; the first may be @head itself in an
 *	empty ring
 * @free: first block that must not be overwritten: kept.addr of the superblock on disk
 * @free_seq: number of the record there; equal to head.seq when the ring is empty
 */
struct es_ring {
	u8 journal_uuid[ES_UUID_SIZE];
	u32 epoch;
	u64 end;
	struct es_jpos head;
	u64 lsn;
	u64 time;
	struct es_jpos needed;
	u32 nr_marks;
	struct {
		struct es_jpos pos;
		u64 time;
	} mark[ES_JOURNAL_MARKS];
	u64 free;
	u64 free_seq;
};

ES_BEGIN_DECLS

/* The ring of @sb, not attached (or never): head is sb->needed. */
void es_ring_init(struct es_ring *ring, const struct es_jsb *sb);

/* Blocks in the ring. */
u64 es_ring_blocks(const struct es_ring *ring);

/* Longest record, header included, that this ring takes: at most a quarter of it. */
u32 es_ring_max_record(const struct es_ring *ring);

/*
 * Blocks that a record may have at the head now, header included, padding before
 * it taken off; 0: none.
 */
u32 es_ring_room(const struct es_ring *ring);

/*
 * Blocks of history or free space in front of the head that are not needed: what
 * could be had by giving history up.
 */
u64 es_ring_spare(const struct es_ring *ring);

/* Distance in blocks from the needed, from the kept position, to the head. */
u64 es_ring_needed_blocks(const struct es_ring *ring);
u64 es_ring_kept_blocks(const struct es_ring *ring);

/* Whether a record of @blocks needs padding in front of it. */
bool es_ring_must_pad(const struct es_ring *ring, u32 blocks);

/**
 * es_ring_pad - encode the padding record at the head, move on to the ring's first block.
 * @header: ES_BLOCK_SIZE bytes
 *
 * Returns its address: only the header need be written.
 */
u64 es_ring_pad(struct es_ring *ring, void *header);

/**
 * es_ring_append - encode a record of @entries at the head, move on.
 * @entries: @nr of them, 1..ES_JREC_ENTRIES, addr is set, time raised to the
 *	time before where the clock went back
 *
 * The caller has made sure that it fits (es_ring_room) and needs no padding
 * (es_ring_must_pad), and has set everything but addr in the entries.
 * Returns the address of the header; payload follows it.
 */
u64 es_ring_append(struct es_ring *ring, struct es_jentry *entries, u32 nr, void *header);

/*
 * The record that lies at the head has been written, or was found: move on behind it.
 * @first_time: of its first entry
 */
void es_ring_pass(struct es_ring *ring, const struct es_jrec *rec, u64 first_time);

/*
 * Everything before @pos is in place, durably.  In memory; the next record tells it
 * to the disk.  Never moves back.
 */
void es_ring_set_needed(struct es_ring *ring, const struct es_jpos *pos);

/**
 * es_ring_give_up - give up history until a record of @blocks would fit.
 *
 * Changes the marks only.  Returns false, with nothing changed, when too much is needed
 * still.  What it gave up is free after es_ring_to_sb, a durable commit, and
 * es_ring_committed.  Gives up at least a sixteenth of the ring where it can, so that
 * commits are rare.
 */
bool es_ring_give_up(struct es_ring *ring, u32 blocks);

/*
 * Enter positions into @sb for a commit.  Attached (@sb->flags): those of a ring in use;
 * an attach sets sb->tail_seq to the head's number besides.  Else those of a clean detach,
 * where everything is in place.
 */
void es_ring_to_sb(const struct es_ring *ring, struct es_jsb *sb);

/* @sb is durable. */
void es_ring_committed(struct es_ring *ring, const struct es_jsb *sb);

ES_END_DECLS

#endif /* ES_RING_H */
