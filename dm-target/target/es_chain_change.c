// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain's later tables: the oldest stores go, a new snapshot is taken.
 *
 * Taking a new snapshot (law: nothing is served that is not proven), with the
 * origin suspended and no copy under way:
 *   1. the old newest store durably names its successor;
 *   2. the new store is durably attached (epoch 1, empty);
 *   3. the ranges trimmed before are durably recorded in it as zero extents;
 *   4. it becomes the newest in memory, the bits are cleared but for step 3.
 * A crash after 1: the old store is refused as newest, the new one is still
 * fresh and no write happened since.  After 2 or 3: the new one is the newest,
 * as it should.  If 2 or 3 fail, step 1 is taken back and the old one goes on; a new one
 * that was attached is refused from then on, because nobody names it.  If step 1 cannot be
 * taken back, the old one says on disk that its log has ended, and must not go on: what it
 * took would be forgotten by the next attach.
 */
#include <linux/bitmap.h>
#include "es_chain_bind.h"
#include "es_chain_journal.h"
#include "es_map.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot-org"

static const u8 nobody[ES_UUID_SIZE];

int es_chain_start_snapshot(struct es_chain *chain, struct es_store *store,
			    struct es_store *older)
{
	bool link = older && es_uuid_is_null(older->sb.next_uuid);
	const u8 *journal = older ? older->sb.journal_uuid : NULL;
	int r = 0;

	if (link)
		r = es_store_set_next(older, store->sb.store_uuid);
	if (!r)
		r = es_store_attach(store, journal, es_chain_bits_mark, chain, NULL);
	if (!r)
		r = es_chain_bits_record_trimmed(chain, store);
	if (r && link && es_store_set_next(older, nobody)) {
		DMERR("%pg: still names a successor that is not in use", older->bdev);
		r = -ENOTRECOVERABLE;
	}
	return r;
}

static void drop_stores(struct es_store **stores, u32 nr)
{
	u32 i;

	/* The newest first: it must never be attached again. */
	for (i = nr; i--;)
		if (es_store_set_final(stores[i], ES_STATE_REMOVED))
			DMCRIT("%pg: could not be marked as removed: do NOT attach it again",
			       stores[i]->bdev);
}

bool es_chain_add_newest(struct es_chain *chain, struct es_origin *table, struct es_store *older)
{
	struct es_store *store = table->stores[table->nr_stores - 1];
	int r;

	/* Copies that are still on their way mark their bits before those are exchanged. */
	es_engine_settle(&chain->engine);
	if (chain->mode == ES_MODE_INVALID || !es_chain_bits_alloc(chain, table)) {
		DMERR("%pg: no snapshot was taken: %s", store->bdev,
		      chain->mode == ES_MODE_INVALID ? es_fault_text(ES_FAULT_INVALID) :
						       "no memory");
		return false;
	}
	if (es_store_check_current(store))
		return false;
	/* The bits of the old newest are kept in case the new one fails. */
	swap(chain->copied, table->copied);
	bitmap_zero(chain->copied, chain->nr_chunks);
	es_chain_journal_settle(chain);
	r = es_chain_start_snapshot(chain, store, older);
	if (!r)
		r = es_engine_use(&chain->engine, store);
	if (r) {
		DMERR("%pg: the new store cannot be used: no snapshot was taken", store->bdev);
		swap(chain->copied, table->copied);
		if (r == -ENOTRECOVERABLE)
			es_chain_invalidate(chain, "the newest store says that it has ended");
		return false;
	}
	es_chain_bits_count(chain, store);
	return true;
}

int es_chain_change(struct es_chain *chain, struct es_origin *table, struct es_change *change)
{
	struct es_uuid *uuids;
	u32 i, n = chain->nr_stores;
	enum es_fault fault;

	uuids = es_kvmalloc((size_t)(n + table->nr_stores + 1) * sizeof(*uuids), ES_TRY_HARD);
	if (!uuids)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		memcpy(uuids[i].b, chain->stores[i]->sb.store_uuid, ES_UUID_SIZE);
	for (i = 0; i < table->nr_stores; i++)
		memcpy(uuids[n + i].b, table->stores[i]->sb.store_uuid, ES_UUID_SIZE);
	fault = es_rules_change(uuids, n, uuids + n, table->nr_stores,
				i ? &table->stores[i - 1]->sb : NULL, change);
	kvfree(uuids);
	if (!fault)
		return 0;
	DMERR("%pg: %s", table->origin->bdev, es_fault_text(fault));
	table->ti->error = (char *)es_fault_text(fault);
	return -EINVAL;
}

/*
 * No store is left, or none ever was: nothing is needed.  Reads under way may look at the origin,
 * where no write waits for them any more: they fail.
 */
static void need_nothing(struct es_chain *chain)
{
	if (chain->nr_stores)
		WRITE_ONCE(chain->mode, ES_MODE_INVALID); /* until es_chain_unbind */
	smp_mb();	/* pairs with the one in es_image_leave */
	es_engine_use(&chain->engine, NULL);
	bitmap_fill(chain->copied, chain->nr_chunks);
	chain->nr_copied = 0;
}

/* The journal goes on, or a new one begins; a live origin goes on without one that cannot. */
static void change_journal(struct es_chain *chain, struct es_origin *table, bool claimed)
{
	struct es_store *newest = es_chain_newest(chain);

	if (!chain->journal && newest && table->journal &&
	    (!claimed || es_chain_journal_start(chain, table, newest)))
		table->lost_journal = true;
	else if (chain->journal && chain->journal != table->journal)
		DMERR("%pg: not drained, stays in use: load the table again later",
		      chain->journal->bdev);
	es_chain_journal_resume(chain);
}

/* How many chunks mean the same in @table as before. */
static u64 unchanged_chunks(const struct es_chain *chain, const struct es_origin *table)
{
	if (chain->chunk_sectors != table->args.chunk_sectors)
		return 0;
	if (chain->sectors == table->ti->len)
		return chain->nr_chunks;
	return chain->sectors >> chain->chunk_shift;
}

/* The table may have been loaded before another one brought a store or the journal into use. */
static void share_live(struct es_chain *chain, struct es_origin *table)
{
	struct es_journal *j = chain->journal;
	u32 i, hint = 0;

	for (i = 0; i < table->nr_stores; i++) {
		struct es_store *own = table->stores[i], *live;

		live = es_chain_find_store(chain, own->bdev, &hint);
		if (!live || live == own ||
		    !es_uuid_equal(live->sb.store_uuid, own->sb.store_uuid))
			continue;
		es_store_get(live);
		table->stores[i] = live;
		es_store_put(own);
	}
	if (j && table->journal && table->journal != j && table->journal->bdev == j->bdev &&
	    es_uuid_equal(table->journal->sb.journal_uuid, j->sb.journal_uuid)) {
		es_journal_get(j);
		es_journal_put(table->journal);
		table->journal = j;
	}
}

/*
 * The journal to rest, and drained if the change wants that.  All stores go, and the newest is
 * full: what is pending need not be copied any more.  An origin that has failed a flush may need
 * what the ring keeps: that stays.
 */
static int halt_journal(struct es_chain *chain, bool drain, bool no_store)
{
	if (!no_store)
		return es_chain_journal_halt(chain, drain);
	return es_chain_journal_halt_anyway(chain, drain,
					    "its stores are taken out, and the newest is full");
}

int es_chain_change_to(struct es_chain *chain, struct es_origin *table)
{
	struct es_store **old = chain->stores, *newest = es_chain_newest(chain);
	struct es_change change;
	u32 nr = table->nr_stores;
	bool claimed, leave, gone, shorter;
	int r, undrained;
	u64 whole;

	r = es_chain_change(chain, table, &change);
	if (r)
		return r;
	share_live(chain, table);
	leave = chain->journal && chain->journal != table->journal;
	gone = chain->nr_stores && change.drop == chain->nr_stores;
	shorter = table->ti->len < chain->sectors;
	undrained = halt_journal(chain, change.add || leave || shorter, !nr);
	if (undrained && (shorter || (gone && chain->mode != ES_MODE_INVALID) ||
			  (leave && !table->leaving))) {
		/* Without these stores nothing would tell that it must be replayed. */
		es_chain_journal_resume(chain);
		return undrained;
	}
	es_engine_quiet(&chain->engine);
	claimed = !es_chain_claim(chain, table);
	if (leave && !undrained)
		es_chain_journal_stop(chain, table);
	es_chain_stop_sealing(chain);
	es_chain_mark_stop(chain);
	whole = unchanged_chunks(chain, table);
	es_chain_take_settings(chain, table);
	es_chain_use_map_lock(chain, table->stores, nr);
	if (chain->nr_chunks != es_chunks(chain->sectors, chain->chunk_sectors)) {
		/* A copy that waits for a reader still has a bit to set. */
		es_engine_settle(&chain->engine);
		es_chain_bits_grow(chain, table);
	}
	es_chain_bits_forget_trimmed(chain, whole);
	if (change.add && (!claimed || undrained || !es_chain_add_newest(chain, table, newest))) {
		table->lost_newest = true;
		nr--;
	}
	if (!nr && chain->journal && !undrained) {
		/* Nothing would name it. */
		es_chain_journal_stop(chain, table);
		table->lost_journal = true;
	}
	if (!nr)
		need_nothing(chain);
	es_chain_set_stores(chain, table, nr, change.drop);
	drop_stores(old, change.drop);
	if (newest && newest != es_chain_newest(chain))
		es_store_end_append(newest);
	if (change.drop || !nr)
		chain->bound->successor = table;
	es_chain_set_bound(chain, table);
	change_journal(chain, table, claimed);
	es_chain_mark_resume(chain);
	return 0;
}
