/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data path of an origin: what happens to each bio.
 */
#ifndef ES_ORIGIN_MAP_H
#define ES_ORIGIN_MAP_H

#include <linux/device-mapper.h>
#include "es_chain.h"

/**
 * struct es_origin_io - per bio.
 * @write: for the engine; its range also when the bio is passed on at once
 * @op: what the bio is
 * @sector, @nr: where it changes the origin; @nr 0: nowhere
 * @pin: what keeps a pending write in the journal while it is read
 */
struct es_origin_io {
	struct es_write write;
	enum es_op op;
	u32 nr;
	u64 sector;
	void *pin;
};

int es_origin_map(struct dm_target *ti, struct bio *bio);
/**
 * es_origin_issue - send a write, discard, ... that is not in a map function.
 * @bio: to the origin's device; a user's, or one of the journal's
 * @io: overwritten
 *
 * Old data first, as in es_origin_map.  May sleep.
 */
void es_origin_issue(struct es_chain *chain, struct bio *bio, struct es_origin_io *io);

/* Sectors [@sector, @sector + @nr) may hold something.  Any context. */
void es_origin_untrim(struct es_chain *chain, u64 sector, u64 nr);

int es_origin_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error);

#endif /* ES_ORIGIN_MAP_H */
