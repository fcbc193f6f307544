/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data path of an origin: what happens to each bio.
 */
#ifndef ES_ORIGIN_MAP_H
#define ES_ORIGIN_MAP_H

#include <linux/device-mapper.h>
#include "es_engine.h"

/**
 * struct es_origin_io - per bio.
 * @write: for the engine; its range also when the bio is passed on at once
 * @op: what the bio is
 */
struct es_origin_io {
	struct es_write write;
	enum es_op op;
};

int es_origin_map(struct dm_target *ti, struct bio *bio);
int es_origin_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error);

#endif /* ES_ORIGIN_MAP_H */
