/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is there: chains by origin and by uuid, images and views by store.
 */
#ifndef ES_REGISTRY_H
#define ES_REGISTRY_H

#include "es_chain.h"
#include "es_image.h"

/*
 * Guards who is there, and which table of each is in force or about to be.  Never held over
 * I/O or an allocation: the device of one chain may lie below another chain, and be suspended.
 */
void es_chains_lock(void);
void es_chains_unlock(void);

/*
 * The chain of an origin; a new, unbound one if there is none.  Sleeps.  Returns a reference;
 * NULL: no memory.
 */
struct es_chain *es_chain_get(struct block_device *origin);

/* Drop a reference.  May sleep if it is the last. */
void es_chain_put(struct es_chain *chain);

/* The attached chain with @uuid, with a reference, or NULL.  Does not sleep. */
struct es_chain *es_chain_find(const u8 *uuid);

/* Is @chain, which the caller has entered as a reader, the one with @uuid? */
bool es_chain_has_uuid(const struct es_chain *chain, const u8 *uuid);

/* Set or, with NULL, clear the uuid under which es_chain_find finds the chain. */
void es_chain_set_uuid(struct es_chain *chain, const u8 *uuid);

/* Whether a chain other than @but has a store or journal on @dev or of @uuid.  Sleeps. */
bool es_chains_use(const struct es_chain *but, dev_t dev, const u8 *uuid);

/**
 * es_chain_claim - the stores and the journal of @table are @chain's from now on.
 *
 * Until es_chain_set_bound.  Returns 0, or -EBUSY (logged) when another chain has one of them.
 * Sleeps; caller holds es_chain.life.
 */
int es_chain_claim(struct es_chain *chain, struct es_origin *table);

/* The journal that @table leaves is nobody's now; returns its device, to be put, or NULL. */
struct dm_dev *es_chain_disclaim(struct es_origin *table);

/* @table, or none, is in force; the claim is over.  Sleeps; caller holds es_chain.life. */
void es_chain_set_bound(struct es_chain *chain, struct es_origin *table);

/* Images and views, for events; sleep. */
void es_image_register(struct es_image *image);
void es_image_unregister(struct es_image *image);

/* Whether an image or view reads from the chain @uuid. */
bool es_images_read(const u8 *uuid);

/* Whether a view writes to the store @uuid. */
bool es_images_own(const u8 *uuid);

#endif /* ES_REGISTRY_H */
