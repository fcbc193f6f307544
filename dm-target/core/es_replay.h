/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay of a store's log as a step machine: blocks in, extents out.
 *
 * The kernel, the offline tools and the fuzzers run the same machine:
 *
 *	es_replay_init(&r, &sb);
 *	for (event = es_replay_step(&r); ...; event = es_replay_step(&r))
 *		READ     read block r.read_addr into r.block; r.hint may save time
 *		EXTENTS  take r.extents[0 .. r.nr_extents)
 *		SEGMENT  the extents so far belong to closed segments
 *		VERIFY   set r.payload_ok: do the payloads of r.extents match their crc?
 *		DONE     r.log is where the next record goes; see r.wipe_addr
 *		FAULT    r.fault at block r.fault_addr; nothing after it was replayed
 *
 * A closed segment is taken from its summary; where that is missing or torn
 * (it is written without waiting) and in the open segment the record headers
 * are walked.  At most one append is ever in flight, so a crash can tear only
 * the last record: it is held back until a successor proves it or its payload
 * was verified.  A torn record that was forgotten may keep a good header; it is
 * told from its replacement, in the same place or at the start of the next
 * segment, by the epoch.  What is normal after a crash: a torn last record, a
 * torn summary.  What is corruption: anything that proves that a record before
 * the end is missing, or that the superblock is older than the log.
 *
 * Units: blocks.  Invariants: extents are delivered in the order they were
 * appended, each at least once (a summary with a bad block in its middle is
 * followed by a walk of the same segment); memory use is constant.
 */
#ifndef ES_REPLAY_H
#define ES_REPLAY_H

#include "es_log.h"

enum es_replay_event {
	ES_REPLAY_READ,
	ES_REPLAY_EXTENTS,
	ES_REPLAY_SEGMENT,
	ES_REPLAY_VERIFY,
	ES_REPLAY_DONE,
	ES_REPLAY_FAULT,
};

/* Where the machine stands; internal. */
enum es_replay_state {
	ES_RS_FOOTER,		/* wants the last block of the segment */
	ES_RS_SUMMARY,		/* wants the other blocks of the summary */
	ES_RS_SUMMARY_END,	/* summary delivered */
	ES_RS_WALK,		/* wants the next header in the segment */
	ES_RS_NEXT,		/* wants the first header of the next segment */
	ES_RS_TAIL,		/* the last record is to be proven */
	ES_RS_TAIL_VERIFIED,
	ES_RS_SCAN,		/* looks for what was written behind the end of the log */
	ES_RS_KNOWN_END,	/* looks for a later epoch behind a clean end */
	ES_RS_END,
};

/**
 * struct es_read_hint - what will probably be wanted next.
 * @before, @after: that many blocks on either side of the one wanted now
 * @stride: the same again at this distance,
 * @repeat: that many times in all, at least 1
 *
 * Only a hint: it may reach behind the end of the device.
 */
struct es_read_hint {
	u32 before;
	u32 after;
	u64 stride;
	u32 repeat;
};

struct es_replay {
	/*
	 * For the caller.  @stop_seq may be set after init: records from that
	 * number on are not looked for, and those before are known to be durable
	 * (a live log is read that way, while it grows).
	 */
	u64 stop_seq;
	u64 read_addr;
	struct es_read_hint hint;
	u8 block[ES_BLOCK_SIZE] __aligned(8);
	const struct es_extent *extents;
	u32 nr_extents;
	bool payload_ok;
	struct es_log log;
	enum es_fault fault;
	u64 fault_addr;
	/*
	 * When DONE: 0, or a block to overwrite with zeros, durably, before the
	 * log is appended to: what is left there of a torn summary must never be
	 * completed by another torn one.
	 */
	u64 wipe_addr;

	/* Internal. */
	const struct es_sb *sb;
	enum es_replay_state state;
	bool skipped;		/* see es_replay_skip */
	bool have_block;	/* r.block answers the last READ */
	bool have_held;		/* held/held_block is a record not yet proven */
	u32 pos;		/* block within a summary, or offset of a scan */
	u32 min_epoch;
	u32 summary_blocks;	/* of the last summary: the next will be about as long */
	u64 seg_payload;	/* of the segment, to be taken back on a walk */
	u64 seg_extents;
	struct es_block head;		/* decoded block at hand */
	struct es_block held_block;
	struct es_log held_log;		/* position before the held record */
	struct es_extent at_hand[ES_BLOCK_EXTENTS];
	struct es_extent held[ES_BLOCK_EXTENTS];
};

ES_BEGIN_DECLS

/* Start a replay of the store @sb, which must stay valid. */
void es_replay_init(struct es_replay *r, const struct es_sb *sb);

/*
 * Begin where the chunk map says instead of at the start of the log: extents
 * before that are not delivered, but counted.  Ends in a FAULT where the log is
 * not what the superblock says; then only a replay of all of it can tell.
 */
void es_replay_skip(struct es_replay *r);

/* Take one step; see above. */
enum es_replay_event es_replay_step(struct es_replay *r);

/**
 * es_index_check - verify block @pos of a sealed store's index.
 * @block: ES_BLOCK_SIZE bytes read from sb->index_addr + @pos
 * @prev_end: end of the last extent of the block before, 0 for the first; updated
 * @extents: room for ES_BLOCK_EXTENTS
 * @nr: number of extents found
 */
enum es_fault es_index_check(const struct es_sb *sb, u32 pos, const void *block, u64 *prev_end,
			     struct es_extent *extents, u32 *nr);

ES_END_DECLS

#endif /* ES_REPLAY_H */
