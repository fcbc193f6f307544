/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fingerprints of an origin: was it written while nobody watched?
 *
 * Taken at a clean detach, compared at the next attach (law L8).  A sample can
 * only prove a change, never its absence.
 */
#ifndef ES_FINGERPRINT_H
#define ES_FINGERPRINT_H

#include "es_io.h"

/**
 * es_fingerprint_probe - is the origin there at all: can its first or its last block be read?
 *
 * Sleeps.  Returns 0 or a negative errno.
 */
int es_fingerprint_probe(struct block_device *origin, u64 sectors);

/**
 * es_fingerprint_take - sample the first block, the last one, and unchanged chunks between.
 * @copied: bit set: the chunk's content does not matter to any snapshot
 * @trimmed: bit set: it was discarded, and may read as anything, another time as something else
 *
 * Discarded blocks, and blocks that cannot be read, are left out.  Sleeps.  Returns 0 (perhaps
 * with no sample), or a negative errno: no memory, or nothing could be read.
 */
int es_fingerprint_take(struct block_device *origin, u64 sectors, u32 chunk_sectors,
			const unsigned long *copied, const unsigned long *trimmed,
			struct es_fingerprint *fp);

/**
 * es_fingerprint_check - compare the origin with @fp.
 * @fp: with at least one sample
 * @same: set
 *
 * Blocks that cannot be read are passed over.  Sleeps.  Returns 0, or a negative errno: no
 * memory, or nothing could be read.
 */
int es_fingerprint_check(struct block_device *origin, u64 sectors,
			 const struct es_fingerprint *fp, bool *same);

#endif /* ES_FINGERPRINT_H */
