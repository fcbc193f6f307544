// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain's life: created, bound to one table after another, unbound, freed.
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
#include <linux/slab.h>
#include "es_chain.h"
#include "es_chain_journal.h"
#include "es_fingerprint.h"
#include "es_map.h"
#include "es_origin.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot-org"

static void seal_work(struct work_struct *work);

struct es_chain *es_chain_create(struct block_device *origin)
{
	struct es_chain *chain = kzalloc(sizeof(*chain), GFP_KERNEL);

	if (!chain)
		return NULL;
	kref_init(&chain->ref);
	chain->origin_dev = origin->bd_dev;
	rwlock_init(&chain->map_lock);
	es_readers_init(&chain->readers);
	INIT_WORK(&chain->seal_work, seal_work);
	INIT_DELAYED_WORK(&chain->mark_work, es_chain_mark_work);
	if (es_engine_init(&chain->engine, &es_chain_engine_ops, "esnapshot-org")) {
		kfree(chain);
		return NULL;
	}
	return chain;
}

void es_chain_destroy(struct es_chain *chain)
{
	es_engine_exit(&chain->engine);
	kfree(chain);
}

/* --- sealing in the background --- */

static void seal_work(struct work_struct *work)
{
	struct es_chain *chain = container_of(work, struct es_chain, seal_work);
	u32 i;

	/* The list cannot change: whoever changes it has stopped this work. */
	for (i = 0; i + 1 < chain->nr_stores && !READ_ONCE(chain->seal_cancel); i++) {
		struct es_store *store = chain->stores[i];
		int r = 0;

		if (store->sb.state == ES_STATE_ACTIVE)
			r = es_store_seal(store, &chain->seal_cancel);
		if (r && r != -EINTR)
			DMWARN("%pg: has no index, is read by its log: error %d", store->bdev, r);
	}
}

static void stop_sealing(struct es_chain *chain)
{
	WRITE_ONCE(chain->seal_cancel, true);
	cancel_work_sync(&chain->seal_work);
	WRITE_ONCE(chain->seal_cancel, false);
}

/* --- stores coming into use --- */

static const u8 nobody[ES_UUID_SIZE];

/*
 * Steps 1 to 3 for the fresh store @store, which follows @older (or NULL).  Returns 0 or a
 * negative errno; -ENOTRECOVERABLE: step 1 could not be taken back.
 */
static int start_snapshot(struct es_chain *chain, struct es_store *store, struct es_store *older)
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

static void use_map_lock(struct es_chain *chain, struct es_store **stores, u32 nr)
{
	while (nr--)
		stores[nr]->map_lock = &chain->map_lock;
}

/* Make the first @nr stores of @table those of the chain. */
static void set_stores(struct es_chain *chain, struct es_origin *table, u32 nr)
{
	use_map_lock(chain, table->stores, table->nr_stores);
	write_lock(&chain->map_lock);
	chain->stores = table->stores;
	chain->nr_stores = nr;
	write_unlock(&chain->map_lock);
	es_chain_set_uuid(chain, nr ? table->stores[0]->sb.chain_uuid : NULL);
}

static void take_settings(struct es_chain *chain, struct es_origin *table)
{
	chain->origin = table->origin->bdev;
	chain->sectors = table->ti->len;
	chain->chunk_sectors = table->args.chunk_sectors;
	chain->chunk_shift = ilog2(table->args.chunk_sectors);
	chain->discard_copy = table->args.discard_copy;
	chain->on_full_error = table->args.on_full_error;
	chain->engine.timeout_seconds = table->args.queue_timeout;
	chain->bound = table;
}

/* --- the first table: attach --- */

/* Was the origin written while the chain was detached?  Then nothing is served. */
static int check_origin(struct es_chain *chain, struct es_origin *table)
{
	struct es_store *last = NULL;
	bool same = true;
	u32 i;
	int r;

	for (i = 0; i < table->nr_stores; i++) {
		if (table->stores[i]->sb.epoch)
			last = table->stores[i];
		if (table->stores[i]->sb.flags & ES_SB_SUSPECT)
			chain->suspect = i + 1;
	}
	if (!last || (last->sb.flags & ES_SB_ATTACHED) || !last->sb.fp.nr ||
	    !es_uuid_is_null(last->sb.next_uuid))
		return 0;
	r = es_fingerprint_check(chain->origin, chain->sectors, &last->sb.fp, &same);
	if (r || same)
		return r;
	for (i = 0; i < table->nr_stores && table->stores[i] != last; i++)
		;
	chain->suspect = i + 1;
	es_store_report(last, ES_FAULT_FINGERPRINT, ES_SB_A_BLOCK);
	DMERR("%pg: snapshots up to serial %u are SUSPECT and not served (message accept_origin)",
	      chain->origin, last->sb.serial);
	return es_store_set_state(last, last->sb.state, ES_SB_SUSPECT, 0);
}

/* The table may be older than what became of its stores. */
static int check_members(const struct es_origin *table)
{
	enum es_fault fault;
	u32 i;

	for (i = 0; i < table->nr_stores; i++) {
		fault = es_rules_member(&table->stores[i]->sb, table->ti->len,
					table->args.chunk_sectors);
		if (fault) {
			es_store_report(table->stores[i], fault, ES_SB_A_BLOCK);
			return -EINVAL;
		}
	}
	return 0;
}

/* Attach the first @nr stores of @table, and its journal. */
static int attach_stores(struct es_chain *chain, struct es_origin *table, u32 nr)
{
	struct es_store *newest = table->stores[nr - 1];
	int r;

	r = check_members(table);
	if (r)
		return r;
	/* Chunks that cannot be read now would be lost to the snapshots when they are copied. */
	r = es_fingerprint_probe(chain->origin, chain->sectors);
	if (!r)
		r = es_chain_journal_recover(chain, table);
	if (!r)
		r = check_origin(chain, table);
	if (r)
		return r;
	bitmap_zero(chain->copied, chain->nr_chunks);
	if (newest->sb.epoch)
		r = es_store_attach(newest, NULL, es_chain_bits_mark, chain, chain->copied);
	else
		r = start_snapshot(chain, newest, nr > 1 ? table->stores[nr - 2] : NULL);
	if (r)
		return r;
	es_chain_bits_count(chain, newest);
	r = es_engine_use(&chain->engine, newest);
	if (!r)
		r = es_chain_journal_start(chain, table, newest);
	if (r) {
		es_engine_use(&chain->engine, NULL);
		es_store_end_append(newest);
	}
	return r;
}

/* --- a later table: change --- */

static void drop_stores(struct es_store **stores, u32 nr)
{
	u32 i;

	/* The newest first: it must never be attached again. */
	for (i = nr; i--;)
		if (es_store_set_state(stores[i], ES_STATE_REMOVED, 0, ES_SB_ATTACHED))
			DMCRIT("%pg: could not be marked as removed: do NOT attach it again",
			       stores[i]->bdev);
}

/* Make the fresh last store of @table the newest; false: it cannot be used. */
static bool add_newest(struct es_chain *chain, struct es_origin *table, struct es_store *older)
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
	/* The bits of the old newest are kept in case the new one fails. */
	swap(chain->copied, table->copied);
	bitmap_zero(chain->copied, chain->nr_chunks);
	es_chain_journal_settle(chain);
	r = start_snapshot(chain, store, older);
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

	uuids = es_kvmalloc((size_t)(n + table->nr_stores + 1) * sizeof(*uuids));
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

/* No store is left, or none ever was: nothing is needed. */
static void use_no_store(struct es_chain *chain)
{
	es_engine_use(&chain->engine, NULL);
	bitmap_fill(chain->copied, chain->nr_chunks);
	chain->nr_copied = 0;
	chain->mode = ES_MODE_OK;
}

/* The journal goes on, or a new one begins; a live origin goes on without one that cannot. */
static void change_journal(struct es_chain *chain, struct es_origin *table)
{
	struct es_store *newest = es_chain_newest(chain);

	if (!chain->journal && newest && es_chain_journal_start(chain, table, newest))
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

static int bind_change(struct es_chain *chain, struct es_origin *table)
{
	struct es_store **old = chain->stores, *newest = es_chain_newest(chain);
	bool leave = chain->journal && chain->journal != table->journal;
	struct es_change change;
	u32 nr = table->nr_stores;
	int r, undrained;
	u64 whole;

	r = es_chain_change(chain, table, &change);
	if (r)
		return r;
	undrained = es_chain_journal_halt(chain, change.add || leave);
	if (undrained && !nr) {
		/* Without a store nothing would tell that it must be replayed. */
		es_chain_journal_resume(chain);
		return undrained;
	}
	if (leave && !undrained)
		es_chain_journal_stop(chain, table);
	stop_sealing(chain);
	es_chain_mark_stop(chain);
	whole = unchanged_chunks(chain, table);
	take_settings(chain, table);
	use_map_lock(chain, table->stores, nr);
	if (chain->nr_chunks != es_chunks(chain->sectors, chain->chunk_sectors))
		es_chain_bits_grow(chain, table);
	es_chain_bits_forget_trimmed(chain, whole);
	if (change.add && (undrained || !add_newest(chain, table, newest))) {
		table->lost_newest = true;
		nr--;
	}
	if (!nr)
		use_no_store(chain);
	chain->suspect -= min(chain->suspect, change.drop);
	set_stores(chain, table, nr);
	drop_stores(old, change.drop);
	if (newest && newest != es_chain_newest(chain))
		es_store_end_append(newest);
	change_journal(chain, table);
	es_chain_mark_resume(chain);
	return 0;
}

/* --- binding --- */

/*
 * The last store is a new snapshot, but the journal holds older writes: they go to their
 * places first.
 */
static void add_late(struct es_chain *chain, struct es_origin *table)
{
	struct es_store *newest = es_chain_newest(chain);

	if (!es_chain_journal_halt(chain, true) && add_newest(chain, table, newest)) {
		set_stores(chain, table, table->nr_stores);
		es_store_end_append(newest);
	} else {
		table->lost_newest = true;
	}
	es_engine_set_full_status(&chain->engine, BLK_STS_OK);
	es_chain_journal_resume(chain);
}

static int bind_first(struct es_chain *chain, struct es_origin *table)
{
	u32 nr = es_chain_journal_stores(table);
	int r;

	chain->mode = ES_MODE_OK;
	chain->suspect = 0;
	chain->nr_copied = 0;
	take_settings(chain, table);
	es_chain_bits_swap(chain, table);
	bitmap_zero(chain->trimmed, chain->nr_chunks);
	bitmap_fill(chain->copied, chain->nr_chunks);
	use_map_lock(chain, table->stores, table->nr_stores);
	r = es_chain_journal_check(chain, table);
	if (!r && nr)
		r = attach_stores(chain, table, nr);
	if (r) {
		DMERR("%pg: attaching the chain failed: error %d", chain->origin, r);
		es_chain_bits_swap(chain, table);
		chain->bound = NULL;
		return r;
	}
	set_stores(chain, table, nr);
	es_chain_journal_resume(chain);
	es_readers_open(&chain->readers);
	if (nr < table->nr_stores)
		add_late(chain, table);
	return 0;
}

static struct mapped_device *table_md(const struct es_origin *table)
{
	return dm_table_get_md(table->ti->table);
}

struct dm_target *es_chain_target(const struct es_chain *chain)
{
	return chain->bound->ti;
}

int es_chain_bind(struct es_chain *chain, struct es_origin *table)
{
	int r = 0;

	es_chains_lock();
	if (!chain->bound)
		r = bind_first(chain, table);
	else if (table_md(chain->bound) != table_md(table))
		r = -EBUSY;
	else if (chain->bound != table)
		r = bind_change(chain, table);
	if (!r)
		es_chain_bits_free(table);
	if (!r && chain->nr_stores > 1)
		queue_work(es_image_wq, &chain->seal_work);
	es_chains_unlock();
	return r;
}

/* Write the clean end: the origin's fingerprint, and that nobody is attached. */
static void detach_newest(struct es_chain *chain, struct es_store *newest)
{
	struct es_fingerprint *fp = kzalloc(sizeof(*fp), GFP_KERNEL);

	if (fp && es_fingerprint_take(chain->origin, chain->sectors, chain->chunk_sectors,
				      chain->copied, fp)) {
		kfree(fp);
		fp = NULL;
	}
	if (!fp)
		DMWARN("%pg: no fingerprint of the origin could be taken", chain->origin);
	if (es_store_detach(newest, fp, chain->copied))
		DMWARN("%pg: was not detached cleanly, the next attach recovers", newest->bdev);
	kfree(fp);
}

void es_chain_unbind(struct es_chain *chain)
{
	struct es_store *newest = es_chain_newest(chain);

	es_readers_close(&chain->readers);
	stop_sealing(chain);
	es_chain_journal_end(chain);
	es_engine_use(&chain->engine, NULL);
	es_chain_mark_end(chain);
	if (newest && chain->mode == ES_MODE_OK)
		detach_newest(chain, newest);
	if (newest)
		es_store_end_append(newest);
	write_lock(&chain->map_lock);
	chain->stores = NULL;
	chain->nr_stores = 0;
	write_unlock(&chain->map_lock);
	es_chain_set_uuid(chain, NULL);
	chain->bound = NULL;
	kvfree(chain->copied);
	kvfree(chain->trimmed);
	chain->copied = NULL;
	chain->trimmed = NULL;
	chain->nr_chunks = 0;
}

int es_chain_accept_origin(struct es_chain *chain)
{
	int r = 0;
	u32 i;

	es_chains_lock();
	for (i = 0; !r && i < chain->nr_stores; i++)
		if (chain->stores[i]->sb.flags & ES_SB_SUSPECT)
			r = es_store_set_state(chain->stores[i], chain->stores[i]->sb.state, 0,
					       ES_SB_SUSPECT);
	if (!r) {
		write_lock(&chain->map_lock);
		chain->suspect = 0;
		write_unlock(&chain->map_lock);
	}
	es_chains_unlock();
	return r;
}
