/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walk through a journal's ring as a step machine: blocks in, records out.
 *
 * Used by the kernel's recovery, by esnap dump and check, and by the tests.
 * The caller loops:
 *
 *   es_jwalk_init(&w, &sb, &sb.needed);
 *   for (;;)
 *           switch (es_jwalk_step(&w)) {
 *           case ES_JWALK_READ:    read block w.read_addr into w.block; break;
 *           case ES_JWALK_RECORD:  w.rec, w.entries: it was complete; break;
 *           case ES_JWALK_CHECK:   the same, but nothing tells that its payload was
 *                                  written completely: set w.payload_ok; break;
 *           case ES_JWALK_DONE:    w.ring is ready for appending; return;
 *           case ES_JWALK_FAULT:   w.fault at w.fault_addr; return;
 *           }
 *
 * The record that is due at a position decodes there, is of this journal, has the
 * number that is due, names the CRC of the header before it, and has an epoch not
 * below that one's: from the superblock's tail on the superblock's own, before that an
 * older one.  The first block that is not the record due ends the walk.  All records
 * but the last are proven by their successor, which was written after they were durable;
 * a last one that is torn was never acknowledged and is as if it had never been.
 *
 * A fault: the walk ends before the tail or before what the superblock says is needed;
 * where the walk ends, or as far behind it as one record reaches, there is a record of a later
 * epoch than the superblock's, or one of its own epoch with a higher number (the newer copy,
 * or a record in between, was lost); the ring bites its own tail.  Whatever of older epochs
 * lies there is stale: an attach need not have replayed the ring.  After a clean detach
 * only a later epoch counts there: that attach was lost with its superblock.
 *
 * Whoever recovers must commit the next epoch, with a flush in front, before anything that
 * was found here is told to anybody: what a disk's cache still showed may be gone at
 * the next crash.
 */
#ifndef ES_JWALK_H
#define ES_JWALK_H

#include "es_ring.h"

enum es_jwalk_event {
	ES_JWALK_READ,
	ES_JWALK_RECORD,
	ES_JWALK_CHECK,
	ES_JWALK_DONE,
	ES_JWALK_FAULT,
};

/**
 * struct es_jwalk - a walk.
 * @read_addr, @block: the block asked for
 * @rec, @entries: the record delivered (padding is delivered, too)
 * @payload_ok: the caller's answer to ES_JWALK_CHECK
 * @ring: DONE: positions for appending, in the superblock's epoch; needed is what the
 *	last record says, at least what the superblock says
 * @fault, @fault_addr: FAULT
 */
struct es_jwalk {
	u64 read_addr;
	u8 block[ES_BLOCK_SIZE] __aligned(8);
	struct es_jrec rec;
	struct es_jentry entries[ES_JREC_ENTRIES];
	bool payload_ok;
	struct es_ring ring;
	enum es_fault fault;
	u64 fault_addr;

	/* Internal. */
	const struct es_jsb *sb;
	u32 state;
	u32 epoch;		/* of the record before */
	u64 stop;		/* the number of a record that is known to be there, and 1 */
	u64 lsn;		/* the least that the next record may begin with */
	u64 time;		/* of the record before */
	u64 left;		/* blocks that the records may have up to their own begin */
	struct es_jpos at;	/* where the next record is due */
	u32 behind;		/* blocks behind it that were asked for when the walk had ended */
	u32 reach;		/* and that are to be */
	bool have_held;		/* held is not yet proven */
	struct es_jpos held_at;	/* where it is */
	struct es_jrec held;
	struct es_jentry held_entries[ES_JREC_ENTRIES];
};

ES_BEGIN_DECLS

/**
 * es_jwalk_init - begin at @from: sb->needed for recovery, sb->mark[0].pos for history.
 * @sb: must stay valid
 */
void es_jwalk_init(struct es_jwalk *w, const struct es_jsb *sb, const struct es_jpos *from);

enum es_jwalk_event es_jwalk_step(struct es_jwalk *w);

ES_END_DECLS

#endif /* ES_JWALK_H */
