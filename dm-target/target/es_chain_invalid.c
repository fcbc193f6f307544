// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain that lacks copies: it must never be served again, also not after a crash.
 *
 * Order: (1) images fail from now on, and reads under way fail when they end; (2) INVALID
 * is durable in the newest store, which no chain comes up without; or, if that cannot be
 * written, in all others; (3) only then writes go to the origin uncopied.  If no store at
 * all can be written, production goes on all the same (law L2), loudly.
 *
 * A newest store that could not be written may come back, and would look as if nothing had
 * been missed.  So it is tried again: after 1, 2, 4, ... 64 seconds, then every 64, until it
 * is marked or the chain is detached, and then once more.
 */
#include "es_chain.h"
#include "es_events.h"
#include "es_image.h"
#include "es_journal.h"

#define DM_MSG_PREFIX "esnapshot-org"

#define MAX_DELAY 64u	/* seconds */

static bool mark(struct es_store *store)
{
	return !es_store_set_final(store, ES_STATE_INVALID);
}

/* The newest store, with a reference; its device is held by the bound table. */
static struct es_store *get_newest(struct es_chain *chain)
{
	struct es_store *store;

	read_lock(&chain->map_lock);
	store = es_chain_newest(chain);
	if (store)
		es_store_get(store);
	read_unlock(&chain->map_lock);
	return store;
}

static void mark_again(struct es_chain *chain)
{
	struct es_store *store = get_newest(chain);

	if (store && mark(store)) {
		WRITE_ONCE(chain->unmarked, false);
		DMWARN("%pg: is marked invalid now", store->bdev);
	}
	es_store_put(store);
}

static void start_timer(struct es_chain *chain, u32 seconds)
{
	chain->mark_delay = min(seconds, MAX_DELAY);
	queue_delayed_work(es_image_wq, &chain->mark_work, chain->mark_delay * HZ);
}

void es_chain_mark_work(struct work_struct *work)
{
	struct es_chain *chain = container_of(to_delayed_work(work), struct es_chain, mark_work);

	mark_again(chain);
	if (chain->unmarked)
		start_timer(chain, 2 * chain->mark_delay);
}

void es_chain_mark_stop(struct es_chain *chain)
{
	cancel_delayed_work_sync(&chain->mark_work);
}

void es_chain_mark_resume(struct es_chain *chain)
{
	if (!chain->nr_stores)
		WRITE_ONCE(chain->unmarked, false);
	if (chain->unmarked)
		start_timer(chain, 1);
}

void es_chain_mark_end(struct es_chain *chain)
{
	es_chain_mark_stop(chain);
	if (!chain->unmarked)
		return;
	mark_again(chain);
	if (chain->unmarked)
		DMCRIT("%pg: could not be marked invalid: do NOT attach it again",
		       es_chain_newest(chain)->bdev);
	WRITE_ONCE(chain->unmarked, false);
}

static void signal_all(struct es_chain *chain)
{
	u32 i;

	for (i = 0; i < chain->nr_stores; i++)
		es_events_signal(chain->stores[i]);
	if (chain->bound)
		dm_table_event(es_chain_target(chain)->table);
}

void es_chain_invalidate(struct es_chain *chain, const char *why)
{
	struct es_journal *j = READ_ONCE(chain->journal);
	u32 i = chain->nr_stores;

	if (chain->mode == ES_MODE_INVALID)
		return;
	WRITE_ONCE(chain->mode, ES_MODE_INVALID);
	smp_mb();	/* pairs with the one in es_image_leave */
	DMERR("%pg: all snapshots are INVALID from now on: %s", chain->origin, why);
	if (i && !mark(chain->stores[--i])) {
		DMCRIT("%pg: could not be marked invalid, is tried again: do NOT attach it before",
		       chain->stores[i]->bdev);
		while (i--)
			mark(chain->stores[i]);
		WRITE_ONCE(chain->unmarked, true);
		start_timer(chain, 1);
	}
	bitmap_fill(chain->copied, chain->nr_chunks);
	/* (4) An invalid store is never attached again: it must not name a journal for long. */
	if (j)
		es_journal_give_up(j);
	signal_all(chain);
}
