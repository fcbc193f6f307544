// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a chain copies: the engine's operations for an origin with snapshots.
 *
 * Crash argument (law L1), for the chunks of one write:
 *   1. old data is read; 2. header and payload are durable in the newest store
 *   (es_append.h); 3. the extents enter the map; 4. readers that may still look
 *   at the origin are waited for (es_readers.h); 5. the bits are set with
 *   release semantics and the write is issued to the origin.
 * A crash before 2 leaves the origin unchanged and no record; after 2 a copy of
 * what the origin still holds, which is redundant but right.
 */
#include "es_chain.h"
#include "es_events.h"
#include "es_journal.h"

#define DM_MSG_PREFIX "esnapshot-org"

static struct es_chain *chain_of(struct es_engine *e)
{
	return container_of(e, struct es_chain, engine);
}

static bool chain_next_needed(struct es_engine *e, u64 from, u64 last, u64 *first, u64 *end)
{
	struct es_chain *chain = chain_of(e);

	*first = find_next_zero_bit(chain->copied, last + 1, from);
	if (*first > last)
		return false;
	*end = find_next_bit(chain->copied, last + 1, *first);
	return true;
}

/*
 * Read chunks [@from, @from + @nr) of the copy from the origin, as far as the snapshot reaches; the
 * origin may have grown since.
 */
static void read_chunks(struct es_chain *chain, struct es_copy *copy, u32 from, u32 nr)
{
	sector_t sector = (es_copy_chunk(copy) + from) << chain->chunk_shift;
	sector_t sectors = min_t(sector_t, (sector_t)nr << chain->chunk_shift,
				 chain->engine.append.store->sb.origin_sectors - sector);

	es_copy_read_begin(copy);
	es_copy_read(&chain->engine.pool, copy, chain->origin, sector, sectors,
		     from * chain->engine.chunk_blocks);
	es_copy_read_end(copy);
}

static void chain_read_old(struct es_engine *e, struct es_copy *copy)
{
	read_chunks(chain_of(e), copy, 0, copy->nr);
}

/*
 * After a read error the chunks are read again one by one, so that only those
 * that cannot be read twice are lost to the snapshot, and none to the origin.
 */
static bool chain_old_ready(struct es_engine *e, struct es_copy *copy)
{
	struct es_chain *chain = chain_of(e);

	if (!copy->retrying && !copy->read_error)
		return true;
	if (!copy->retrying) {
		copy->retrying = true;
		copy->retry = 0;
		read_chunks(chain, copy, 0, 1);
		return false;
	}
	if (copy->read_error) {
		DMWARN_LIMIT("%pg: sector %llu: old data unreadable, lost to the snapshot",
			     chain->origin,
			     (unsigned long long)(es_copy_chunk(copy) + copy->retry)
				     << chain->chunk_shift);
		__set_bit(copy->retry, copy->bad);
	}
	if (copy->retrying && ++copy->retry < copy->nr) {
		read_chunks(chain, copy, copy->retry, 1);
		return false;
	}
	return true;
}

static void chain_recorded(struct es_engine *e, const struct es_extent *extents, u32 nr, u64 seq)
{
	es_store_insert(e->append.store, extents, nr, seq);
}

static void chain_usage(struct es_engine *e, u32 blocks)
{
	es_events_usage(e->append.store, blocks);
}

static bool chain_settle(struct es_engine *e, struct es_copy *copy)
{
	return es_readers_wait(&chain_of(e)->readers, copy);
}

static void chain_release(struct es_engine *e, u64 first, u64 nr)
{
	struct es_chain *chain = chain_of(e);

	chain->nr_copied += nr;
	/*
	 * Step 5.  Everything before must be visible to whoever sees a bit;
	 * pairs with test_bit_acquire in es_origin_map.
	 */
	smp_mb__before_atomic();
	while (nr--)
		set_bit(first++, chain->copied);
}

static void chain_issue(struct es_engine *e, struct es_write *w)
{
	submit_bio_noacct(w->bio);
}

static void chain_failed(struct es_engine *e, blk_status_t status)
{
	es_chain_invalidate(chain_of(e), "writing to the newest store failed");
	es_engine_give_up(e);
}

static void chain_space(struct es_engine *e, enum es_space space)
{
	struct es_chain *chain = chain_of(e);
	struct es_store *store = e->append.store;
	struct es_journal *j = READ_ONCE(chain->journal);

	if (j)
		es_journal_wake(j);
	switch (space) {
	case ES_SPACE_GROWN:
		return;	/* usage tells whether it is still low */
	case ES_SPACE_FULL:
		DMWARN("%pg: store is full, writes that need a copy wait", store->bdev);
		break;
	case ES_SPACE_OK:
		DMINFO("%pg: store has room again", store->bdev);
		break;
	case ES_SPACE_TIMEOUT:
		if (chain->on_full_error) {
			DMERR("%pg: store is full, writes that need a copy fail", store->bdev);
			es_engine_set_full_status(e, BLK_STS_NOSPC);
		} else {
			es_chain_invalidate(chain, "the newest store is full");
			es_engine_give_up(e);
		}
		break;
	}
	es_events_signal(store);
}

const struct es_engine_ops es_chain_engine_ops = {
	.may_start = true,
	.next_needed = chain_next_needed,
	.read_old = chain_read_old,
	.old_ready = chain_old_ready,
	.recorded = chain_recorded,
	.usage = chain_usage,
	.settle = chain_settle,
	.release = chain_release,
	.issue = chain_issue,
	.failed = chain_failed,
	.space = chain_space,
};
