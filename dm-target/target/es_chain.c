// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain's life: created, bound to one table after another, unbound, freed.
 */
#include <linux/slab.h>
#include "es_chain_bind.h"
#include "es_chain_journal.h"
#include "es_fingerprint.h"
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
	mutex_init(&chain->life);
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

void es_chain_count_tables(struct es_chain *chain, int by)
{
	mutex_lock(&chain->life);
	chain->tables += by;
	if (!chain->tables)
		memset(chain->owed, 0, ES_UUID_SIZE);
	mutex_unlock(&chain->life);
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

void es_chain_stop_sealing(struct es_chain *chain)
{
	WRITE_ONCE(chain->seal_cancel, true);
	cancel_work_sync(&chain->seal_work);
	WRITE_ONCE(chain->seal_cancel, false);
}

void es_chain_use_map_lock(struct es_chain *chain, struct es_store **stores, u32 nr)
{
	while (nr--)
		stores[nr]->map_lock = &chain->map_lock;
}

void es_chain_set_stores(struct es_chain *chain, struct es_origin *table, u32 nr, u32 dropped)
{
	es_chain_use_map_lock(chain, table->stores, table->nr_stores);
	write_lock(&chain->map_lock);
	chain->stores = table->stores;
	chain->nr_stores = nr;
	chain->suspect -= min(chain->suspect, dropped);
	write_unlock(&chain->map_lock);
	es_chain_set_uuid(chain, nr ? table->stores[0]->sb.chain_uuid : NULL);
}

void es_chain_take_settings(struct es_chain *chain, struct es_origin *table)
{
	chain->origin = table->origin->bdev;
	chain->sectors = table->ti->len;
	chain->chunk_sectors = table->args.chunk_sectors;
	chain->chunk_shift = ilog2(table->args.chunk_sectors);
	chain->discard_copy = table->args.discard_copy;
	chain->on_full_error = table->args.on_full_error;
	chain->engine.timeout_seconds = table->args.queue_timeout;
}

struct es_store *es_chain_find_store(const struct es_chain *chain, const struct block_device *bdev,
				     u32 *hint)
{
	u32 n;

	lockdep_assert_held(&chain->life);
	for (n = 0; n < chain->nr_stores; n++) {
		u32 i = (*hint + n) % chain->nr_stores;

		if (chain->stores[i]->bdev == bdev) {
			*hint = i + 1;
			return chain->stores[i];
		}
	}
	return NULL;
}

/* --- binding --- */

struct dm_target *es_chain_target(const struct es_chain *chain)
{
	return chain->bound->ti;
}

struct mapped_device *es_chain_md(const struct es_chain *chain)
{
	return dm_table_get_md(es_chain_target(chain)->table);
}

static int bind(struct es_chain *chain, struct es_origin *table)
{
	int r;

	if (chain->bound && es_chain_md(chain) != dm_table_get_md(table->ti->table)) {
		DMERR("%pg: already has an esnapshot-org device", chain->origin);
		return -EBUSY;
	}
	r = chain->bound ? es_chain_change_to(chain, table) : es_chain_attach(chain, table);
	es_chain_set_bound(chain, r ? chain->bound : table);
	if (!r)
		es_chain_bits_free(table);
	return r;
}

int es_chain_bind(struct es_chain *chain, struct es_origin *table)
{
	int r;

	/* A plain resume waits for nobody. */
	if (READ_ONCE(chain->bound) == table)
		return 0;
	mutex_lock(&chain->life);
	r = bind(chain, table);
	if (!r && chain->nr_stores > 1)
		queue_work(es_image_wq, &chain->seal_work);
	mutex_unlock(&chain->life);
	return r;
}

/* What the origin holds now, durably; NULL: not known. */
static struct es_fingerprint *take_fingerprint(struct es_chain *chain)
{
	struct es_fingerprint *fp = kzalloc(sizeof(*fp), GFP_KERNEL);
	int r = -ENOMEM;

	if (fp)
		r = blkdev_issue_flush(chain->origin);
	if (!r)
		r = es_fingerprint_take(chain->origin, chain->sectors, chain->chunk_sectors,
					chain->copied, chain->trimmed, fp);
	if (!r)
		return fp;
	DMWARN("%pg: no fingerprint of the origin could be taken: error %d", chain->origin, r);
	kfree(fp);
	return NULL;
}

/*
 * Write the clean end: the origin's fingerprint, and that nobody is attached.  Crash argument:
 * (1) the origin is durable; (2) the superblock says what it is.  The other way round, after a
 * power cut in between, it would be another than the superblock says: suspect.
 */
static void detach_newest(struct es_chain *chain, struct es_store *newest)
{
	struct es_fingerprint *fp = take_fingerprint(chain);

	if (es_store_detach(newest, fp, chain->copied))
		DMWARN("%pg: was not detached cleanly, the next attach recovers", newest->bdev);
	kfree(fp);
}

static void unbind(struct es_chain *chain)
{
	struct es_store *newest = es_chain_newest(chain);

	es_readers_close(&chain->readers);
	es_chain_stop_sealing(chain);
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
	es_chain_set_bound(chain, NULL);
	kvfree(chain->copied);
	kvfree(chain->trimmed);
	chain->copied = NULL;
	chain->trimmed = NULL;
	chain->nr_chunks = 0;
}

/*
 * Reads that began before stores were dropped may still look at them: their devices are held until
 * here.  Nor may such a read find a chain valid again that became invalid meanwhile, and has no
 * store now.
 */
static void leave_dropped(struct es_chain *chain, const struct es_origin *table)
{
	es_readers_flush(&chain->readers);
	mutex_lock(&chain->life);
	if (chain->bound == table->successor && !chain->nr_stores)
		WRITE_ONCE(chain->mode, ES_MODE_OK);
	mutex_unlock(&chain->life);
}

void es_chain_unbind(struct es_chain *chain, const struct es_origin *table)
{
	mutex_lock(&chain->life);
	if (chain->bound == table)
		unbind(chain);
	mutex_unlock(&chain->life);
	if (table->successor)
		leave_dropped(chain, table);
}

int es_chain_accept_origin(struct es_chain *chain)
{
	int r = 0;
	u32 i;

	mutex_lock(&chain->life);
	for (i = 0; !r && i < chain->nr_stores; i++)
		if (chain->stores[i]->sb.flags & ES_SB_SUSPECT)
			r = es_store_set_flags(chain->stores[i], 0, ES_SB_SUSPECT);
	if (!r) {
		write_lock(&chain->map_lock);
		chain->suspect = 0;
		write_unlock(&chain->map_lock);
	}
	mutex_unlock(&chain->life);
	return r;
}
