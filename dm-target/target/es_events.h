/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm events on images and views when the state of their area changes.
 */
#ifndef ES_EVENTS_H
#define ES_EVENTS_H

#include "es_store.h"

/* Raise an event on every image or view of @store.  Sleeps. */
void es_events_signal(struct es_store *store);

/**
 * es_events_usage - raise an event when @store has crossed its low-water mark.
 * @blocks: under way to it; they count as used, so that the event comes while there
 *	is still room for what is written until somebody has acted on it
 *
 * Low stays low until the store grows or the mark is moved: what was under way may end
 * elsewhere, and the state would go to and fro.  By the appending worker only.  Sleeps.
 */
void es_events_usage(struct es_store *store, u32 blocks);

/* Move the low-water mark to @percent; the worker sees it when it looks next.  Any context. */
void es_events_low_water(struct es_store *store, u32 percent);

/* Whether @store is beyond the low-water mark.  Does not sleep. */
bool es_store_low(const struct es_store *store);

/**
 * es_events_message - the messages of images and views.
 *
 * Returns 1 to 100 for "low_water <percent>", 0 for "grown" (the store's device may have
 * more room), or -EINVAL with the reason logged.
 */
int es_events_message(unsigned int argc, char **argv);

#endif /* ES_EVENTS_H */
