/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What esnapshot and esnapshot-view have in common: a store that stands for a device.
 */
#ifndef ES_AREA_H
#define ES_AREA_H

#include <linux/device-mapper.h>
#include "es_store.h"

/**
 * es_area_open - open a store device and read its superblock.
 * @kind: the kind it must be
 *
 * On error ti->error is set, the log says why, and nothing is left open.
 */
int es_area_open(struct dm_target *ti, const char *path, enum es_kind kind, struct dm_dev **dev,
		 struct es_store **store);

/* Does the target fit the snapshot in @store: its length, and @serial if not 0? */
int es_area_check(struct dm_target *ti, const struct es_store *store, u32 serial);

/* How much of @ti the store's device @bdev stands for, in whole blocks of any size. */
sector_t es_area_sectors(const struct dm_target *ti, struct block_device *bdev);

/* The limits of a device that shows @store's origin. */
void es_area_io_hints(const struct es_store *store, struct queue_limits *limits);

/* Status line of the store as its chain knows it; @base is only its identity. */
void es_area_status_chain(const struct es_store *base, char *result, unsigned int maxlen);

/* Move the low-water mark of the newest store of @base's chain, if that is @base's. */
int es_area_low_water(const struct es_store *base, u32 percent);

/* Status line of @store; @state: ok, low, full, invalid or failed. */
void es_area_status(const struct es_store *store, const char *state, char *result,
		    unsigned int maxlen);

#endif /* ES_AREA_H */
