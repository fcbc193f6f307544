// SPDX-License-Identifier: GPL-2.0-only
/*
 * Appending to a journal: steps 1 to 3 of es_journal.h.
 *
 * While an append is in flight writes collect; the next one takes as many as have
 * room, in order of arrival.  The first that finds no room in the ring, or no memory
 * for a copy, waits, and all behind it: what makes room (es_journal_behind.c) is woken.
 *
 * A short write that comes alone is appended by the task that submits it, and a short
 * append is acknowledged where it ends: such a write waits for the disk, and for no task.
 * Whoever holds es_journal.turn is here, but for the end of an append.
 */
#include <linux/device-mapper.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include "es_journal.h"

#define DM_MSG_PREFIX "esnapshot"

#define GFP_TRY (GFP_NOWAIT | __GFP_NOWARN)

/* What is short: little enough to do with interrupts off. */
#define SHORT_ENTRIES 4u
#define SHORT_BLOCKS 16u

static enum es_jop op_of(const struct bio *bio)
{
	switch (bio_op(bio)) {
	case REQ_OP_DISCARD:
		return ES_JOP_DISCARD;
	case REQ_OP_WRITE_ZEROES:
		return ES_JOP_ZEROES;
	default:
		return bio_sectors(bio) ? ES_JOP_WRITE : ES_JOP_FLUSH;
	}
}

static u32 blocks_of(const struct bio *bio)
{
	return op_of(bio) == ES_JOP_WRITE ? DIV_ROUND_UP(bio_sectors(bio), ES_BLOCK_SECTORS) : 0;
}

/* --- the end of an append: any context --- */

/* Step 2. */
static void enter_all(struct es_journal *j)
{
	struct es_jappend *a = &j->append;
	struct es_pending *p = &j->pending;
	u64 budget = es_journal_budget_pages();
	unsigned long flags;
	u32 i;

	for (i = 0; i < a->nr; i++) {
		struct es_jent *ent = a->ent[i];

		if (!ent)
			continue;
		spin_lock_irqsave(&j->lock, flags);
		es_pending_insert(p, ent);
		/* The newest goes first: the oldest are written in place soon. */
		if (p->nr_pages > budget)
			es_jent_set_data(p, ent, NULL);
		es_jent_unpin(p, ent);
		spin_unlock_irqrestore(&j->lock, flags);
	}
}

/* Step 3. */
static void end_users(struct bio_list *users)
{
	struct bio *bio;

	while ((bio = bio_list_pop(users)))
		bio_endio(bio);
}

/* Once this is posted the append may be used for the next. */
static void append_ended(struct es_journal *j)
{
	struct es_jappend *a = &j->append;
	struct bio_list users;

	bio_list_init(&users);
	a->acked = !a->status && a->nr <= SHORT_ENTRIES && a->blocks <= SHORT_BLOCKS;
	if (a->acked) {
		enter_all(j);
		bio_list_merge(&users, &a->users);
		bio_list_init(&a->users);
	}
	es_journal_post_append(j, a->acked);
	end_users(&users);
}

/* --- the bios of an append --- */

static void put_bio(struct es_journal *j)
{
	if (atomic_dec_and_test(&j->append.bios))
		append_ended(j);
}

static void append_endio(struct bio *bio)
{
	struct es_journal *j = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(j->append.status, bio->bi_status);
	bio_put(bio);
	put_bio(j);
}

static void submit_tail(struct es_journal *j)
{
	if (!j->append.tail)
		return;
	atomic_inc(&j->append.bios);
	submit_bio_noacct(j->append.tail);
	j->append.tail = NULL;
}

/* Add one block at the end of the contiguous write that began at @addr. */
static void write_block(struct es_journal *j, u64 addr, u32 left, struct page *page)
{
	struct es_jappend *a = &j->append;

	if (a->tail && a->tail->bi_vcnt == a->tail->bi_max_vecs)
		submit_tail(j);
	if (!a->tail) {
		a->tail = bio_alloc_bioset(j->bdev, min(left, ES_IO_MAX_BLOCKS),
					   REQ_OP_WRITE | REQ_SYNC | REQ_FUA, GFP_NOIO,
					   &j->bios);
		a->tail->bi_iter.bi_sector = addr * ES_BLOCK_SECTORS;
		a->tail->bi_end_io = append_endio;
		a->tail->bi_private = j;
		es_io_for_all(a->tail);
	}
	__bio_add_page(a->tail, page, ES_BLOCK_SIZE, 0);
}

static void write_record(struct es_journal *j, u64 addr)
{
	struct es_jappend *a = &j->append;
	u32 left = 1 + a->blocks, i, k;

	write_block(j, addr++, left--, a->header);
	for (i = 0; i < a->nr; i++) {
		if (!a->ent[i] || !a->ent[i]->data)
			continue;
		for (k = 0; k < a->ent[i]->data->nr; k++)
			write_block(j, addr++, left--, a->ent[i]->data->page[k]);
	}
	submit_tail(j);
}

/* --- taking writes --- */

/* The user's pages may change while we look: what counts is the copy. */
static void copy_in(struct es_jpages *pages, struct bio *bio)
{
	struct bvec_iter iter;
	struct bio_vec bv;
	u32 pos = 0;

	bio_for_each_segment(bv, bio, iter) {
		u32 done = 0;

		while (done < bv.bv_len) {
			u32 n = min_t(u32, bv.bv_len - done, ES_BLOCK_SIZE - pos % ES_BLOCK_SIZE);

			memcpy_from_page(page_address(pages->page[pos / ES_BLOCK_SIZE]) +
						 pos % ES_BLOCK_SIZE,
					 bv.bv_page, bv.bv_offset + done, n);
			done += n;
			pos += n;
		}
	}
	if (pos % ES_BLOCK_SIZE)
		memset(page_address(pages->page[pos / ES_BLOCK_SIZE]) + pos % ES_BLOCK_SIZE, 0,
		       ES_BLOCK_SIZE - pos % ES_BLOCK_SIZE);
}

static u32 pages_crc(const struct es_jpages *pages)
{
	u32 crc = ~(u32)0, i;

	for (i = 0; i < pages->nr; i++)
		crc = es_data_crc(crc, page_address(pages->page[i]));
	return ~crc;
}

/* Give @bio an entry with a copy of its data; NULL: no memory now.  @wait: it may sleep. */
static struct es_jent *take_write(struct es_journal *j, struct bio *bio, bool wait)
{
	struct es_jent *ent = es_jent_alloc(&j->pending, GFP_TRY);
	u32 blocks = blocks_of(bio);

	if (!ent)
		return NULL;
	ent->e = (struct es_jentry){
		.sector = bio->bi_iter.bi_sector, .nr = bio_sectors(bio),
		.time = ktime_get_real_ns(), .op = op_of(bio),
		.flags = bio->bi_opf & REQ_FUA ? ES_JENT_FUA : 0,
	};
	if (!blocks)
		return ent;
	ent->data = wait ? es_jpages_alloc(blocks, &j->copy_reserve) : es_jpages_try(blocks);
	if (!ent->data) {
		es_jent_unpin(&j->pending, ent);
		return NULL;
	}
	copy_in(ent->data, bio);
	ent->e.crc = pages_crc(ent->data);
	return ent;
}

static void note_flush(struct es_journal *j)
{
	struct es_jappend *a = &j->append;

	if (!READ_ONCE(j->flush_noted))
		return;
	WRITE_ONCE(j->flush_noted, false);
	a->ent[a->nr] = NULL;
	a->entry[a->nr++] = (struct es_jentry){
		.time = ktime_get_real_ns(), .op = ES_JOP_FLUSH
	};
}

/* Take what has room, at most @room blocks with the header; false: no memory for any. */
static bool take_writes(struct es_journal *j, u32 room, bool wait)
{
	struct es_jappend *a = &j->append;
	struct es_jent *ent;
	struct bio *bio;

	a->nr = 0;
	a->blocks = 0;
	bio_list_init(&a->users);
	note_flush(j);
	while (a->nr < ES_JREC_ENTRIES && (bio = bio_list_peek(&j->waiting))) {
		if (1 + a->blocks + blocks_of(bio) > room)
			break;
		ent = take_write(j, bio, wait);
		if (!ent)
			break;
		a->ent[a->nr] = ent;
		a->entry[a->nr++] = ent->e;
		a->blocks += blocks_of(bio);
		bio_list_add(&a->users, bio_list_pop(&j->waiting));
	}
	if (!bio_list_empty(&a->users))
		return true;
	if (a->nr)
		WRITE_ONCE(j->flush_noted, true); /* for the next record */
	return false;
}

/* --- room --- */

/* Blocks that a record of all that waits would take, as far as one can be. */
static u32 wanted(const struct es_journal *j)
{
	u32 max = es_ring_max_record(&j->ring), blocks = 1;
	struct bio *bio;

	bio_list_for_each(bio, &j->waiting) {
		if (blocks + blocks_of(bio) > max)
			break;
		blocks += blocks_of(bio);
	}
	return blocks;
}

/* Step 7: give history up for a record of @blocks.  Returns what there is room for then. */
static u32 give_up(struct es_journal *j, u32 blocks)
{
	struct es_jsb sb = j->sb;
	int r;

	if (!es_ring_give_up(&j->ring, blocks))
		return es_ring_room(&j->ring);
	es_ring_to_sb(&j->ring, &sb);
	r = es_journal_commit(j, &sb);
	if (r) {
		es_journal_fail(j, "writing its superblock", errno_to_blk_status(r));
		return 0;
	}
	es_ring_committed(&j->ring, &j->sb);
	return es_ring_room(&j->ring);
}

static u32 make_room(struct es_journal *j)
{
	u32 want = wanted(j), least = 1 + blocks_of(bio_list_peek(&j->waiting));
	u32 room = es_ring_room(&j->ring);

	if (room < want)
		room = give_up(j, want);
	if (room < least && want > least && j->mode == ES_JMODE_OK)
		room = give_up(j, least);
	return room < least ? 0 : room;
}

/* --- an append --- */

/* Give the record its place and send it. */
static void send_record(struct es_journal *j, struct es_jrecord *rec)
{
	struct es_jappend *a = &j->append;
	u32 i;
	u64 addr;

	a->busy = true;
	a->status = BLK_STS_OK;
	atomic_set(&a->bios, 1);
	if (es_ring_must_pad(&j->ring, 1 + a->blocks)) {
		addr = es_ring_pad(&j->ring, page_address(a->padding));
		write_block(j, addr, 1, a->padding);
		submit_tail(j);
	}
	rec->pos = j->ring.head;
	rec->blocks = 1 + a->blocks;
	addr = es_ring_append(&j->ring, a->entry, a->nr, page_address(a->header));
	spin_lock_irq(&j->lock);
	list_add_tail(&rec->list, &j->pending.records);
	for (i = 0; i < a->nr; i++) {
		if (!a->ent[i])
			continue;
		a->ent[i]->e = a->entry[i];
		es_jent_add(&j->pending, rec, a->ent[i]);
		if (a->ent[i]->data)
			j->pending.nr_pages += a->ent[i]->data->nr;
	}
	spin_unlock_irq(&j->lock);
	a->rec = rec;
	write_record(j, addr);
	put_bio(j);
}

/* Append what waits and has a place in @room blocks; false: no memory now. */
static bool append_waiting(struct es_journal *j, u32 room, bool wait)
{
	struct es_jrecord *rec = es_jrecord_alloc(&j->pending, GFP_TRY);

	if (!rec)
		return false;
	if (!take_writes(j, room, wait)) {
		es_jrecord_free(&j->pending, rec);
		return false;
	}
	send_record(j, rec);
	j->last_write = jiffies;
	j->idle = false;
	return true;
}

void es_jappend_start(struct es_journal *j)
{
	u32 room;

	j->blocked = false;
	j->short_of_memory = false;
	if (j->append.busy || j->paused || j->mode != ES_JMODE_OK)
		return;
	if (bio_list_empty(&j->waiting))
		return;
	j->blocked = true;
	if (j->pending.nr_entries >= es_journal_budget_entries())
		return;
	room = make_room(j);
	if (!room)
		return;
	j->blocked = !append_waiting(j, room, true);
	j->short_of_memory = j->blocked;
	j->starved |= j->blocked;
}

bool es_jappend_is_short(const struct bio *bio)
{
	return blocks_of(bio) <= SHORT_BLOCKS;
}

bool es_jappend_one(struct es_journal *j, struct bio *bio)
{
	u32 blocks = 1 + blocks_of(bio);

	if (j->pending.nr_entries >= es_journal_budget_entries() ||
	    es_ring_room(&j->ring) < blocks)
		return false;
	bio_list_add(&j->waiting, bio);
	if (append_waiting(j, blocks, false))
		return true;
	bio_list_init(&j->waiting);
	return false;
}

/* Its writes were not acknowledged: they are the first in the line again. */
static void take_back(struct es_journal *j)
{
	struct es_jappend *a = &j->append;
	u32 i;

	spin_lock_irq(&j->lock);
	for (i = 0; i < a->nr; i++)
		if (a->ent[i])
			es_jent_unpin(&j->pending, a->ent[i]);
	spin_unlock_irq(&j->lock);
	bio_list_merge_head(&j->waiting, &a->users);
	bio_list_init(&a->users);
}

void es_jappend_finish(struct es_journal *j)
{
	struct es_jappend *a = &j->append;

	a->busy = false;
	a->rec = NULL;
	if (a->status) {
		take_back(j);
		es_journal_fail(j, "writing a record", a->status);
	} else if (!a->acked) {
		enter_all(j);
		end_users(&a->users);
	}
}

void es_jappend_refuse(struct es_journal *j, blk_status_t status)
{
	struct bio *bio;

	while ((bio = bio_list_pop(&j->waiting))) {
		bio->bi_status = status;
		bio_endio(bio);
	}
}
