/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is there: chains by origin and by uuid, images and views by store.
 */
#ifndef ES_REGISTRY_H
#define ES_REGISTRY_H

#include "es_chain.h"
#include "es_image.h"

/*
 * Held by whoever constructs, binds or destroys an esnapshot-org table, so that
 * the list of chains and the stores of each do not change meanwhile.
 */
void es_chains_lock(void);
void es_chains_unlock(void);

/**
 * es_chain_get - the chain of an origin; a new, unbound one if there is none.
 *
 * Caller holds es_chains_lock.  Returns a reference, ERR_PTR(-ENOMEM), or
 * ERR_PTR(-EBUSY) when another mapped device has this origin.
 */
struct es_chain *es_chain_get(struct block_device *origin, struct mapped_device *md);

/* Drop a reference.  May sleep if it is the last. */
void es_chain_put(struct es_chain *chain);

/* The attached chain with @uuid, with a reference, or NULL.  Does not sleep. */
struct es_chain *es_chain_find(const u8 *uuid);

/* Set or, with NULL, clear the uuid under which es_chain_find finds the chain. */
void es_chain_set_uuid(struct es_chain *chain, const u8 *uuid);

/* The chain other than @but that has a store on @dev or of @uuid.  Caller holds es_chains_lock. */
bool es_chains_use(const struct es_chain *but, dev_t dev, const u8 *uuid);

/* Images and views, for events; sleep. */
void es_image_register(struct es_image *image);
void es_image_unregister(struct es_image *image);

/* Whether an image or view reads from the chain @uuid. */
bool es_images_read(const u8 *uuid);

/* Whether a view writes to the store @uuid. */
bool es_images_own(const u8 *uuid);

#endif /* ES_REGISTRY_H */
