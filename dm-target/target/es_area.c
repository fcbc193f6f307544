// SPDX-License-Identifier: GPL-2.0-only
/*
 * Common parts of esnapshot and esnapshot-view: see es_area.h.
 */
#include "es_area.h"
#include "es_chain.h"
#include "es_events.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot"

static enum es_fault open_kind(struct block_device *bdev, enum es_kind kind,
			       struct es_store **store, int *r)
{
	enum es_fault fault;

	*r = es_store_open(bdev, store, &fault);
	if (*r)
		return fault;
	if ((*store)->sb.kind == kind)
		return ES_OK;
	es_store_put(*store);
	*r = -EINVAL;
	return ES_FAULT_KIND;
}

int es_area_open(struct dm_target *ti, const char *path, enum es_kind kind, struct dm_dev **dev,
		 struct es_store **store)
{
	fmode_t mode = kind == ES_KIND_VIEW ? FMODE_READ | FMODE_WRITE : FMODE_READ;
	enum es_fault fault;
	int r;

	r = dm_get_device(ti, path, mode, dev);
	if (r) {
		ti->error = "Cannot open the store device";
		return r;
	}
	fault = open_kind((*dev)->bdev, kind, store, &r);
	if (!r)
		return 0;
	if (fault) {
		DMERR("%pg: refused as a store: byte 0: %s", (*dev)->bdev, es_fault_text(fault));
		ti->error = (char *)es_fault_text(fault);
	} else {
		ti->error = "Cannot read the store device";
	}
	dm_put_device(ti, *dev);
	return r;
}

int es_area_check(struct dm_target *ti, const struct es_store *store, u32 serial)
{
	if (serial && serial != store->sb.serial) {
		DMERR("%pg: holds serial %u, not %u", store->bdev, store->sb.serial, serial);
		ti->error = "The store has no snapshot with this serial";
		return -EINVAL;
	}
	if (ti->begin || ti->len != store->sb.origin_sectors) {
		DMERR("%pg: the snapshot has %llu sectors, the table wants %llu", store->bdev,
		      (unsigned long long)store->sb.origin_sectors,
		      (unsigned long long)ti->len);
		ti->error = "The length must be the origin's at the snapshot's instant";
		return -EINVAL;
	}
	return 0;
}

sector_t es_area_sectors(const struct dm_target *ti, struct block_device *bdev)
{
	return min_t(sector_t, ti->len, round_down(bdev_nr_sectors(bdev), ES_BLOCK_SECTORS));
}

void es_area_io_hints(const struct es_store *store, struct queue_limits *limits)
{
	unsigned int lbs = store->sb.origin_lbs;

	limits->logical_block_size = lbs;
	limits->physical_block_size = max(lbs, ES_BLOCK_SIZE);
	limits->io_min = max(lbs, ES_BLOCK_SIZE);
	limits->io_opt = 0;
	limits->alignment_offset = 0;
	limits->misaligned = 0;
}

void es_area_status(const struct es_store *store, const char *state, char *result,
		    unsigned int maxlen)
{
	unsigned int sz = 0;

	DMEMIT("%llu/%llu %llu %s %u", (unsigned long long)es_store_used_sectors(store),
	       (unsigned long long)es_store_total_sectors(store),
	       (unsigned long long)es_store_metadata_sectors(store), state,
	       READ_ONCE(store->low_percent));
}

/* State of position @i of an attached chain. */
static const char *chain_state(const struct es_chain *chain, u32 i)
{
	if (chain->mode == ES_MODE_INVALID)
		return "invalid";
	if (i < chain->suspect)
		return "failed";
	if (i + 1 < chain->nr_stores)
		return "ok";
	if (es_engine_full(&chain->engine))
		return "full";
	return es_store_low(chain->stores[i]) ? "low" : "ok";
}

int es_area_low_water(const struct es_store *base, u32 percent)
{
	struct es_chain *chain = es_chain_find(base->sb.chain_uuid);
	struct es_store *newest;
	int r = -ENXIO;

	if (chain) {
		read_lock(&chain->map_lock);
		newest = es_chain_newest(chain);
		if (newest && es_uuid_equal(newest->sb.store_uuid, base->sb.store_uuid)) {
			es_events_low_water(newest, percent);
			r = 0;
		}
		read_unlock(&chain->map_lock);
		if (!r)
			es_engine_look_for_space(&chain->engine);
		es_chain_put(chain);
	}
	if (r)
		DMWARN("%pg: low_water: it is not the newest store of a live chain", base->bdev);
	return r;
}

void es_area_status_chain(const struct es_store *base, char *result, unsigned int maxlen)
{
	struct es_chain *chain = es_chain_find(base->sb.chain_uuid);
	bool found = false;
	u32 i;

	if (chain) {
		read_lock(&chain->map_lock);
		for (i = 0; i < chain->nr_stores && !found; i++) {
			if (!es_uuid_equal(chain->stores[i]->sb.store_uuid, base->sb.store_uuid))
				continue;
			es_area_status(chain->stores[i], chain_state(chain, i), result, maxlen);
			found = true;
		}
		read_unlock(&chain->map_lock);
		es_chain_put(chain);
	}
	/* Its esnapshot-org is not loaded, or it was taken out of the chain. */
	if (!found)
		es_area_status(base, "failed", result, maxlen);
}
