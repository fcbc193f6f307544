/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a log's blocks one by one, at the speed of many at once.
 *
 * The replay machine wants one block at a time, and hints at what it will want
 * next (struct es_read_hint).  Hinted runs of blocks are read side by side and
 * kept until their place is needed for other ones.
 */
#ifndef ES_AHEAD_H
#define ES_AHEAD_H

#include <linux/blkdev.h>
#include "es_replay.h"

struct es_ahead;

/* A reader for @bdev.  Sleeps.  NULL: no memory. */
struct es_ahead *es_ahead_create(struct block_device *bdev);

/* Waits for what is being read.  NULL is fine. */
void es_ahead_destroy(struct es_ahead *ahead);

/**
 * es_ahead_read - read block @addr.
 * @block: ES_BLOCK_SIZE bytes
 *
 * Sleeps.  Returns 0 or a negative errno, which is about this block alone.
 */
int es_ahead_read(struct es_ahead *ahead, u64 addr, const struct es_read_hint *hint, void *block);

#endif /* ES_AHEAD_H */
