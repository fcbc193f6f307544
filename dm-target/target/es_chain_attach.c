// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain's first table: its stores and its journal come into use.
 */
#include <linux/bitmap.h>
#include "es_chain_bind.h"
#include "es_chain_journal.h"
#include "es_fingerprint.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot-org"

/* Was the origin written while the chain was detached?  Then nothing is served. */
static int check_origin(struct es_chain *chain, struct es_origin *table)
{
	struct es_store *last = NULL;
	bool same = true;
	u32 i;
	int r;

	for (i = 0; i < table->nr_stores; i++) {
		if (table->stores[i]->sb.epoch)
			last = table->stores[i];
		if (table->stores[i]->sb.flags & ES_SB_SUSPECT)
			chain->suspect = i + 1;
	}
	if (!last || (last->sb.flags & ES_SB_ATTACHED) || !last->sb.fp.nr)
		return 0;
	r = es_fingerprint_check(chain->origin, chain->sectors, &last->sb.fp, &same);
	if (r || same)
		return r;
	for (i = 0; i < table->nr_stores && table->stores[i] != last; i++)
		;
	chain->suspect = i + 1;
	es_store_report(last, ES_FAULT_FINGERPRINT, ES_SB_A_BLOCK);
	DMERR("%pg: snapshots up to serial %u are SUSPECT and not served (message accept_origin)",
	      chain->origin, last->sb.serial);
	return es_store_set_flags(last, ES_SB_SUSPECT, 0);
}

/* The table may be older than what became of its stores. */
static int check_members(const struct es_origin *table)
{
	enum es_fault fault;
	u32 i;

	for (i = 0; i < table->nr_stores; i++) {
		fault = es_rules_member(&table->stores[i]->sb, table->ti->len,
					table->args.chunk_sectors);
		if (fault) {
			es_store_report(table->stores[i], fault, ES_SB_A_BLOCK);
			return -EINVAL;
		}
	}
	return 0;
}

/*
 * Another device may have had the chain since the table was loaded.  Then one of these is not
 * what it was: the newest that had been in use then, or what was fresh.
 */
static int check_current(const struct es_origin *table)
{
	u32 i = table->nr_stores;
	int r = 0;

	while (i && !table->stores[i - 1]->sb.epoch)
		i--;
	for (i -= !!i; !r && i < table->nr_stores; i++)
		r = es_store_check_current(table->stores[i]);
	return r;
}

/* What the last detach says of the origin; NULL if nobody took leave, or it has changed. */
static const struct es_fingerprint *last_word(const struct es_chain *chain,
					      const struct es_origin *table, u32 nr)
{
	u32 i = nr - (nr > 1 && !table->stores[nr - 1]->sb.epoch ? 2 : 1);
	const struct es_sb *sb = &table->stores[i]->sb;

	if (!sb->epoch || (sb->flags & ES_SB_ATTACHED) || !sb->fp.nr || i < chain->suspect)
		return NULL;
	return &sb->fp;
}

/* Nothing was written to the origin: it still counts. */
static void take_leave_again(struct es_store *store, const struct es_fingerprint *fp)
{
	if (es_store_detach(store, fp, NULL))
		DMWARN("%pg: was not detached cleanly: do not write the origin without it",
		       store->bdev);
}

/* Attach the first @nr stores of @table, and its journal. */
static int attach_stores(struct es_chain *chain, struct es_origin *table, u32 nr)
{
	struct es_store *newest = table->stores[nr - 1];
	const struct es_fingerprint *fp;
	int r;

	r = check_members(table);
	if (r)
		return r;
	/* Chunks that cannot be read now would be lost to the snapshots when they are copied. */
	r = es_fingerprint_probe(chain->origin, chain->sectors);
	if (!r)
		r = es_chain_journal_recover(chain, table);
	if (!r)
		r = check_origin(chain, table);
	if (r)
		return r;
	fp = last_word(chain, table, nr);
	bitmap_zero(chain->copied, chain->nr_chunks);
	if (newest->sb.epoch)
		r = es_store_attach(newest, NULL, es_chain_bits_mark, chain, chain->copied);
	else
		r = es_chain_start_snapshot(chain, newest, nr > 1 ? table->stores[nr - 2] : NULL);
	if (r)
		return r;
	es_chain_bits_count(chain, newest);
	r = es_engine_use(&chain->engine, newest);
	if (!r)
		r = es_chain_journal_start(chain, table, newest);
	if (r) {
		es_engine_use(&chain->engine, NULL);
		es_store_end_append(newest);
		if (fp)
			take_leave_again(newest, fp);
	}
	return r;
}

/*
 * The last store is a new snapshot, but the journal holds older writes: they go to their
 * places first.
 */
static void add_late(struct es_chain *chain, struct es_origin *table)
{
	struct es_store *newest = es_chain_newest(chain);

	if (!es_chain_journal_halt(chain, true) && es_chain_add_newest(chain, table, newest)) {
		es_chain_set_stores(chain, table, table->nr_stores, 0);
		es_store_end_append(newest);
	} else {
		table->lost_newest = true;
	}
	es_engine_set_full_status(&chain->engine, BLK_STS_OK);
	es_chain_journal_resume(chain);
}

int es_chain_attach(struct es_chain *chain, struct es_origin *table)
{
	u32 nr = es_chain_journal_stores(table);
	int r = es_chain_claim(chain, table);

	if (!r)
		r = check_current(table);
	if (r)
		return r;
	chain->mode = ES_MODE_OK;
	chain->suspect = 0;
	chain->nr_copied = 0;
	es_chain_take_settings(chain, table);
	es_chain_bits_swap(chain, table);
	bitmap_zero(chain->trimmed, chain->nr_chunks);
	bitmap_fill(chain->copied, chain->nr_chunks);
	es_chain_use_map_lock(chain, table->stores, table->nr_stores);
	r = es_chain_journal_check(chain, table);
	if (!r && nr)
		r = attach_stores(chain, table, nr);
	if (r) {
		DMERR("%pg: attaching the chain failed: error %d", chain->origin, r);
		es_chain_bits_swap(chain, table);
		return r;
	}
	memset(chain->owed, 0, ES_UUID_SIZE);
	es_chain_set_stores(chain, table, nr, 0);
	es_chain_set_bound(chain, table);
	es_chain_journal_resume(chain);
	es_readers_open(&chain->readers);
	if (nr < table->nr_stores)
		add_late(chain, table);
	return 0;
}
