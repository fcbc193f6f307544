// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk through a journal's ring: see es_jwalk.h for its law and units.
 *
 * Each state function asks for a block, delivers something, or changes the state and
 * returns GO_ON.  A record is held back until the one behind it has proven it.
 */
#include "es_jwalk.h"

#define GO_ON (-1)

enum es_jwalk_state {
	WANT,		/* the block at w->at is to be asked for */
	LOOK,		/* it is in w->block */
	FINISH,		/* nothing follows the held record */
	CHECKED,	/* the caller has answered an ES_JWALK_CHECK */
	BEHIND,		/* the next block behind the end is to be asked for */
	LOOK_BEHIND,	/* it is in w->block */
	END,
};

void es_jwalk_init(struct es_jwalk *w, const struct es_jsb *sb, const struct es_jpos *from)
{
	struct es_ring *ring = &w->ring;
	u32 nr;

	memset(w, 0, sizeof(*w));
	w->sb = sb;
	w->state = WANT;
	w->epoch = 1;
	w->lsn = 1;
	w->at = *from;
	w->reach = ES_JOURNAL_MAX_RECORD;
	w->stop = sb->tail_seq > sb->needed.seq ? sb->tail_seq : sb->needed.seq;
	es_ring_init(ring, sb);
	ring->head = *from;
	/* The walk finds the marks behind its own begin again. */
	for (nr = 1; nr < ring->nr_marks && ring->mark[nr].pos.seq < from->seq; nr++)
		;
	ring->nr_marks = nr;
	/* As much as there may be before the oldest record kept. */
	w->left = es_ring_blocks(ring) - 1 - es_ring_kept_blocks(ring);
}

static int fail(struct es_jwalk *w, enum es_fault fault, u64 addr)
{
	w->fault = fault;
	w->fault_addr = addr;
	w->state = END;
	return ES_JWALK_FAULT;
}

static bool attached(const struct es_jwalk *w)
{
	return w->sb->flags & ES_JSB_ATTACHED;
}

/* The held record is proven: the ring goes on behind it. */
static void accept(struct es_jwalk *w)
{
	w->have_held = false;
	es_ring_pass(&w->ring, &w->held,
		     w->held.nr_entries ? w->held_entries[0].time : w->held.time);
	es_ring_set_needed(&w->ring, &w->held.needed);
}

static int deliver(struct es_jwalk *w, enum es_jwalk_event event)
{
	w->rec = w->held;
	memcpy(w->entries, w->held_entries, sizeof(w->entries));
	return event;
}

/* Ask for the block that is due. */
static int step_want(struct es_jwalk *w)
{
	const struct es_jpos *needed = &w->sb->needed;

	if (w->at.seq == needed->seq &&
	    (w->at.addr != needed->addr || w->at.prev_crc != needed->prev_crc))
		return fail(w, ES_FAULT_JOURNAL_POS, w->at.addr);
	w->read_addr = w->at.addr;
	w->state = LOOK;
	return ES_JWALK_READ;
}

/* Whether the decoded record @r is the one that is due. */
static bool is_due(const struct es_jwalk *w, const struct es_jrec *r)
{
	if (r->seq != w->at.seq || r->prev_crc != w->at.prev_crc || r->epoch < w->epoch)
		return false;
	if (!attached(w))
		return true;
	return r->seq < w->sb->tail_seq ? r->epoch < w->sb->epoch : r->epoch == w->sb->epoch;
}

/* The record due, just decoded, is held; the next one is due behind it. */
static int hold(struct es_jwalk *w)
{
	const struct es_jrec *r = &w->rec;

	if (1 + r->nr_blocks > w->left)
		return fail(w, ES_FAULT_JOURNAL_POS, w->read_addr);
	if (r->lsn < w->lsn || r->time < w->time ||
	    (r->nr_entries && w->entries[0].time < w->time))
		return fail(w, ES_FAULT_JOURNAL_TIME, w->read_addr);
	w->held = *r;
	memcpy(w->held_entries, w->entries, sizeof(w->held_entries));
	w->have_held = true;
	w->epoch = r->epoch;
	w->lsn = r->lsn + r->nr_entries;
	w->time = r->time;
	w->left -= 1 + r->nr_blocks;
	w->at.addr += 1 + r->nr_blocks;
	if (w->at.addr == w->sb->device_blocks)
		w->at.addr = ES_DATA_BLOCK;
	w->at.seq++;
	w->at.prev_crc = r->crc;
	w->state = WANT;
	return GO_ON;
}

/* Comes here twice when a record is held: that one is delivered first. */
static int step_look(struct es_jwalk *w)
{
	enum es_fault fault = es_jrec_decode(&w->rec, w->entries, w->block, ES_BLOCK_SIZE,
					     w->sb, w->read_addr);

	if (fault == ES_FAULT_EPOCH)
		return fail(w, fault, w->read_addr);
	/* The log is known to end here. */
	if (!attached(w) && w->at.seq >= w->stop) {
		w->state = FINISH;
		return GO_ON;
	}
	/* Of an older epoch it is what an attach left behind that did not replay the ring. */
	if (!fault && w->rec.seq > w->at.seq && w->rec.epoch == w->sb->epoch)
		return fail(w, ES_FAULT_JOURNAL_NEWER, w->read_addr);
	if (fault || !is_due(w, &w->rec)) {
		w->state = FINISH;
		return GO_ON;
	}
	if (!w->have_held)
		return hold(w);
	accept(w);
	return deliver(w, ES_JWALK_RECORD);
}

static int step_finish(struct es_jwalk *w)
{
	struct es_ring *ring = &w->ring;

	if (w->have_held && (w->held.seq < w->stop || !w->held.nr_blocks ||
			     w->held.type == ES_JREC_PAD)) {
		/* Known to be durable, or without anything that could be torn. */
		accept(w);
		return deliver(w, ES_JWALK_RECORD);
	}
	if (w->have_held) {
		w->payload_ok = false;
		w->state = CHECKED;
		return deliver(w, ES_JWALK_CHECK);
	}
	if (ring->head.seq < w->stop)
		return fail(w, ES_FAULT_SEQUENCE, w->read_addr);
	if (!w->behind) {
		w->state = BEHIND;
		return GO_ON;
	}
	if (!attached(w))
		ring->needed = ring->head;
	if (ring->lsn < w->sb->next_lsn)
		ring->lsn = w->sb->next_lsn;
	if (ring->time < w->sb->time)
		ring->time = w->sb->time;
	w->state = END;
	return ES_JWALK_DONE;
}

static int step_checked(struct es_jwalk *w)
{
	if (w->payload_ok)
		accept(w);
	w->have_held = false;
	w->state = FINISH;
	return GO_ON;
}

/* As far as the record that is due can reach: if it was durable, the next one begins there. */
static int step_behind(struct es_jwalk *w)
{
	if (w->behind == w->reach) {
		w->state = FINISH;
		return GO_ON;
	}
	w->behind++;
	w->read_addr = w->at.addr + w->behind;
	if (w->read_addr >= w->sb->device_blocks)
		w->read_addr -= es_ring_blocks(&w->ring);
	w->state = LOOK_BEHIND;
	return ES_JWALK_READ;
}

/* Of the first entry behind what was walked: an attach leaves out numbers that were lost. */
static u64 next_lsn(const struct es_jwalk *w)
{
	return w->lsn > w->sb->next_lsn ? w->lsn : w->sb->next_lsn;
}

/*
 * Appends are written one at a time, so a record with a higher number shows that the one
 * due was durable and is damaged.  Only padding may be under way together with the record
 * behind it, at the ring's first block, and be torn alone; what follows that one tells.
 * Padding has no entries, so that their numbers go on in the record behind it.
 * A later epoch shows that its attach was lost with the superblock.
 */
static int step_look_behind(struct es_jwalk *w)
{
	enum es_fault fault = es_jrec_decode(&w->rec, w->entries, w->block, ES_BLOCK_SIZE,
					     w->sb, w->read_addr);

	w->state = BEHIND;
	if (fault == ES_FAULT_EPOCH)
		return fail(w, fault, w->read_addr);
	if (fault || !attached(w) || w->rec.epoch != w->sb->epoch || w->rec.seq <= w->at.seq)
		return GO_ON;
	if (w->read_addr == ES_DATA_BLOCK && w->rec.seq == w->at.seq + 1 &&
	    w->rec.lsn == next_lsn(w)) {
		if (w->reach < w->behind + 1 + w->rec.nr_blocks)
			w->reach = w->behind + 1 + w->rec.nr_blocks;
		return GO_ON;
	}
	return fail(w, ES_FAULT_JOURNAL_NEWER, w->read_addr);
}

static int step_end(struct es_jwalk *w)
{
	return w->fault ? ES_JWALK_FAULT : ES_JWALK_DONE;
}

enum es_jwalk_event es_jwalk_step(struct es_jwalk *w)
{
	static int (*const steps[])(struct es_jwalk *) = {
		[WANT] = step_want,
		[LOOK] = step_look,
		[FINISH] = step_finish,
		[CHECKED] = step_checked,
		[BEHIND] = step_behind,
		[LOOK_BEHIND] = step_look_behind,
		[END] = step_end,
	};
	int event;

	do
		event = steps[w->state](w);
	while (event == GO_ON);
	return (enum es_jwalk_event)event;
}
