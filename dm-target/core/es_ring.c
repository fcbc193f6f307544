// SPDX-License-Identifier: GPL-2.0-only
/*
 * Positions in a journal's ring: see es_ring.h for units and invariants.
 */
#include "es_ring.h"

/*
 * Marks lie at least that part of the ring apart, but for the first two: no more than
 * 30 are ever in use.  Two of these distances are more than a sixteenth.
 */
#define MARKS_PER_RING 28u

void es_ring_init(struct es_ring *ring, const struct es_jsb *sb)
{
	u32 i;

	memset(ring, 0, sizeof(*ring));
	memcpy(ring->journal_uuid, sb->journal_uuid, ES_UUID_SIZE);
	ring->epoch = sb->epoch;
	ring->end = sb->device_blocks;
	ring->head = sb->needed;
	ring->lsn = sb->next_lsn;
	ring->time = sb->time;
	ring->needed = sb->needed;
	ring->nr_marks = sb->nr_marks;
	for (i = 0; i < sb->nr_marks; i++) {
		ring->mark[i].pos = sb->mark[i].pos;
		ring->mark[i].time = sb->mark[i].time;
	}
	ring->free = sb->mark[0].pos.addr;
	ring->free_seq = sb->mark[0].pos.seq;
}

u64 es_ring_blocks(const struct es_ring *ring)
{
	return ring->end - ES_DATA_BLOCK;
}

/* Blocks from @from on to @to, around the end. */
static u64 distance(const struct es_ring *ring, u64 from, u64 to)
{
	return to >= from ? to - from : to + es_ring_blocks(ring) - from;
}

u32 es_ring_max_record(const struct es_ring *ring)
{
	u64 quarter = es_ring_blocks(ring) / 4;

	return quarter < ES_JOURNAL_MAX_RECORD ? (u32)quarter : ES_JOURNAL_MAX_RECORD;
}

/* Blocks at the head that may be written when the record at @addr, number @seq, must stay. */
static u64 room_before(const struct es_ring *ring, u64 addr, u64 seq)
{
	if (seq == ring->head.seq)
		return es_ring_blocks(ring) - 1;
	return distance(ring, ring->head.addr, addr) - 1;
}

/* Longest record that @free blocks at the head have room for. */
static u32 record_room(const struct es_ring *ring, u64 free)
{
	u64 tail = ring->end - ring->head.addr;
	u64 here = free < tail ? free : tail;
	u64 behind = free - here;
	u64 room = here > behind ? here : behind;
	u32 max = es_ring_max_record(ring);

	return room < max ? (u32)room : max;
}

u32 es_ring_room(const struct es_ring *ring)
{
	return record_room(ring, room_before(ring, ring->free, ring->free_seq));
}

u64 es_ring_spare(const struct es_ring *ring)
{
	return room_before(ring, ring->needed.addr, ring->needed.seq);
}

u64 es_ring_needed_blocks(const struct es_ring *ring)
{
	return distance(ring, ring->needed.addr, ring->head.addr);
}

u64 es_ring_kept_blocks(const struct es_ring *ring)
{
	return distance(ring, ring->mark[0].pos.addr, ring->head.addr);
}

bool es_ring_must_pad(const struct es_ring *ring, u32 blocks)
{
	return blocks > ring->end - ring->head.addr;
}

/* Head of a record at the head of the ring. */
static void record_init(const struct es_ring *ring, enum es_jrec_type type, struct es_jrec *r)
{
	memset(r, 0, sizeof(*r));
	r->type = (u16)type;
	memcpy(r->journal_uuid, ring->journal_uuid, ES_UUID_SIZE);
	r->seq = ring->head.seq;
	r->epoch = ring->epoch;
	r->prev_crc = ring->head.prev_crc;
	r->addr = ring->head.addr;
	r->lsn = ring->lsn;
	r->time = ring->time;
	r->needed = ring->needed;
}

u64 es_ring_pad(struct es_ring *ring, void *header)
{
	struct es_jrec r;

	record_init(ring, ES_JREC_PAD, &r);
	r.nr_blocks = (u32)(ring->end - ring->head.addr - 1);
	es_jrec_encode(&r, NULL, header);
	es_ring_pass(ring, &r, ring->time);
	return r.addr;
}

u64 es_ring_append(struct es_ring *ring, struct es_jentry *entries, u32 nr, void *header)
{
	struct es_jrec r;
	u32 i;

	record_init(ring, ES_JREC_DATA, &r);
	r.nr_entries = (u16)nr;
	for (i = 0; i < nr; i++) {
		if (entries[i].time < r.time)
			entries[i].time = r.time;
		r.time = entries[i].time;
		r.nr_blocks += es_jentry_blocks(&entries[i]);
	}
	es_jrec_encode(&r, entries, header);
	es_ring_pass(ring, &r, entries[0].time);
	return r.addr;
}

/* Remember the head, where a record begins now, if the last mark is far enough behind. */
static void mark_head(struct es_ring *ring, u64 time)
{
	u32 last = ring->nr_marks - 1;

	if (ring->mark[last].pos.seq == ring->head.seq) {
		ring->mark[last].time = time;
		return;
	}
	if (ring->nr_marks == ES_JOURNAL_MARKS ||
	    distance(ring, ring->mark[last].pos.addr, ring->head.addr) <
	    es_ring_blocks(ring) / MARKS_PER_RING)
		return;
	ring->mark[last + 1].pos = ring->head;
	ring->mark[last + 1].time = time;
	ring->nr_marks++;
}

void es_ring_pass(struct es_ring *ring, const struct es_jrec *rec, u64 first_time)
{
	mark_head(ring, first_time);
	ring->head.addr += 1 + rec->nr_blocks;
	if (ring->head.addr == ring->end)
		ring->head.addr = ES_DATA_BLOCK;
	ring->head.seq++;
	ring->head.prev_crc = rec->crc;
	ring->lsn = rec->lsn + rec->nr_entries;
	ring->time = rec->time;
}

void es_ring_set_needed(struct es_ring *ring, const struct es_jpos *pos)
{
	if (pos->seq > ring->needed.seq)
		ring->needed = *pos;
}

/* Forget the marks before mark @first. */
static void drop_marks(struct es_ring *ring, u32 first)
{
	u32 i;

	ring->nr_marks -= first;
	for (i = 0; i < ring->nr_marks; i++)
		ring->mark[i] = ring->mark[first + i];
}

/* Let the history begin with the oldest record needed, which is before mark @next. */
static void drop_to_needed(struct es_ring *ring, u32 next)
{
	u32 first = next - 1;

	if (ring->mark[first].pos.seq != ring->needed.seq) {
		ring->mark[first].pos = ring->needed;
		/* Not younger than that, its own time is not known. */
		ring->mark[first].time = next < ring->nr_marks ? ring->mark[next].time :
								 ring->time;
	}
	drop_marks(ring, first);
}

bool es_ring_give_up(struct es_ring *ring, u32 blocks)
{
	u64 least = es_ring_blocks(ring) / 16;
	const struct es_jpos *kept;
	u64 given;
	u32 nr;

	if (record_room(ring, es_ring_spare(ring)) < blocks)
		return false;
	for (nr = 0; nr < ring->nr_marks; nr++) {
		kept = &ring->mark[nr].pos;
		if (kept->seq > ring->needed.seq)
			break;
		given = distance(ring, ring->mark[0].pos.addr, kept->addr);
		if (given >= least &&
		    record_room(ring, room_before(ring, kept->addr, kept->seq)) >= blocks) {
			drop_marks(ring, nr);
			return true;
		}
	}
	drop_to_needed(ring, nr);
	return true;
}

void es_ring_to_sb(const struct es_ring *ring, struct es_jsb *sb)
{
	bool attached = sb->flags & ES_JSB_ATTACHED;
	u32 i;

	sb->needed = attached ? ring->needed : ring->head;
	if (!attached)
		sb->tail_seq = ring->head.seq;
	sb->next_lsn = ring->lsn;
	sb->time = ring->time;
	memset(sb->mark, 0, sizeof(sb->mark));
	for (i = 0; i < ring->nr_marks; i++) {
		if (i && ring->mark[i].pos.seq >= sb->needed.seq)
			break;
		sb->mark[i].pos = ring->mark[i].pos;
		sb->mark[i].time = ring->mark[i].time;
	}
	sb->nr_marks = i;
}

void es_ring_committed(struct es_ring *ring, const struct es_jsb *sb)
{
	ring->free = sb->mark[0].pos.addr;
	ring->free_seq = sb->mark[0].pos.seq;
}
