// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnapshot-view: constructor, suspend and resume, status.  Its life is in es_view.c, writing in
 * es_view_write.c, reading in es_image.c.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "es_area.h"
#include "es_args.h"
#include "es_chain.h"
#include "es_events.h"
#include "es_module.h"
#include "es_registry.h"
#include "es_view.h"

#define DM_MSG_PREFIX "esnapshot-view"

/* --- constructor --- */

/* The origin named must be the one the chain has, or its public device. */
static int check_origin(struct dm_target *ti, struct es_view_table *t, const struct es_store *base)
{
	struct es_chain *chain = es_chain_find(base->sb.chain_uuid);
	struct block_device *bdev = t->origin->bdev;
	bool ok = true;

	es_chains_lock();
	if (chain && chain->bound && bdev->bd_dev != chain->origin_dev)
		ok = bdev->bd_disk == dm_disk(es_chain_md(chain));
	es_chains_unlock();
	es_chain_put(chain);
	if (ok)
		return 0;
	DMERR("%pg: is not the origin of the snapshot in %pg", bdev, t->base->bdev);
	ti->error = "The origin device is not the snapshot's origin";
	return -EINVAL;
}

static int view_open_stores(struct dm_target *ti, struct es_view_table *t, char **argv,
			    struct es_store **own, struct es_store **base)
{
	int r;

	r = es_area_open(ti, argv[0], ES_KIND_VIEW, &t->dev, own);
	if (r)
		return r;
	r = dm_get_device(ti, argv[1], FMODE_READ, &t->origin);
	if (r) {
		ti->error = "Cannot open the origin device";
		goto out_with_own;
	}
	r = es_area_open(ti, argv[2], ES_KIND_SNAPSHOT, &t->base, base);
	if (!r)
		return 0;

	dm_put_device(ti, t->origin);
out_with_own:
	es_store_put(*own);
	dm_put_device(ti, t->dev);
	return r;
}

static int refuse_view(struct dm_target *ti, const struct es_store *own, enum es_fault fault)
{
	DMERR("%pg: refused as a view's store: byte 0: %s", own->bdev, es_fault_text(fault));
	ti->error = (char *)es_fault_text(fault);
	return -EINVAL;
}

static int view_setup(struct dm_target *ti, struct es_view_table *t, struct es_store *own,
		      struct es_store *base)
{
	enum es_fault fault = es_rules_view(&own->sb, &base->sb);
	int r;

	r = es_area_check(ti, base, t->serial);
	if (!r && fault)
		r = refuse_view(ti, own, fault);
	if (!r)
		r = check_origin(ti, t, base);
	if (r)
		return r;
	r = es_view_get(own, dm_table_get_md(ti->table), &t->view);
	if (r == -EBUSY)
		return refuse_view(ti, own, ES_FAULT_TWICE);
	if (!r) {
		r = es_image_init(&t->image, ti, base, t->view->store);
		if (r)
			es_view_put(t->view);
	}
	if (r)
		ti->error = "Out of memory";
	return r;
}

static int view_open(struct dm_target *ti, struct es_view_table *t, char **argv)
{
	struct es_store *own, *base;
	int r;

	r = view_open_stores(ti, t, argv, &own, &base);
	if (r)
		return r;
	r = view_setup(ti, t, own, base);
	es_store_put(own);
	es_store_put(base);
	if (r) {
		dm_put_device(ti, t->base);
		dm_put_device(ti, t->origin);
		dm_put_device(ti, t->dev);
	}
	return r;
}

static int view_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct es_view_table *t;
	int r;

	if (argc < 3 || argc > 4) {
		ti->error = "Want: <view store> <origin> <snapshot store> [<serial>]";
		return -EINVAL;
	}
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t) {
		ti->error = "Out of memory";
		return -ENOMEM;
	}
	r = es_args_serial(ti, argc > 3 ? argv[3] : NULL, &t->serial);
	if (!r)
		r = view_open(ti, t, argv);
	if (r) {
		kfree(t);
		return r;
	}
	ti->private = t;
	ti->num_flush_bios = 1;
	ti->num_discard_bios = 1;
	ti->discards_supported = true;
	ti->per_io_data_size = sizeof(struct es_view_io);
	return 0;
}

static void view_dtr(struct dm_target *ti)
{
	struct es_view_table *t = ti->private;

	es_image_exit(&t->image);
	es_view_unbind(t->view, t);
	es_view_put(t->view);
	dm_put_device(ti, t->base);
	dm_put_device(ti, t->origin);
	dm_put_device(ti, t->dev);
	kfree(t);
}

/* --- data path --- */

static int view_map(struct dm_target *ti, struct bio *bio)
{
	struct es_view_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct es_view_table *t = ti->private;

	io->image.chain = NULL;

	/* Records are durable when they are made: only data in place needs a flush. */
	if (bio->bi_opf & REQ_PREFLUSH || !bio_sectors(bio)) {
		bio_set_dev(bio, t->dev->bdev);
		return DM_MAPIO_REMAPPED;
	}

	switch (bio_op(bio)) {
	case REQ_OP_READ:
		return es_image_map_read(&t->image, bio, &io->image);
	case REQ_OP_WRITE:
		return es_view_map_write(t->view, bio, io);
	case REQ_OP_DISCARD:
		/* A hint; the view keeps what it has. */
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	default:
		return DM_MAPIO_KILL;
	}
}

static int view_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	struct es_view_io *io = dm_per_bio_data(bio, sizeof(*io));

	es_image_end_read(&io->image, error);
	return DM_ENDIO_DONE;
}

/* --- life --- */

static void view_presuspend(struct dm_target *ti)
{
	struct es_view_table *t = ti->private;

	/* Nothing could make room for writes that wait while we are suspended. */
	if (t->view->bound == t)
		es_engine_set_full_status(&t->view->engine, dm_noflush_suspending(ti) ?
					  BLK_STS_DM_REQUEUE : BLK_STS_NOSPC);
}

static int view_preresume(struct dm_target *ti)
{
	struct es_view_table *t = ti->private;
	unsigned int noio = memalloc_noio_save();
	int r;

	/* Memory must not wait for writes to the view: it is suspended. */
	r = es_view_bind(t->view, t);
	memalloc_noio_restore(noio);
	return r;
}

static void view_resume(struct dm_target *ti)
{
	struct es_view_table *t = ti->private;

	es_engine_set_full_status(&t->view->engine, BLK_STS_OK);
}

static const char *view_state(const struct es_view *view)
{
	if (view->failed)
		return "failed";
	if (es_engine_full(&view->engine))
		return "full";
	return es_store_low(view->store) ? "low" : "ok";
}

static void view_status(struct dm_target *ti, status_type_t type, unsigned int flags,
			char *result, unsigned int maxlen)
{
	struct es_view_table *t = ti->private;
	unsigned int sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		es_area_status(t->view->store, view_state(t->view), result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s %s %s", t->dev->name, t->origin->name, t->base->name);
		if (t->serial)
			DMEMIT(" %u", t->serial);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",store=%s,base=%s;", t->dev->name, t->base->name);
		break;
	}
}

static int view_message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
			unsigned int maxlen)
{
	struct es_view_table *t = ti->private;
	int percent = es_events_message(argc, argv);

	if (percent < 0)
		return percent;
	if (percent)
		es_events_low_water(t->view->store, percent);
	es_engine_look_for_space(&t->view->engine);
	return 0;
}

static int view_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct es_view_table *t = ti->private;

	return fn(ti, t->dev, 0, es_area_sectors(ti, t->dev->bdev), data);
}

static void view_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	struct es_view_table *t = ti->private;

	es_area_io_hints(t->image.base, limits);
	limits->discard_granularity = t->image.base->sb.chunk_sectors << SECTOR_SHIFT;
	limits->max_discard_sectors = round_down(UINT_MAX >> SECTOR_SHIFT,
						 t->image.base->sb.chunk_sectors);
	limits->max_hw_discard_sectors = limits->max_discard_sectors;
}

struct target_type es_view_target = {
	.name = "esnapshot-view",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_SINGLETON,
	.module = THIS_MODULE,
	.ctr = view_ctr,
	.dtr = view_dtr,
	.map = view_map,
	.end_io = view_end_io,
	.presuspend = view_presuspend,
	.presuspend_undo = view_resume,
	.preresume = view_preresume,
	.resume = view_resume,
	.status = view_status,
	.message = view_message,
	.iterate_devices = view_iterate_devices,
	.io_hints = view_io_hints,
};
