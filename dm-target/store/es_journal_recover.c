// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching a journal: walk the ring, verify, rebuild the index; and detaching.
 *
 * Crash argument of attach: (1) walking and verifying only read (es_journal_recover: a ring
 * that cannot be read leaves everything as it was, the stores, too); (2) the superblock with
 * the raised epoch is durable before the first append.  A crash before 2 leaves the old
 * epoch: the next attach sees what this one saw.  Afterwards a record of an older epoch
 * that lies behind the end cannot follow a record of the new one, whose CRC it would have
 * to name.
 * Detach: (1) all is in place and the origin flushed; (2) the superblock says that nothing
 * is needed and nobody attached; (3) the chain stops naming the journal (the caller).
 * A crash between 2 and 3: it is named, and there is nothing to replay.
 */
#include <linux/device-mapper.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "es_journal.h"
#include "es_jwalk.h"
#include "es_map.h"

#define DM_MSG_PREFIX "esnapshot"

/*
 * Without memory an attach fails, and can be tried again: it must not wait for what nobody gives
 * back.
 */
#define GFP_HARD (GFP_NOIO | ES_TRY_HARD | __GFP_NOWARN)

/* --- reading the ring from front to back --- */

/* The largest record and a window more stay in memory while its successor is looked for. */
#define WINDOW_BLOCKS 64u
#define WINDOWS 8u

struct window {
	u64 nr; /* plus one; 0: empty */
	struct page *pages[WINDOW_BLOCKS];
};

struct ring_reader {
	struct block_device *bdev;
	u64 end;
	struct window window[WINDOWS];
};

static int fill_window(struct ring_reader *rd, struct window *w, u64 nr)
{
	u64 addr = nr * WINDOW_BLOCKS;
	int r;

	w->nr = 0;
	r = es_io_pages(rd->bdev, REQ_OP_READ, addr, w->pages,
			min_t(u64, WINDOW_BLOCKS, rd->end - addr));
	if (!r)
		w->nr = nr + 1;
	return r;
}

/* The block at @addr; NULL: it cannot be read. */
static const void *read_block(struct ring_reader *rd, u64 addr)
{
	u64 nr = addr / WINDOW_BLOCKS;
	struct window *w = &rd->window[nr % WINDOWS];
	struct page *page = w->pages[addr % WINDOW_BLOCKS];

	if (w->nr != nr + 1 && fill_window(rd, w, nr)) {
		/* Perhaps it is another one of the window that cannot be read. */
		w->nr = 0;
		if (es_io_page(rd->bdev, REQ_OP_READ, addr, page))
			return NULL;
	}
	return page_address(page);
}

static void free_reader(struct ring_reader *rd)
{
	u32 i, k;

	if (!rd)
		return;
	for (i = 0; i < WINDOWS; i++)
		for (k = 0; k < WINDOW_BLOCKS; k++)
			if (rd->window[i].pages[k])
				__free_page(rd->window[i].pages[k]);
	kvfree(rd);
}

static struct ring_reader *create_reader(struct block_device *bdev, u64 end)
{
	struct ring_reader *rd = es_kvmalloc(sizeof(*rd), ES_TRY_HARD);
	u32 i, k;

	if (!rd)
		return NULL;
	memset(rd, 0, sizeof(*rd));
	rd->bdev = bdev;
	rd->end = end;
	for (i = 0; i < WINDOWS; i++) {
		for (k = 0; k < WINDOW_BLOCKS; k++) {
			rd->window[i].pages[k] = alloc_page(GFP_HARD);
			if (!rd->window[i].pages[k]) {
				free_reader(rd);
				return NULL;
			}
		}
	}
	return rd;
}

/* --- the walk --- */

struct recovery {
	struct es_journal *j;
	struct ring_reader *rd;
	struct es_jwalk walk;
	bool damaged;
	struct es_jpos damage; /* the newest record whose payload is damaged */
};

static int report_unreadable(const struct es_journal *j, u64 addr)
{
	DMERR("%pg: byte %llu: reading the ring failed", j->bdev,
	      (unsigned long long)addr << ES_BLOCK_SHIFT);
	return -EIO;
}

/* Whether the payload of the record delivered is what its checksums say; -EIO. */
static int verify(struct recovery *rec, bool *ok)
{
	u32 i, k;

	*ok = true;
	for (i = 0; *ok && i < rec->walk.rec.nr_entries; i++) {
		const struct es_jentry *e = &rec->walk.entries[i];
		u32 crc = ~(u32)0;

		if (e->op != ES_JOP_WRITE)
			continue;
		for (k = 0; k < es_jentry_blocks(e); k++) {
			const void *block = read_block(rec->rd, e->addr + k);

			if (!block)
				return report_unreadable(rec->j, e->addr + k);
			crc = es_data_crc(crc, block);
		}
		*ok = ~crc == e->crc;
	}
	return 0;
}

/* Nothing behind the end was ever taken: such an entry is damage, or the table is too short. */
static bool fits_origin(const struct es_journal *j, const struct es_jentry *e)
{
	return e->op == ES_JOP_FLUSH ||
	       (e->sector < j->sectors && e->nr <= j->sectors - e->sector);
}

/* One entry of @record: what it covers of older ones goes, and they with it. */
static int enter(struct es_journal *j, struct es_jrecord *record, const struct es_jentry *e)
{
	struct es_jent *ent;

	if (!fits_origin(j, e)) {
		es_journal_report(j, ES_FAULT_JOURNAL_ENTRY, record->pos.addr);
		return -EUCLEAN;
	}
	ent = es_jent_alloc(&j->pending, GFP_HARD);
	if (!ent)
		return -ENOMEM;
	ent->e = *e;
	spin_lock_irq(&j->lock);
	es_jent_add(&j->pending, record, ent);
	es_pending_insert(&j->pending, ent);
	es_jent_unpin(&j->pending, ent);
	spin_unlock_irq(&j->lock);
	return 0;
}

/* A record whose last entry is superseded is not kept; nor is @record if it never had one. */
static void forget_superseded(struct es_journal *j, struct es_jrecord *record)
{
	spin_lock_irq(&j->lock);
	if (list_empty(&record->entries))
		es_jrecord_free(&j->pending, record);
	spin_unlock_irq(&j->lock);
	es_jbehind_drop_done(j);
}

/*
 * The record delivered is proven, and nothing takes that back but a fault, with which everything
 * goes: its entries enter the index now, so that memory follows what is left of the ring's
 * writes, not how many they were.
 */
static int enter_record(struct recovery *rec)
{
	const struct es_jrec *head = &rec->walk.rec;
	struct es_journal *j = rec->j;
	struct es_jrecord *record;
	int r = 0;
	u32 i;

	if (head->type == ES_JREC_PAD)
		return 0;
	record = es_jrecord_alloc(&j->pending, GFP_HARD);
	if (!record)
		return -ENOMEM;
	record->pos = (struct es_jpos){
		.addr = head->addr, .seq = head->seq, .prev_crc = head->prev_crc
	};
	record->blocks = 1 + head->nr_blocks;
	list_add_tail(&record->list, &j->pending.records);
	for (i = 0; !r && i < head->nr_entries; i++)
		if (rec->walk.entries[i].op != ES_JOP_FLUSH)
			r = enter(j, record, &rec->walk.entries[i]);
	forget_superseded(j, record);
	return r;
}

/*
 * What a later record calls done goes with all that is left of it: what newer ones hold of its
 * ranges was cut out of it, and stays.
 */
static void forget_done(struct recovery *rec)
{
	struct es_journal *j = rec->j;
	struct es_jrecord *record, *next;

	list_for_each_entry_safe(record, next, &j->pending.records, list) {
		if (record->pos.seq >= rec->walk.ring.needed.seq)
			break;
		spin_lock_irq(&j->lock);
		es_jrecord_drop(&j->pending, record);
		spin_unlock_irq(&j->lock);
	}
}

/* A record that is durable; its payload may be damaged since. */
static int take_proven(struct recovery *rec)
{
	bool ok;
	int r = verify(rec, &ok);

	if (r)
		return r;
	if (!ok) {
		rec->damaged = true;
		rec->damage = (struct es_jpos){
			.addr = rec->walk.rec.addr, .seq = rec->walk.rec.seq
		};
		return 0;
	}
	return enter_record(rec);
}

static int walk_ring(struct recovery *rec)
{
	struct es_jwalk *w = &rec->walk;
	struct es_journal *j = rec->j;
	const void *block;
	int r = 0;

	es_jwalk_init(w, &j->sb, &j->sb.needed);
	while (!r) {
		switch (es_jwalk_step(w)) {
		case ES_JWALK_READ:
			block = read_block(rec->rd, w->read_addr);
			if (!block)
				return report_unreadable(j, w->read_addr);
			memcpy(w->block, block, ES_BLOCK_SIZE);
			break;
		case ES_JWALK_CHECK:
			r = verify(rec, &w->payload_ok);
			if (!r && w->payload_ok)
				r = enter_record(rec);
			break;
		case ES_JWALK_RECORD:
			r = take_proven(rec);
			forget_done(rec);
			break;
		case ES_JWALK_DONE:
			forget_done(rec);
			return 0;
		case ES_JWALK_FAULT:
			es_journal_report(j, w->fault, w->fault_addr);
			return -EUCLEAN;
		}
	}
	return r;
}

/* Damage counts in what is needed only, which moves on: the newest of it tells. */
static int check_damage(const struct recovery *rec)
{
	if (!rec->damaged || rec->damage.seq < rec->walk.ring.needed.seq)
		return 0;
	es_journal_report(rec->j, ES_FAULT_PAYLOAD, rec->damage.addr);
	return -EUCLEAN;
}

static int replay(struct es_journal *j)
{
	struct recovery *rec = es_kvmalloc(sizeof(*rec), ES_TRY_HARD);
	int r = -ENOMEM;

	if (!rec)
		return r;
	rec->j = j;
	rec->damaged = false;
	rec->rd = create_reader(j->bdev, j->sb.device_blocks);
	if (rec->rd)
		r = walk_ring(rec);
	if (!r)
		r = check_damage(rec);
	if (!r)
		j->ring = rec->walk.ring;
	free_reader(rec->rd);
	kvfree(rec);
	return r;
}

/* --- attach and detach --- */

static void free_one(struct page **page)
{
	if (*page)
		__free_page(*page);
	*page = NULL;
}

void es_journal_free_memory(struct es_journal *j)
{
	es_pending_exit(&j->pending);
	bioset_exit(&j->bios);
	bioset_exit(&j->flight_bios);
	es_jpages_destroy(j->copy_reserve);
	es_jpages_destroy(j->load_reserve);
	j->copy_reserve = NULL;
	j->load_reserve = NULL;
	free_one(&j->append.header);
	free_one(&j->append.padding);
	free_one(&j->scratch);
}

static int alloc_all(struct es_journal *j)
{
	j->append.header = alloc_page(GFP_HARD);
	j->append.padding = alloc_page(GFP_HARD);
	j->scratch = alloc_page(GFP_HARD);
	j->copy_reserve = es_jpages_reserve();
	j->load_reserve = es_jpages_reserve();
	if (!j->append.header || !j->append.padding || !j->scratch || !j->copy_reserve ||
	    !j->load_reserve || es_pending_init(&j->pending) ||
	    bioset_init(&j->bios, 8, 0, BIOSET_NEED_BVECS) ||
	    bioset_init(&j->flight_bios, 8, es_jflight_front_pad(), BIOSET_NEED_BVECS))
		return -ENOMEM;
	j->wq = alloc_workqueue("esnapshot-jrnl", WQ_MEM_RECLAIM | WQ_UNBOUND, 1);
	return j->wq ? 0 : -ENOMEM;
}

/* A table that could not be resumed may be resumed again: all is there, or nothing. */
static int alloc_once(struct es_journal *j)
{
	int r = j->wq ? 0 : alloc_all(j);

	if (r)
		es_journal_free_memory(j);
	return r;
}

static int commit_attached(struct es_journal *j)
{
	struct es_jsb sb = j->sb;
	int r;

	sb.epoch++;
	sb.flags |= ES_JSB_ATTACHED;
	es_ring_to_sb(&j->ring, &sb);
	sb.tail_seq = j->ring.head.seq;
	r = es_journal_commit(j, &sb);
	if (r)
		return r;
	es_ring_committed(&j->ring, &j->sb);
	j->ring.epoch = j->sb.epoch;
	return 0;
}

int es_journal_recover(struct es_journal *j, struct block_device *origin, u64 sectors)
{
	int r;

	j->origin = origin;
	j->sectors = sectors;
	r = alloc_once(j);
	if (r)
		return r;
	es_pending_clear(&j->pending); /* of an attach that failed */
	r = replay(j);
	j->recovered = !r;
	if (r == -ENOMEM)
		DMERR("%pg: too little memory to attach: %llu pending writes had room, no more",
		      j->bdev, j->pending.nr_entries);
	if (r)
		es_pending_clear(&j->pending);
	return r;
}

/* It may have been in use, and come to rest with something undone. */
static void forget_past(struct es_journal *j)
{
	if (j->mode == ES_JMODE_FAILING)
		j->mode = ES_JMODE_OK;
	j->unreadable = false;
	j->flush_broken = false;
	es_jretry_afresh(j);
}

int es_journal_attach(struct es_journal *j, const struct es_journal_ops *ops, void *owner,
		      struct block_device *origin, u64 sectors, bool named)
{
	int r = 0;

	j->ops = ops;
	j->owner = owner;
	j->origin = origin;
	forget_past(j);
	if (!named)
		r = alloc_once(j);
	else if (!j->recovered)
		r = es_journal_recover(j, origin, sectors);
	if (r)
		return r;
	if (!named)
		es_ring_init(&j->ring, &j->sb);
	j->recovered = false;
	r = commit_attached(j);
	if (r) {
		es_journal_leave(j);
		return r;
	}
	j->max_sectors = min(es_ring_max_record(&j->ring) - 1, (u32)ES_JPAGES_MAX) *
			 ES_BLOCK_SECTORS;
	j->last_write = jiffies;
	j->idle = true;
	if (j->pending.nr_pieces)
		DMINFO("%pg: %llu ranges of %llu writes go to their places now", j->bdev,
		       j->pending.nr_pieces, j->pending.nr_entries);
	es_journal_wake(j);
	flush_work(&j->work);
	return 0;
}

static int commit_drained(struct es_journal *j, u32 clear)
{
	struct es_jsb sb = j->sb;
	int r;

	sb.flags &= ~clear;
	es_ring_to_sb(&j->ring, &sb);
	r = es_journal_commit(j, &sb);
	if (!r)
		es_ring_committed(&j->ring, &j->sb);
	return r;
}

int es_journal_detach(struct es_journal *j)
{
	return commit_drained(j, ES_JSB_ATTACHED);
}

int es_journal_settle(struct es_journal *j)
{
	return commit_drained(j, 0);
}

void es_journal_leave(struct es_journal *j)
{
	cancel_delayed_work_sync(&j->idle_timer);
	cancel_delayed_work_sync(&j->retry_timer);
	flush_work(&j->work);
	spin_lock_irq(&j->lock);
	es_pending_clear(&j->pending);
	spin_unlock_irq(&j->lock);
}
