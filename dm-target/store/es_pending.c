// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index of pending writes: see es_pending.h.
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include "es_pending.h"

/* Enough for one write to get through without memory. */
#define POOL_RECORDS 4
#define POOL_ENTRIES 16
#define POOL_PIECES 48
/* Records that are freed with interrupts off. */
#define DROP_AT_ONCE 64u

/* --- pages --- */

static void free_pages_of(struct es_jpages *pages)
{
	while (pages->nr)
		__free_page(pages->page[--pages->nr]);
	kfree(pages);
}

static struct es_jpages *alloc_fresh(u32 nr, gfp_t gfp)
{
	struct es_jpages *pages = kmalloc(struct_size(pages, page, nr), gfp);

	if (!pages)
		return NULL;
	pages->home = NULL;
	for (pages->nr = 0; pages->nr < nr; pages->nr++) {
		pages->page[pages->nr] = alloc_page(gfp);
		if (!pages->page[pages->nr]) {
			free_pages_of(pages);
			return NULL;
		}
	}
	return pages;
}

struct es_jpages *es_jpages_alloc(u32 nr, struct es_jpages **reserve)
{
	struct es_jpages *pages = alloc_fresh(nr, GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);

	if (pages || !reserve)
		return pages;
	pages = xchg(reserve, NULL);
	if (!pages)
		return NULL;
	pages->home = reserve;
	pages->nr = nr;
	return pages;
}

struct es_jpages *es_jpages_try(u32 nr)
{
	return alloc_fresh(nr, GFP_NOWAIT | __GFP_NOWARN);
}

void es_jpages_free(struct es_jpages *pages)
{
	if (pages && pages->home)
		xchg(pages->home, pages);
	else if (pages)
		free_pages_of(pages);
}

struct es_jpages *es_jpages_reserve(void)
{
	return alloc_fresh(ES_JPAGES_MAX, GFP_NOIO | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
}

void es_jpages_destroy(struct es_jpages *reserve)
{
	if (!reserve)
		return;
	reserve->nr = ES_JPAGES_MAX; /* it may have been used for less */
	free_pages_of(reserve);
}

/* --- records, entries, pieces --- */

/*
 * A mempool never fails who may sleep: he waits for what others give back.  Recovery is the one
 * who may, and at that time nobody gives anything back.  The pools are of kmalloc: what comes from
 * there may go to them.
 */
static void *alloc_from(mempool_t *pool, gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		return mempool_kmalloc(gfp, pool->pool_data);
	return mempool_alloc(pool, gfp);
}

struct es_jrecord *es_jrecord_alloc(struct es_pending *p, gfp_t gfp)
{
	struct es_jrecord *rec = alloc_from(&p->record_pool, gfp);

	if (!rec)
		return NULL;
	memset(rec, 0, sizeof(*rec));
	INIT_LIST_HEAD(&rec->list);
	INIT_LIST_HEAD(&rec->done);
	INIT_LIST_HEAD(&rec->entries);
	return rec;
}

void es_jrecord_free(struct es_pending *p, struct es_jrecord *rec)
{
	list_del(&rec->list);
	list_del(&rec->done);
	mempool_free(rec, &p->record_pool);
}

struct es_jpiece *es_piece_alloc(struct es_pending *p, gfp_t gfp)
{
	return alloc_from(&p->piece_pool, gfp);
}

static void free_spares(struct es_pending *p, struct es_jent *ent)
{
	if (ent->own)
		mempool_free(ent->own, &p->piece_pool);
	if (ent->spare)
		mempool_free(ent->spare, &p->piece_pool);
	ent->own = NULL;
	ent->spare = NULL;
}

struct es_jent *es_jent_alloc(struct es_pending *p, gfp_t gfp)
{
	struct es_jent *ent = alloc_from(&p->ent_pool, gfp);

	if (!ent)
		return NULL;
	memset(ent, 0, sizeof(*ent));
	INIT_LIST_HEAD(&ent->list);
	INIT_LIST_HEAD(&ent->pieces);
	ent->refs = 1;
	ent->own = es_piece_alloc(p, gfp);
	ent->spare = es_piece_alloc(p, gfp);
	if (ent->own && ent->spare)
		return ent;
	free_spares(p, ent);
	mempool_free(ent, &p->ent_pool);
	return NULL;
}

void es_jent_add(struct es_pending *p, struct es_jrecord *rec, struct es_jent *ent)
{
	ent->record = rec;
	list_add_tail(&ent->list, &rec->entries);
	p->nr_entries++;
}

static void leave_record(struct es_pending *p, struct es_jent *ent)
{
	struct es_jrecord *rec = ent->record;

	if (!rec)
		return;
	list_del(&ent->list);
	ent->record = NULL;
	p->nr_entries--;
	if (list_empty(&rec->entries))
		list_add_tail(&rec->done, &p->done);
}

void es_jent_set_data(struct es_pending *p, struct es_jent *ent, struct es_jpages *data)
{
	if (ent->data)
		p->nr_pages -= ent->data->nr;
	es_jpages_free(ent->data);
	ent->data = data;
	if (data)
		p->nr_pages += data->nr;
}

void es_jent_unpin(struct es_pending *p, struct es_jent *ent)
{
	if (--ent->refs)
		return;
	es_jent_set_data(p, ent, NULL);
	free_spares(p, ent);
	leave_record(p, ent);
	mempool_free(ent, &p->ent_pool);
}

static void add_piece(struct es_pending *p, struct es_jpiece *piece, struct es_jent *ent,
		      u64 first, u64 last, void *flight)
{
	piece->node.start = first;
	piece->node.last = last;
	piece->ent = ent;
	piece->flight = flight;
	piece->failed = 0;
	piece->stuck = false;
	list_add_tail(&piece->list, &ent->pieces);
	interval_tree_insert(&piece->node, &p->tree);
	ent->refs++;
	WRITE_ONCE(p->nr_pieces, p->nr_pieces + 1);
	p->nr_bad += ent->bad;
}

static void remove_piece(struct es_pending *p, struct es_jpiece *piece)
{
	struct es_jent *ent = piece->ent;

	interval_tree_remove(&piece->node, &p->tree);
	list_del(&piece->list);
	mempool_free(piece, &p->piece_pool);
	WRITE_ONCE(p->nr_pieces, p->nr_pieces - 1);
	p->nr_bad -= ent->bad;
	es_jent_unpin(p, ent);
}

void es_jrecord_forget(struct es_pending *p, struct es_jrecord *rec)
{
	struct es_jent *ent, *next;

	list_for_each_entry_safe(ent, next, &rec->entries, list)
		leave_record(p, ent);
	es_jrecord_free(p, rec);
}

void es_jrecord_drop(struct es_pending *p, struct es_jrecord *rec)
{
	struct es_jent *ent, *enext;
	struct es_jpiece *piece, *next;

	list_for_each_entry_safe(ent, enext, &rec->entries, list) {
		es_jent_pin(ent);
		list_for_each_entry_safe(piece, next, &ent->pieces, list)
			remove_piece(p, piece);
		es_jent_unpin(p, ent);
	}
	es_jrecord_forget(p, rec);
}

bool es_pending_drop_done(struct es_pending *p, const struct es_jrecord *busy)
{
	struct es_jrecord *rec, *next;
	u32 nr = 0;

	list_for_each_entry_safe(rec, next, &p->done, done) {
		if (rec == busy)
			continue;
		if (nr++ == DROP_AT_ONCE)
			return true;
		es_jrecord_free(p, rec);
	}
	return false;
}

static void set_range(struct es_pending *p, struct es_jpiece *piece, u64 first, u64 last)
{
	interval_tree_remove(&piece->node, &p->tree);
	piece->node.start = first;
	piece->node.last = last;
	interval_tree_insert(&piece->node, &p->tree);
}

void es_piece_split(struct es_pending *p, struct es_jpiece *piece, u64 at,
		    struct es_jpiece *spare)
{
	u64 last = piece->node.last;

	set_range(p, piece, piece->node.start, at - 1);
	add_piece(p, spare, piece->ent, at, last, piece->flight);
	spare->failed = piece->failed;
	spare->stuck = piece->stuck;
}

struct es_jpiece *es_pending_find(struct es_pending *p, u64 first, u64 last)
{
	struct interval_tree_node *node = interval_tree_iter_first(&p->tree, first, last);

	return node ? container_of(node, struct es_jpiece, node) : NULL;
}

void es_pending_cut(struct es_pending *p, u64 first, u64 last, struct es_jpiece *spare)
{
	struct es_jpiece *old;

	while ((old = es_pending_find(p, first, last))) {
		u64 start = old->node.start, end = old->node.last;

		if (start < first && end > last) {
			es_piece_split(p, old, last + 1, spare);
			spare = NULL;
			set_range(p, old, start, first - 1);
		} else if (start < first) {
			set_range(p, old, start, first - 1);
		} else if (end > last) {
			set_range(p, old, last + 1, end);
		} else {
			remove_piece(p, old);
		}
	}
	if (spare)
		mempool_free(spare, &p->piece_pool);
}

void es_pending_insert(struct es_pending *p, struct es_jent *ent)
{
	u64 last = ent->e.sector + ent->e.nr - 1;
	struct es_jpiece *own = ent->own, *spare = ent->spare;

	ent->own = NULL;
	ent->spare = NULL;
	/* Who looks without the lock must not see that nothing is pending in between. */
	WRITE_ONCE(p->nr_pieces, p->nr_pieces + 1);
	es_pending_cut(p, ent->e.sector, last, spare);
	add_piece(p, own, ent, ent->e.sector, last, NULL);
	WRITE_ONCE(p->nr_pieces, p->nr_pieces - 1);
}

void es_jent_set_bad(struct es_pending *p, struct es_jent *ent)
{
	struct es_jpiece *piece;

	if (ent->bad)
		return;
	ent->bad = true;
	list_for_each_entry(piece, &ent->pieces, list)
		p->nr_bad++;
}

static void note_failure(struct es_pending *p, struct es_jpiece *piece)
{
	piece->stuck = piece->failed > p->since;
	piece->failed = p->round;
}

void es_pending_landed(struct es_pending *p, void *flight, u64 first, u64 last,
		       enum es_jlanding how)
{
	struct interval_tree_node *node, *next;

	for (node = interval_tree_iter_first(&p->tree, first, last); node; node = next) {
		struct es_jpiece *piece = container_of(node, struct es_jpiece, node);

		next = interval_tree_iter_next(node, first, last);
		if (piece->flight != flight)
			continue;
		piece->flight = NULL;
		if (how == ES_JLANDED) {
			remove_piece(p, piece);
			continue;
		}
		piece->ent->alone = true;
		if (how == ES_JLANDED_FAILED)
			note_failure(p, piece);
		else
			piece->failed = 0;
	}
}

void es_jent_drop_data(struct es_pending *p, struct es_jent *ent)
{
	struct es_jpiece *piece;
	u32 users = ent->refs;

	list_for_each_entry(piece, &ent->pieces, list)
		users--;
	if (users == 1)
		es_jent_set_data(p, ent, NULL);
}

/* --- life --- */

int es_pending_init(struct es_pending *p)
{
	p->tree = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&p->records);
	INIT_LIST_HEAD(&p->done);
	if (mempool_init_kmalloc_pool(&p->record_pool, POOL_RECORDS, sizeof(struct es_jrecord)) ||
	    mempool_init_kmalloc_pool(&p->ent_pool, POOL_ENTRIES, sizeof(struct es_jent)) ||
	    mempool_init_kmalloc_pool(&p->piece_pool, POOL_PIECES, sizeof(struct es_jpiece))) {
		es_pending_exit(p);
		return -ENOMEM;
	}
	return 0;
}

void es_pending_exit(struct es_pending *p)
{
	mempool_exit(&p->record_pool);
	mempool_exit(&p->ent_pool);
	mempool_exit(&p->piece_pool);
}

void es_pending_clear(struct es_pending *p)
{
	struct es_jrecord *rec, *next;
	struct interval_tree_node *node;

	while ((node = interval_tree_iter_first(&p->tree, 0, ULONG_MAX)))
		remove_piece(p, container_of(node, struct es_jpiece, node));
	list_for_each_entry_safe(rec, next, &p->records, list)
		es_jrecord_forget(p, rec);
}
