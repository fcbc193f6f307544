/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The chunk map: attaching a cleanly detached store without reading its log.
 *
 * Crash argument: (1) the map is written, at detach, behind the log into blocks
 * that nothing refers to; (2) the superblock that names it goes out with
 * PREFLUSH|FUA and says that the store is detached; (3) the next attach takes the
 * name out of the superblock, durably, before anything is appended over the map.
 * A map that does not match its checksum is not used.
 */
#ifndef ES_CHUNKMAP_H
#define ES_CHUNKMAP_H

#include "es_store.h"

/**
 * es_chunkmap_write - write the map of @copied behind the log.
 * @copied: a bit for each chunk of the origin at the snapshot's instant
 * @map: set to what the superblock has to say; unchanged when there is no room for
 *	a map, no need for one, or an error
 *
 * No append is in flight.  Sleeps.
 */
void es_chunkmap_write(struct es_store *store, const unsigned long *copied,
		       struct es_chunkmap *map);

/**
 * es_chunkmap_read - set the bits of @copied, all zero before, from the store's map.
 *
 * Returns 0 or a negative errno; then some bits may be set wrongly.  Sleeps.
 */
int es_chunkmap_read(struct es_store *store, unsigned long *copied);

#endif /* ES_CHUNKMAP_H */
