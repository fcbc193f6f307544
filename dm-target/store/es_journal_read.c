// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading what is pending: for users, and to write in place what had to leave memory.
 *
 * A user's read is answered from memory as far as pieces follow each other there; what is
 * only in the ring is read from there by the bio itself, while a pin keeps the entry, and
 * so its record, from being released.
 */
#include <linux/device-mapper.h>
#include <linux/highmem.h>
#include "es_journal_run.h"

#define DM_MSG_PREFIX "esnapshot"

/* --- for users --- */

/* Copy @bytes of @ent from its byte @from to the bio, from @iter on. */
static void copy_out(struct bio *bio, struct bvec_iter *iter, const struct es_jent *ent, u64 from,
		     u32 bytes)
{
	while (bytes) {
		struct bio_vec bv = bio_iter_iovec(bio, *iter);
		u32 n = min_t(u32, bytes, bv.bv_len);

		if (ent->data) {
			n = min_t(u32, n, ES_BLOCK_SIZE - from % ES_BLOCK_SIZE);
			memcpy_to_page(bv.bv_page, bv.bv_offset,
				       page_address(ent->data->page[from / ES_BLOCK_SIZE]) +
					       from % ES_BLOCK_SIZE,
				       n);
		} else {
			memzero_page(bv.bv_page, bv.bv_offset, n);
		}
		flush_dcache_page(bv.bv_page);
		bio_advance_iter_single(bio, iter, n);
		from += n;
		bytes -= n;
	}
}

/* What the piece at @sector, if there is one, means for a read.  @nr: sectors it is about. */
static enum es_jread look(struct es_journal *j, u64 sector, u64 end, struct es_jent **ent, u32 *nr)
{
	struct es_jpiece *piece = es_pending_find(&j->pending, sector, end - 1);

	*ent = NULL;
	if (!piece || piece->node.start > sector) {
		*nr = (piece ? piece->node.start : end) - sector;
		return ES_JREAD_ORIGIN;
	}
	*nr = min_t(u64, piece->node.last + 1, end) - sector;
	*ent = piece->ent;
	if (piece->ent->bad)
		return ES_JREAD_LOST;
	if (piece->ent->e.op == ES_JOP_DISCARD)
		return ES_JREAD_ORIGIN;
	if (piece->ent->e.op == ES_JOP_WRITE && !piece->ent->data)
		return ES_JREAD_RING;
	return ES_JREAD_DONE;
}

enum es_jread es_journal_read(struct es_journal *j, struct bio *bio, u32 *nr, sector_t *addr,
			      void **pin)
{
	u64 sector = bio->bi_iter.bi_sector, end = bio_end_sector(bio);
	struct bvec_iter iter = bio->bi_iter;
	enum es_jread what;
	struct es_jent *ent;
	unsigned long flags;
	u32 n;

	for (;;) {
		spin_lock_irqsave(&j->lock, flags);
		what = look(j, sector, end, &ent, &n);
		if (what == ES_JREAD_DONE || what == ES_JREAD_RING)
			es_jent_pin(ent);
		spin_unlock_irqrestore(&j->lock, flags);
		if (what != ES_JREAD_DONE)
			break;
		copy_out(bio, &iter, ent, (sector - ent->e.sector) << SECTOR_SHIFT,
			 n << SECTOR_SHIFT);
		es_journal_unpin(j, ent);
		sector += n;
		if (sector == end)
			break;
	}
	if (sector == bio->bi_iter.bi_sector) {
		*nr = n;
		*pin = ent;
		if (what == ES_JREAD_RING)
			*addr = ent->e.addr * ES_BLOCK_SECTORS + sector - ent->e.sector;
		return what;
	}
	/* The rest comes back as a bio of its own. */
	if (sector < end && what == ES_JREAD_RING)
		es_journal_unpin(j, ent);
	*nr = sector - bio->bi_iter.bi_sector;
	return ES_JREAD_DONE;
}

void es_journal_unpin(struct es_journal *j, void *pin)
{
	struct es_jent *ent = pin;
	unsigned long flags;
	bool last;

	spin_lock_irqsave(&j->lock, flags);
	last = ent->refs == 1;
	es_jent_unpin(&j->pending, ent);
	spin_unlock_irqrestore(&j->lock, flags);
	/* In place already: its record waited for this reader alone. */
	if (last)
		es_journal_wake(j);
}

/* --- back into memory --- */

/* How long it is tried to read what nobody else has. */
#define READ_PATIENCE (10 * HZ)
/* Dead payload between two entries that is read along rather than skipped. */
#define MAX_GAP 16u

static void put_load(struct es_jload *load)
{
	if (atomic_dec_and_test(&load->bios))
		es_journal_post(load->j, &load->list, &load->j->loaded);
}

static void load_endio(struct bio *bio)
{
	struct es_jload *load = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(load->status, bio->bi_status);
	bio_put(bio);
	put_load(load);
}

static void submit_load(struct es_jload *load, struct bio **bio)
{
	if (!*bio)
		return;
	atomic_inc(&load->bios);
	submit_bio_noacct(*bio);
	*bio = NULL;
}

/* Read block @addr into @page; adjacent ones share a bio. */
static void load_block(struct es_jload *load, struct bio **bio, u64 addr, struct page *page)
{
	struct es_journal *j = load->j;

	if (*bio && (*bio)->bi_vcnt == (*bio)->bi_max_vecs)
		submit_load(load, bio);
	if (!*bio) {
		*bio = bio_alloc_bioset(j->bdev, ES_IO_MAX_BLOCKS, REQ_OP_READ, GFP_NOIO,
					&j->bios);
		(*bio)->bi_iter.bi_sector = addr * ES_BLOCK_SECTORS;
		(*bio)->bi_end_io = load_endio;
		(*bio)->bi_private = load;
	}
	__bio_add_page(*bio, page, ES_BLOCK_SIZE, 0);
}

static void read_load(struct es_jload *load)
{
	struct bio *bio = NULL;
	u64 next = 0;
	u32 i, k;

	for (i = 0; i < load->nr; i++) {
		u64 addr = load->ent[i]->e.addr;

		if (bio && addr - next > MAX_GAP)
			submit_load(load, &bio);
		while (bio && next < addr)
			load_block(load, &bio, next++, load->j->scratch);
		for (k = 0; k < load->data[i]->nr; k++)
			load_block(load, &bio, addr + k, load->data[i]->page[k]);
		next = addr + load->data[i]->nr;
	}
	submit_load(load, &bio);
}

/* Choose what is to be loaded, and keep it. */
static void pin_entries(struct es_journal *j, struct es_jload *load, struct es_jrecord *rec,
			bool again)
{
	struct es_jent *ent;

	load->nr = 0;
	spin_lock_irq(&j->lock);
	list_for_each_entry(ent, &rec->entries, list) {
		if (ent->e.op != ES_JOP_WRITE || ent->data || ent->loading || ent->bad ||
		    !es_jretry_is_due(j, ent, again) || (ent->misread && load->nr))
			continue;
		ent->loading = true;
		es_jent_pin(ent);
		load->ent[load->nr++] = ent;
		if (ent->misread)
			break;
	}
	spin_unlock_irq(&j->lock);
}

static void unpin_entries(struct es_journal *j, struct es_jload *load, u32 from)
{
	u32 i;

	spin_lock_irq(&j->lock);
	for (i = from; i < load->nr; i++) {
		load->ent[i]->loading = false;
		es_jent_unpin(&j->pending, load->ent[i]);
	}
	spin_unlock_irq(&j->lock);
	load->nr = from;
}

bool es_jload_start(struct es_journal *j, struct es_jrecord *rec, bool again)
{
	unsigned long slot = find_first_zero_bit(&j->loads_used, ES_JLOADS);
	struct es_jload *load = &j->load[slot];
	u32 i;

	if (slot == ES_JLOADS)
		return false;
	load->j = j;
	load->status = BLK_STS_OK;
	pin_entries(j, load, rec, again);
	for (i = 0; i < load->nr; i++) {
		load->data[i] = es_jpages_alloc(es_jentry_blocks(&load->ent[i]->e),
						&j->load_reserve);
		if (!load->data[i])
			break;
	}
	unpin_entries(j, load, i);
	if (!load->nr) {
		j->starved = true;
		return false;
	}
	__set_bit(slot, &j->loads_used);
	for (i = 0; i < load->nr; i++)
		j->load_pages += load->data[i]->nr;
	atomic_set(&load->bios, 1);
	read_load(load);
	put_load(load);
	return true;
}

static bool is_right(const struct es_jent *ent, const struct es_jpages *data)
{
	u32 crc = ~(u32)0, i;

	for (i = 0; i < data->nr; i++)
		crc = es_data_crc(crc, page_address(data->page[i]));
	return ~crc == ent->e.crc;
}

/*
 * A device that cannot be read may come back: it is tried again every second for a while.
 * What is wrong stays wrong.
 */
static bool is_hopeless(struct es_journal *j, blk_status_t status)
{
	if (!status)
		return true;
	if (!j->unreadable) {
		j->unreadable = true;
		j->unreadable_since = jiffies;
		es_journal_fail(j, "reading back a record", status);
	}
	if (time_after(jiffies, j->unreadable_since + READ_PATIENCE))
		return true;
	j->load_wait = true;
	queue_delayed_work(j->wq, &j->retry_timer, HZ);
	return false;
}

/* The second failure, alone, counts. */
static void take_load(struct es_journal *j, struct es_jent *ent, struct es_jpages *data,
		      blk_status_t status)
{
	bool ok = !status && is_right(ent, data), lost;
	bool was_unread = ent->unread;
	bool hopeless = !ok && ent->misread && is_hopeless(j, status);

	/* It has come back.  That others can be read says nothing. */
	if (!status && was_unread)
		j->unreadable = false;
	spin_lock_irq(&j->lock);
	ent->loading = false;
	if (ok) {
		es_jent_set_data(&j->pending, ent, data);
		data = NULL;
	}
	lost = hopeless && !list_empty(&ent->pieces);
	ent->reread |= ok;
	ent->unread = !ok && (ent->unread || (status && ent->misread));
	ent->misread = !ok;
	if (lost)
		es_jent_set_bad(&j->pending, ent);
	spin_unlock_irq(&j->lock);
	es_jpages_free(data);
	if (lost) {
		DMCRIT("%pg: byte %llu: acknowledged data of sectors %llu to %llu of %pg is LOST",
		       j->bdev, (unsigned long long)ent->e.addr << ES_BLOCK_SHIFT, ent->e.sector,
		       ent->e.sector + ent->e.nr - 1, j->origin);
		es_journal_fail(j, "reading back a record", status ?: BLK_STS_PROTECTION);
	}
	es_journal_unpin(j, ent);
}

void es_jload_done(struct es_journal *j, struct list_head *loaded)
{
	struct es_jload *load, *next;
	u32 i;

	list_for_each_entry_safe(load, next, loaded, list) {
		list_del_init(&load->list);
		for (i = 0; i < load->nr; i++) {
			j->load_pages -= load->data[i]->nr;
			take_load(j, load->ent[i], load->data[i], load->status);
		}
		__clear_bit(load - j->load, &j->loads_used);
	}
}
