// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnapshot: the read-only image of a snapshot.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include "es_args.h"
#include "es_area.h"
#include "es_events.h"
#include "es_image.h"
#include "es_module.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot"

/**
 * struct es_snapshot - the private data of an esnapshot target.
 * @image: reads it
 * @dev: the store's device
 * @serial: as given in the table, 0: left out
 */
struct es_snapshot {
	struct es_image image;
	struct dm_dev *dev;
	u32 serial;
};

static int snapshot_open(struct dm_target *ti, struct es_snapshot *s, const char *path)
{
	struct es_store *store;
	int r;

	r = es_area_open(ti, path, ES_KIND_SNAPSHOT, &s->dev, &store);
	if (r)
		return r;
	r = es_area_check(ti, store, s->serial);
	if (!r)
		r = es_image_init(&s->image, ti, store, NULL);
	es_store_put(store);
	if (r)
		dm_put_device(ti, s->dev);
	return r;
}

static int snapshot_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct es_snapshot *s;
	int r;

	if (argc < 1 || argc > 2) {
		ti->error = "Want: <store> [<serial>]";
		return -EINVAL;
	}
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s) {
		ti->error = "Out of memory";
		return -ENOMEM;
	}
	r = es_args_serial(ti, argc > 1 ? argv[1] : NULL, &s->serial);
	if (!r)
		r = snapshot_open(ti, s, argv[0]);
	if (r) {
		kfree(s);
		return r;
	}
	ti->private = s;
	ti->num_flush_bios = 1;
	ti->flush_supported = true;
	ti->per_io_data_size = sizeof(struct es_image_io);
	return 0;
}

static void snapshot_dtr(struct dm_target *ti)
{
	struct es_snapshot *s = ti->private;

	es_image_exit(&s->image);
	dm_put_device(ti, s->dev);
	kfree(s);
}

static int snapshot_map(struct dm_target *ti, struct bio *bio)
{
	struct es_image_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct es_snapshot *s = ti->private;

	io->chain = NULL;

	/* Nothing is ever written, so there is nothing to flush. */
	if (bio->bi_opf & REQ_PREFLUSH) {
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (bio_op(bio) != REQ_OP_READ)
		return DM_MAPIO_KILL;
	return es_image_map_read(&s->image, bio, io);
}

static int snapshot_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	es_image_end_read(dm_per_bio_data(bio, sizeof(struct es_image_io)), error);
	return DM_ENDIO_DONE;
}

/* The area may have been grown under us: the chain's writes may go on. */
static void snapshot_resume(struct dm_target *ti)
{
	struct es_snapshot *s = ti->private;
	struct es_chain *chain = es_chain_find(s->image.base->sb.chain_uuid);

	if (!chain)
		return;
	es_engine_look_for_space(&chain->engine);
	es_chain_put(chain);
}

static void snapshot_status(struct dm_target *ti, status_type_t type, unsigned int flags,
			    char *result, unsigned int maxlen)
{
	struct es_snapshot *s = ti->private;
	unsigned int sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		es_area_status_chain(s->image.base, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s", s->dev->name);
		if (s->serial)
			DMEMIT(" %u", s->serial);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",store=%s,serial=%u;", s->dev->name, s->image.base->sb.serial);
		break;
	}
}

static int snapshot_message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
			    unsigned int maxlen)
{
	struct es_snapshot *s = ti->private;
	int percent = es_events_message(argc, argv);

	if (percent > 0)
		return es_area_low_water(s->image.base, percent);
	if (!percent)
		snapshot_resume(ti);	/* says what a resume says, without stopping anything */
	return percent;
}

static int snapshot_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn,
				    void *data)
{
	struct es_snapshot *s = ti->private;

	return fn(ti, s->dev, 0, es_area_sectors(ti, s->dev->bdev), data);
}

static void snapshot_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	struct es_snapshot *s = ti->private;

	es_area_io_hints(s->image.base, limits);
}

struct target_type es_snapshot_target = {
	.name = "esnapshot",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_SINGLETON,
	.module = THIS_MODULE,
	.ctr = snapshot_ctr,
	.dtr = snapshot_dtr,
	.map = snapshot_map,
	.end_io = snapshot_end_io,
	.resume = snapshot_resume,
	.status = snapshot_status,
	.message = snapshot_message,
	.iterate_devices = snapshot_iterate_devices,
	.io_hints = snapshot_io_hints,
};
