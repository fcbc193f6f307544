// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replay step machine: see es_replay.h for its law, units and invariants.
 *
 * Each state function either asks for a block (want), delivers something, or
 * changes the state and returns GO_ON to let the next state decide.
 */
#include "es_replay.h"

#define GO_ON (-1)

/* How far to look ahead: summaries, and blocks in a segment that is walked. */
#define FOOTERS_AHEAD 16u
#define BLOCKS_AHEAD 32u

void es_replay_init(struct es_replay *r, const struct es_sb *sb)
{
	memset(r, 0, sizeof(*r));
	r->sb = sb;
	es_log_init(&r->log, sb);
	r->min_epoch = 1;
	r->state = ES_RS_FOOTER;
}

void es_replay_skip(struct es_replay *r)
{
	r->skipped = true;
	r->log.segment = r->sb->map.segment;
}

/* Make sure that r->block holds block @addr; false: the caller must read it first. */
static bool want_hinting(struct es_replay *r, u64 addr, struct es_read_hint hint)
{
	if (r->have_block && r->read_addr == addr) {
		r->have_block = false;
		return true;
	}
	r->read_addr = addr;
	r->hint = hint;
	r->have_block = true;	/* it will, when we are called again */
	return false;
}

/* The same, when it is the first of up to @nr that follow each other. */
static bool want(struct es_replay *r, u64 addr, u32 nr)
{
	return want_hinting(r, addr, (struct es_read_hint){ .after = nr - 1, .repeat = 1 });
}

/* The same for the last block of a summary: other segments' come next. */
static bool want_footer(struct es_replay *r, u64 addr)
{
	return want_hinting(r, addr, (struct es_read_hint){
		.before = r->summary_blocks + r->summary_blocks / 4,
		.stride = r->log.segment_blocks,
		.repeat = r->summary_blocks ? FOOTERS_AHEAD : 1,
	});
}

static int fail(struct es_replay *r, enum es_fault fault, u64 addr)
{
	r->fault = fault;
	r->fault_addr = addr;
	r->state = ES_RS_END;
	return ES_REPLAY_FAULT;
}

static int deliver(struct es_replay *r, const struct es_extent *extents, u32 nr)
{
	u32 i;

	r->extents = extents;
	r->nr_extents = nr;
	r->seg_extents += nr;
	for (i = 0; i < nr; i++)
		r->seg_payload += es_extent_blocks(&extents[i], r->sb->chunk_sectors);
	return ES_REPLAY_EXTENTS;
}

static bool decode(struct es_replay *r, enum es_block_type type)
{
	enum es_fault fault = es_block_decode(&r->head, r->at_hand, r->block, ES_BLOCK_SIZE, type,
					      r->sb, r->read_addr);

	/* An older copy of the superblock would hide all that came after it. */
	if (fault == ES_FAULT_EPOCH)
		fail(r, fault, r->read_addr);
	return !fault && r->head.epoch >= r->min_epoch;
}

/* Whether the log is known to end here, because the caller or a clean detach says so. */
static bool at_known_end(const struct es_replay *r)
{
	u64 end = r->stop_seq;

	if (!end && !(r->sb->flags & ES_SB_ATTACHED))
		end = r->sb->tail_seq;
	return end && r->log.seq >= end;
}

static u64 segment_end(const struct es_replay *r, u64 s)
{
	return es_log_segment_start(&r->log, s) + es_log_segment_len(&r->log, s);
}

/* --- closed segments --- */

static int next_segment(struct es_replay *r)
{
	r->log.payload_blocks += r->seg_payload;
	r->log.nr_extents += r->seg_extents;
	r->seg_payload = 0;
	r->seg_extents = 0;
	r->wipe_addr = 0;
	es_log_next_segment(&r->log);
	r->state = r->log.segment < es_log_segments(&r->log) ? ES_RS_FOOTER : ES_RS_TAIL;
	return ES_REPLAY_SEGMENT;
}

/*
 * Whatever part of a summary was delivered is delivered again by the walk.
 *
 * The segment may now grow, be closed again in the same place, and that write
 * torn too.  Both summaries agree on most extents: sectors of the second could
 * complete the first, which would hide the records between the two.
 */
static int start_walk(struct es_replay *r, u64 footer)
{
	int event = r->seg_extents ? ES_REPLAY_SEGMENT : GO_ON;

	r->wipe_addr = footer;
	r->seg_payload = 0;
	r->seg_extents = 0;
	r->state = ES_RS_WALK;
	return event;
}

static int step_footer(struct es_replay *r)
{
	u64 s = r->log.segment;

	if (at_known_end(r)) {
		r->pos = 0;
		r->state = ES_RS_KNOWN_END;
		return GO_ON;
	}
	if (!want_footer(r, segment_end(r, s) - 1))
		return ES_REPLAY_READ;
	if (!decode(r, ES_BLOCK_SUMMARY) || r->head.pos + 1 != r->head.nr_blocks ||
	    r->head.nr_blocks >= es_log_segment_len(&r->log, s) ||
	    r->head.nr_blocks > es_table_blocks(ES_LOG_MAX_OPEN))
		return start_walk(r, es_is_zero(r->block, ES_BLOCK_SIZE) ? 0 : r->read_addr);
	if (r->head.seq < r->log.seq)
		return fail(r, ES_FAULT_SEQUENCE, r->read_addr);
	r->held_block = r->head;
	memcpy(r->held, r->at_hand, sizeof(r->held));
	r->summary_blocks = r->head.nr_blocks;
	r->pos = 0;
	r->state = ES_RS_SUMMARY;
	return GO_ON;
}

static int step_summary(struct es_replay *r)
{
	const struct es_block *footer = &r->held_block;

	if (r->pos + 1 == footer->nr_blocks) {
		r->state = ES_RS_SUMMARY_END;
		return deliver(r, r->held, footer->nr_extents);
	}
	if (!want(r, footer->addr + 1 - footer->nr_blocks + r->pos,
		  footer->nr_blocks - 1 - r->pos))
		return ES_REPLAY_READ;
	if (!decode(r, ES_BLOCK_SUMMARY) || r->head.pos != r->pos ||
	    r->head.nr_blocks != footer->nr_blocks || r->head.seq != footer->seq)
		return start_walk(r, footer->addr);
	r->pos++;
	return deliver(r, r->at_hand, r->head.nr_extents);
}

static int step_summary_end(struct es_replay *r)
{
	r->log.seq = r->held_block.seq + 1;
	r->log.prev_crc = r->held_block.prev_crc;
	r->min_epoch = r->held_block.epoch;
	return next_segment(r);
}

/* --- the open segment --- */

/* Whether r->head, just decoded as a record, is the one that comes next. */
static bool is_successor(const struct es_replay *r)
{
	return r->head.seq == r->log.seq && r->head.prev_crc == r->log.prev_crc;
}

/* The held record is proven: hand it out. */
static int deliver_held(struct es_replay *r)
{
	r->have_held = false;
	return deliver(r, r->held, r->held_block.nr_extents);
}

/* Hold the record at hand and move behind it. */
static void hold(struct es_replay *r)
{
	r->held_log = r->log;
	r->held_block = r->head;
	memcpy(r->held, r->at_hand, sizeof(r->held));
	r->have_held = true;
	r->log.used += 1 + r->head.nr_blocks;
	r->log.nr_open += r->head.nr_extents;
	r->log.seq++;
	r->log.prev_crc = r->head.crc;
	r->min_epoch = r->head.epoch;
}

/* The held record was torn: its origin writes were never issued. */
static void forget_held(struct es_replay *r)
{
	r->log = r->held_log;
	r->have_held = false;
}

static int step_walk(struct es_replay *r)
{
	struct es_log *log = &r->log;
	u32 len = es_log_segment_len(log, log->segment);
	u64 addr = es_log_segment_start(log, log->segment) + log->used;

	if (at_known_end(r) || log->used + 1 >= len) {
		r->state = ES_RS_NEXT;
		return GO_ON;
	}
	if (!want(r, addr, BLOCKS_AHEAD))
		return ES_REPLAY_READ;
	if (!decode(r, ES_BLOCK_RECORD) || r->head.seq < log->seq ||
	    (r->head.seq == log->seq && !is_successor(r))) {
		r->state = ES_RS_NEXT;
		return GO_ON;
	}
	if (!is_successor(r))
		return fail(r, ES_FAULT_SEQUENCE, addr);
	if (log->used + 1 + r->head.nr_blocks >= len ||
	    log->nr_open + r->head.nr_extents > ES_LOG_MAX_OPEN)
		return fail(r, ES_FAULT_COUNT, addr);
	if (r->have_held) {
		r->have_block = true;	/* look at this block again */
		return deliver_held(r);
	}
	hold(r);
	return GO_ON;
}

/*
 * Whether r->head, at the start of the next segment, proves that the held
 * record was found torn and forgotten by an earlier replay: its epoch went on
 * in the next segment, with the same number and behind the same predecessor.
 */
static bool replaces_held(const struct es_replay *r)
{
	return r->have_held && r->head.seq == r->held_block.seq &&
	       r->head.prev_crc == r->held_log.prev_crc && r->head.epoch > r->held_block.epoch;
}

/*
 * Whether the superblock says that the log ended before @addr: its index, or the chunk map,
 * is there, and may be what cannot be read.
 */
static bool is_behind_log(const struct es_replay *r, u64 addr)
{
	const struct es_sb *sb = r->sb;

	if (sb->state == ES_STATE_SEALED)
		return addr >= sb->index_addr;
	return sb->map.addr && addr >= sb->map.addr;
}

/* The segment may have been closed although its summary was lost. */
static int step_next(struct es_replay *r)
{
	struct es_log *log = &r->log;
	u64 next = es_log_segment_start(log, log->segment + 1);

	if (es_log_has_next(log) && !is_behind_log(r, next) &&
	    (!at_known_end(r) || r->have_held)) {
		if (!want(r, next, 1))
			return ES_REPLAY_READ;
		if (decode(r, ES_BLOCK_RECORD)) {
			if (replaces_held(r)) {
				forget_held(r);
				return next_segment(r);
			}
			if (is_successor(r) && !at_known_end(r)) {
				if (!r->have_held)
					return next_segment(r);
				r->have_block = true;	/* look at this block again */
				return deliver_held(r);
			}
		}
	}
	r->state = ES_RS_TAIL;
	return GO_ON;
}

static int step_tail(struct es_replay *r)
{
	r->pos = 0;
	if (!r->have_held) {
		/* Never attached: the first record, had there been one, was enough to tell. */
		r->state = r->sb->epoch ? ES_RS_SCAN : ES_RS_END;
		return GO_ON;
	}
	r->state = ES_RS_TAIL_VERIFIED;
	if (r->sb->kind == ES_KIND_VIEW ||
	    (r->stop_seq && r->held_block.epoch == r->sb->epoch)) {
		/* Its payload was durable before the header was written, or with it. */
		r->payload_ok = true;
		return GO_ON;
	}
	r->payload_ok = false;
	r->extents = r->held;
	r->nr_extents = r->held_block.nr_extents;
	return ES_REPLAY_VERIFY;
}

static int step_tail_verified(struct es_replay *r)
{
	r->state = ES_RS_SCAN;
	if (r->payload_ok)
		return deliver_held(r);
	if (!(r->sb->flags & ES_SB_ATTACHED))
		return fail(r, ES_FAULT_PAYLOAD, r->held_block.addr);
	forget_held(r);
	return GO_ON;
}

/* --- behind the end of the log: nothing that came later may be there --- */

/* The next segment too: its first record may be the one that was lost. */
static int step_scan(struct es_replay *r)
{
	struct es_log *log = &r->log;
	u64 last = log->segment + (es_log_has_next(log) ? 1 : 0);
	u64 addr = es_log_segment_start(log, log->segment) + log->used + r->pos;

	if (at_known_end(r)) {
		r->pos = 0;
		r->state = ES_RS_KNOWN_END;
		return GO_ON;
	}
	if (log->segment >= es_log_segments(log) || addr >= segment_end(r, last)) {
		r->state = ES_RS_END;
		return GO_ON;
	}
	if (!want(r, addr, BLOCKS_AHEAD))
		return ES_REPLAY_READ;
	if ((decode(r, ES_BLOCK_RECORD) && r->head.seq > log->seq) ||
	    (decode(r, ES_BLOCK_SUMMARY) && r->head.seq >= log->seq))
		return fail(r, ES_FAULT_SEQUENCE, addr);
	r->pos++;
	return GO_ON;
}

/*
 * Behind the tail of a clean detach: the first record of a later attach would lie where the next
 * one is due, or, if it did not fit there, at the start of the next segment.  It shows that the
 * superblock of that attach was lost (decode).
 */
static int step_known_end(struct es_replay *r)
{
	struct es_log *log = &r->log;
	u64 s = log->segment + r->pos;

	if (r->stop_seq || r->sb->state != ES_STATE_ACTIVE || r->pos > 1 ||
	    s >= es_log_segments(log)) {
		r->state = ES_RS_END;
		return GO_ON;
	}
	if (!want(r, es_log_segment_start(log, s) + (r->pos ? 0 : log->used), 1))
		return ES_REPLAY_READ;
	decode(r, ES_BLOCK_RECORD);
	r->pos++;
	return GO_ON;
}

/* Whether this is not the end that is known. */
static bool ends_elsewhere(const struct es_replay *r)
{
	if (r->stop_seq)
		return r->log.seq < r->stop_seq;
	if (r->sb->flags & ES_SB_ATTACHED)
		return r->log.seq < r->sb->tail_seq;
	return r->sb->tail_seq && r->sb->tail_seq != r->log.seq;
}

static int step_end(struct es_replay *r)
{
	if (ends_elsewhere(r))
		return fail(r, ES_FAULT_SEQUENCE, r->read_addr);
	r->log.payload_blocks += r->seg_payload;
	r->log.nr_extents += r->seg_extents;
	r->seg_payload = 0;
	r->seg_extents = 0;
	if (r->skipped) {
		r->log.payload_blocks = r->sb->map.payload_blocks;
		r->log.nr_extents = r->sb->map.extents;
	}
	return ES_REPLAY_DONE;
}

enum es_replay_event es_replay_step(struct es_replay *r)
{
	static int (*const steps[])(struct es_replay *) = {
		[ES_RS_FOOTER] = step_footer,
		[ES_RS_SUMMARY] = step_summary,
		[ES_RS_SUMMARY_END] = step_summary_end,
		[ES_RS_WALK] = step_walk,
		[ES_RS_NEXT] = step_next,
		[ES_RS_TAIL] = step_tail,
		[ES_RS_TAIL_VERIFIED] = step_tail_verified,
		[ES_RS_SCAN] = step_scan,
		[ES_RS_KNOWN_END] = step_known_end,
		[ES_RS_END] = step_end,
	};
	int event;

	do {
		event = steps[r->state](r);
		if (r->fault)
			event = fail(r, r->fault, r->fault_addr);
	} while (event == GO_ON);
	return (enum es_replay_event)event;
}

enum es_fault es_index_check(const struct es_sb *sb, u32 pos, const void *block, u64 *prev_end,
			     struct es_extent *extents, u32 *nr)
{
	u64 left = sb->index_extents - (u64)pos * ES_BLOCK_EXTENTS;
	u64 end = *prev_end;
	struct es_block b;
	enum es_fault fault;
	u32 i;

	fault = es_block_decode(&b, extents, block, ES_BLOCK_SIZE, ES_BLOCK_INDEX, sb,
				sb->index_addr + pos);
	if (fault)
		return fault;
	if (b.pos != pos || b.nr_blocks != sb->index_blocks ||
	    b.nr_extents != (left < ES_BLOCK_EXTENTS ? left : ES_BLOCK_EXTENTS))
		return ES_FAULT_COUNT;
	for (i = 0; i < b.nr_extents; i++) {
		if (extents[i].chunk < end)
			return ES_FAULT_INDEX;
		end = es_extent_end(&extents[i]);
	}
	*prev_end = end;
	*nr = b.nr_extents;
	return ES_OK;
}
