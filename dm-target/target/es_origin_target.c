// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnapshot-org: the origin with its chain.  Constructor, life, status.
 * The data path is in es_origin_map.c.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "es_args.h"
#include "es_chain_journal.h"
#include "es_io.h"
#include "es_map.h"
#include "es_module.h"
#include "es_origin.h"
#include "es_origin_map.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot-org"

/* --- constructor: checks everything, changes nothing --- */

static int refuse_store(struct es_origin *o, struct block_device *bdev, enum es_fault fault)
{
	DMERR("%pg: refused as a store: byte 0: %s", bdev, es_fault_text(fault));
	o->ti->error = (char *)es_fault_text(fault);
	return -EINVAL;
}

static int open_origin(struct es_origin *o)
{
	struct dm_target *ti = o->ti;
	int r;

	r = dm_get_device(ti, o->args.origin, dm_table_get_mode(ti->table), &o->origin);
	if (r) {
		ti->error = "Cannot open the origin device";
		return r;
	}
	if (ti->begin) {
		ti->error = "The target must start at sector 0";
		return -EINVAL;
	}
	if (ti->len > bdev_nr_sectors(o->origin->bdev)) {
		DMERR("%pg: has %llu sectors, the table wants %llu", o->origin->bdev,
		      (unsigned long long)bdev_nr_sectors(o->origin->bdev),
		      (unsigned long long)ti->len);
		ti->error = "The origin device is smaller than the table says";
		return -EINVAL;
	}
	return 0;
}

static int check_unused(struct es_origin *o, u32 i)
{
	struct block_device *bdev = o->devs[i]->bdev;
	u32 j;

	if (bdev == o->origin->bdev)
		return refuse_store(o, bdev, ES_FAULT_TWICE);
	for (j = 0; j < i; j++)
		if (o->devs[j]->bdev == bdev)
			return refuse_store(o, bdev, ES_FAULT_TWICE);
	return 0;
}

static int open_devices(struct es_origin *o)
{
	u32 n = o->args.nr_stores, i;
	int r;

	if (!n)
		return 0;
	o->devs = kvcalloc(n, sizeof(*o->devs), GFP_KERNEL);
	o->stores = kvcalloc(n, sizeof(*o->stores), GFP_KERNEL);
	if (!o->devs || !o->stores) {
		o->ti->error = "Out of memory";
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		r = dm_get_device(o->ti, o->args.stores[i], FMODE_READ | FMODE_WRITE, &o->devs[i]);
		if (r) {
			o->ti->error = "Cannot open a store device";
			return r;
		}
		o->nr_stores = i + 1;
		r = check_unused(o, i);
		if (r)
			return r;
	}
	return 0;
}

/* What the chain has in use is not read again. */
static int share_live(struct es_origin *o)
{
	struct es_chain *chain = o->chain;
	u32 i, hint = 0;
	int r = 0;

	mutex_lock(&chain->life);
	if (chain->bound && es_chain_md(chain) != dm_table_get_md(o->ti->table)) {
		o->ti->error = "The origin already has an esnapshot-org device";
		r = -EBUSY;
	}
	for (i = 0; !r && i < o->nr_stores; i++) {
		o->stores[i] = es_chain_find_store(chain, o->devs[i]->bdev, &hint);
		if (o->stores[i])
			es_store_get(o->stores[i]);
	}
	mutex_unlock(&chain->life);
	return r;
}

static int open_fresh_store(struct es_origin *o, u32 i)
{
	struct block_device *bdev = o->devs[i]->bdev;
	struct es_store *store;
	enum es_fault fault;
	int r;

	r = es_store_open(bdev, &o->stores[i], &fault);
	if (r && fault)
		return refuse_store(o, bdev, fault);
	if (r) {
		o->ti->error = "Cannot read a store device";
		return r;
	}
	store = o->stores[i];
	fault = es_rules_member(&store->sb, o->ti->len, o->args.chunk_sectors);
	if (!fault && store->sb.origin_lbs != bdev_logical_block_size(o->origin->bdev))
		fault = ES_FAULT_ORIGIN_LBS;
	if (!fault && es_chains_use(o->chain, bdev->bd_dev, store->sb.store_uuid))
		fault = ES_FAULT_TWICE;
	return fault ? refuse_store(o, bdev, fault) : 0;
}

static int open_store(struct es_origin *o, u32 i)
{
	struct block_device *bdev = o->devs[i]->bdev;
	enum es_fault fault;

	if (!o->stores[i])
		return open_fresh_store(o, i);
	fault = es_sb_check_device(&o->stores[i]->sb, es_bdev_blocks(bdev));
	return fault ? refuse_store(o, bdev, fault) : 0;
}

static int open_stores(struct es_origin *o)
{
	u32 n = o->nr_stores, i;
	enum es_fault fault;
	int r;

	for (i = 0; i < n; i++) {
		r = open_store(o, i);
		if (r)
			return r;
		fault = i ? es_rules_follows(&o->stores[i]->sb, &o->stores[i - 1]->sb) : ES_OK;
		if (fault)
			return refuse_store(o, o->devs[i]->bdev, fault);
	}
	fault = n ? es_rules_newest(&o->stores[n - 1]->sb) : ES_OK;
	return fault ? refuse_store(o, o->devs[n - 1]->bdev, fault) : 0;
}

static int alloc_bitmaps(struct es_origin *o)
{
	u64 chunks = es_chunks(o->ti->len, o->args.chunk_sectors);
	size_t bytes = BITS_TO_LONGS(chunks) * sizeof(long);

	if (chunks > ES_MAX_CHUNKS) {
		o->ti->error = (char *)es_fault_text(ES_FAULT_MANY_CHUNKS);
		return -EINVAL;
	}
	o->copied = kvzalloc(bytes, GFP_KERNEL);
	o->trimmed = kvzalloc(bytes, GFP_KERNEL);
	if (o->copied && o->trimmed)
		return 0;
	o->ti->error = "Out of memory for the chunk bitmaps";
	return -ENOMEM;
}

/* What may not change under a live chain. */
static int check_change(struct es_origin *o)
{
	struct es_chain *chain = o->chain;
	struct es_change change;
	int r;

	if (!chain->bound)
		return 0;
	if (chain->nr_stores && o->args.chunk_sectors != chain->chunk_sectors) {
		o->ti->error = "The chunk size of a live chain cannot change";
		return -EINVAL;
	}
	if (chain->nr_stores && o->ti->len < chain->sectors) {
		o->ti->error = "An origin with snapshots cannot shrink";
		return -EINVAL;
	}
	r = es_chain_change(chain, o, &change);
	if (!r && change.add && chain->mode == ES_MODE_INVALID) {
		o->ti->error = (char *)es_fault_text(ES_FAULT_INVALID);
		r = -EINVAL;
	}
	return r;
}

static int check_live(struct es_origin *o)
{
	int r;

	mutex_lock(&o->chain->life);
	r = check_change(o);
	mutex_unlock(&o->chain->life);
	return r;
}

static void origin_free(struct es_origin *o)
{
	u32 i;

	for (i = 0; i < o->nr_stores; i++) {
		es_store_put(o->stores[i]);
		dm_put_device(o->ti, o->devs[i]);
	}
	es_origin_close_journal(o);
	kvfree(o->stores);
	kvfree(o->devs);
	kvfree(o->copied);
	kvfree(o->trimmed);
	if (o->chain)
		es_chain_count_tables(o->chain, -1);
	es_chain_put(o->chain);
	if (o->origin)
		dm_put_device(o->ti, o->origin);
	kfree(o);
}

/*
 * No device is read, and no memory asked for, with es_chain.life held: a live origin must be able
 * to resume meanwhile.
 */
static int origin_open(struct es_origin *o)
{
	int r;

	r = open_origin(o);
	if (r)
		return r;
	o->chain = es_chain_get(o->origin->bdev);
	if (!o->chain) {
		o->ti->error = "Out of memory";
		return -ENOMEM;
	}
	es_chain_count_tables(o->chain, 1);
	r = open_devices(o);
	if (!r)
		r = share_live(o);
	if (!r)
		r = open_stores(o);
	if (!r)
		r = check_live(o);
	if (!r)
		r = es_origin_open_journal(o);
	return r ? r : alloc_bitmaps(o);
}

static int origin_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct es_origin *o;
	int r;

	o = kzalloc(sizeof(*o), GFP_KERNEL);
	if (!o) {
		ti->error = "Out of memory";
		return -ENOMEM;
	}
	o->ti = ti;
	r = es_args_origin(ti, argc, argv, &o->args);
	if (r) {
		kfree(o);
		return r;
	}
	r = origin_open(o);
	if (r) {
		origin_free(o);
		return r;
	}

	o->args.origin = NULL;	/* argv is gone after this */
	o->args.stores = NULL;
	o->args.journal = NULL;
	ti->private = o;
	ti->num_flush_bios = 1;
	ti->num_discard_bios = 1;
	ti->num_secure_erase_bios = !o->journal; /* a journal keeps what was written */
	ti->num_write_zeroes_bios = 1;
	ti->per_io_data_size = sizeof(struct es_origin_io);
	return 0;
}

static void origin_dtr(struct dm_target *ti)
{
	struct es_origin *o = ti->private;
	unsigned int noio = memalloc_noio_save();

	es_chain_unbind(o->chain, o);
	memalloc_noio_restore(noio);
	origin_free(o);
}

/* --- suspend and resume --- */

static void origin_presuspend(struct dm_target *ti)
{
	struct es_origin *o = ti->private;

	/* Writes that wait for space would keep a noflush suspend from ending. */
	if (dm_noflush_suspending(ti) && o->chain->bound == o) {
		es_engine_set_full_status(&o->chain->engine, BLK_STS_DM_REQUEUE);
		es_chain_journal_push_back(o->chain, true);
	}
}

static int origin_preresume(struct dm_target *ti)
{
	struct es_origin *o = ti->private;
	unsigned int noio = memalloc_noio_save();
	int r;

	/* Memory must not wait for writes to the origin: it is suspended. */
	r = es_chain_bind(o->chain, o);
	memalloc_noio_restore(noio);
	return r;
}

static void origin_resume(struct dm_target *ti)
{
	struct es_origin *o = ti->private;

	es_engine_set_full_status(&o->chain->engine, BLK_STS_OK);
	es_chain_journal_push_back(o->chain, false);
}

/* --- status and messages --- */

static const char *origin_state(const struct es_origin *o)
{
	const struct es_chain *chain = o->chain;

	if (chain->bound != o)
		return "inactive";
	if (chain->mode == ES_MODE_INVALID)
		return "invalid";
	if (o->lost_newest)
		return "failed";
	if (chain->suspect)
		return "suspect";
	return es_engine_full(&chain->engine) ? "full" : "ok";
}

/* The journal's part: in the middle, as where there is none, and at the end. */
static const struct es_journal *status_journal(const struct es_origin *o)
{
	return o->chain->bound == o ? o->chain->journal : NULL;
}

static void status_info(struct es_origin *o, char *result, unsigned int maxlen)
{
	const struct es_chain *chain = o->chain;
	const struct es_journal *j = status_journal(o);
	bool bound = chain->bound == o;
	unsigned int sz = 0;

	DMEMIT("%s %u %u %llu/%llu %d ", origin_state(o), o->args.chunk_sectors, o->nr_stores,
	       bound ? (unsigned long long)READ_ONCE(chain->nr_copied) : 0,
	       (unsigned long long)es_chunks(o->ti->len, o->args.chunk_sectors),
	       bound ? atomic_read(&chain->engine.queued) : 0);
	if (j)
		DMEMIT("%llu/%llu %s %llu %llu", READ_ONCE(j->stat.used_blocks) * ES_BLOCK_SECTORS,
		       es_ring_blocks(&j->ring) * ES_BLOCK_SECTORS, es_journal_state(j),
		       READ_ONCE(j->stat.kept_blocks) * ES_BLOCK_SECTORS,
		       div_u64(READ_ONCE(j->stat.oldest), NSEC_PER_SEC));
	else
		DMEMIT("- %s", o->lost_journal ? "failed" : "-");
}

static void status_table(struct es_origin *o, char *result, unsigned int maxlen)
{
	const struct es_origin_args *a = &o->args;
	bool timeout = a->queue_timeout != ES_DEFAULT_QUEUE_TIMEOUT;
	unsigned int features = a->on_full_error + timeout + a->discard_copy;
	unsigned int sz = 0;
	u32 i;

	DMEMIT("%s %u %s %u", o->origin->name, a->chunk_sectors, o->jdev ? o->jdev->name : "-",
	       o->nr_stores);
	for (i = 0; i < o->nr_stores; i++)
		DMEMIT(" %s", o->devs[i]->name);
	if (features)
		DMEMIT(" %u", features);
	if (a->on_full_error)
		DMEMIT(" on_full=error");
	if (timeout)
		DMEMIT(" queue_timeout=%u", a->queue_timeout);
	if (a->discard_copy)
		DMEMIT(" discard=copy");
}

static void status_ima(struct es_origin *o, char *result, unsigned int maxlen)
{
	unsigned int sz = 0;

	DMEMIT_TARGET_NAME_VERSION(o->ti->type);
	DMEMIT(",origin=%s,chunk_sectors=%u,journal=%s,stores=%u;", o->origin->name,
	       o->args.chunk_sectors, o->jdev ? o->jdev->name : "-", o->nr_stores);
}

static void origin_status(struct dm_target *ti, status_type_t type, unsigned int flags,
			  char *result, unsigned int maxlen)
{
	switch (type) {
	case STATUSTYPE_INFO:
		status_info(ti->private, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		status_table(ti->private, result, maxlen);
		break;
	case STATUSTYPE_IMA:
		status_ima(ti->private, result, maxlen);
		break;
	}
}

static int origin_message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
			  unsigned int maxlen)
{
	struct es_origin *o = ti->private;

	if (o->chain->bound == o && argc == 1 && !strcasecmp(argv[0], "accept_origin"))
		return es_chain_accept_origin(o->chain);
	if (o->chain->bound == o && argc == 1 && !strcasecmp(argv[0], "drain"))
		return es_chain_journal_drain(o->chain);
	DMWARN("unknown message %s: want accept_origin or drain", argc ? argv[0] : "");
	return -EINVAL;
}

static int origin_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct es_origin *o = ti->private;

	return fn(ti, o->origin, 0, ti->len, data);
}

struct target_type es_origin_target = {
	.name = "esnapshot-org",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_IMMUTABLE | DM_TARGET_SINGLETON,
	.module = THIS_MODULE,
	.ctr = origin_ctr,
	.dtr = origin_dtr,
	.map = es_origin_map,
	.end_io = es_origin_end_io,
	.presuspend = origin_presuspend,
	.presuspend_undo = origin_resume,
	.preresume = origin_preresume,
	.resume = origin_resume,
	.status = origin_status,
	.message = origin_message,
	.iterate_devices = origin_iterate_devices,
};
