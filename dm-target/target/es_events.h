/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm events on images and views when the state of their area changes.
 */
#ifndef ES_EVENTS_H
#define ES_EVENTS_H

#include "es_store.h"

/* Percentage of an area in use from which it counts as low on space. */
#define ES_LOW_WATER_PERCENT 70u

/* Raise an event on every image or view of @store.  Sleeps. */
void es_events_signal(struct es_store *store);

/* Raise one when @store has crossed the low-water mark since the last call.  Sleeps. */
void es_events_usage(struct es_store *store);

/* Whether @store is beyond the low-water mark.  Does not sleep. */
bool es_store_low(const struct es_store *store);

#endif /* ES_EVENTS_H */
