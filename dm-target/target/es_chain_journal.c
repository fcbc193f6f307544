// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain and its journal: see es_chain_journal.h.
 *
 * Taking one into use, with the origin suspended or not yet in use:
 *   (1) the origin is flushed: what was written directly, and acknowledged, is durable,
 *	 for flushes end in the journal from now on;
 *   (2) the newest store durably names the journal;
 *   (3) its superblock says that it is attached (es_journal_attach); then it takes writes.
 * A crash between 2 and 3: it is named, and has nothing to replay.
 * Leaving one, drained: (1) its superblock says that nothing is needed and nobody attached;
 * (2) the store names it no longer.  A crash in between: the same.
 * A new snapshot: (1) drained; (2) the journal's superblock says that nothing is needed;
 * (3) the steps of es_chain.c, where the new store names the journal in the commit that
 * attaches it.  So each record belongs to one interval between two snapshots.
 */
#include <linux/blkdev.h>
#include "es_chain_journal.h"
#include "es_origin.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot-org"

static const u8 nobody[ES_UUID_SIZE];

/* --- constructor --- */

static int refuse(struct es_origin *o, struct block_device *bdev, enum es_fault fault)
{
	DMERR("%pg: refused as a journal: byte 0: %s", bdev, es_fault_text(fault));
	o->ti->error = (char *)es_fault_text(fault);
	return -EINVAL;
}

/* The store whose word counts: the newest that was ever in use. */
static const struct es_store *naming_store(const struct es_origin *o)
{
	u32 n = o->nr_stores;

	if (n && !o->stores[n - 1]->sb.epoch)
		n--;
	return n ? o->stores[n - 1] : NULL;
}

static const u8 *named_journal(const struct es_origin *o)
{
	const struct es_store *store = naming_store(o);

	return store ? store->sb.journal_uuid : nobody;
}

static bool is_named(const struct es_origin *o)
{
	return o->journal && es_uuid_equal(named_journal(o), o->journal->sb.journal_uuid);
}

/* The device of a live journal that the table does not name, or 0. */
static dev_t leaving_device(struct es_origin *o)
{
	struct es_chain *chain = o->chain;
	dev_t dev = 0;

	mutex_lock(&chain->life);
	if (chain->journal && chain->journal != o->journal)
		dev = chain->journal->bdev->bd_dev;
	mutex_unlock(&chain->life);
	return dev;
}

/* It stays open until the journal is drained. */
static int hold_leaving(struct es_origin *o)
{
	dev_t dev = leaving_device(o);
	char name[16];
	int r;

	if (!dev)
		return 0;
	format_dev_t(name, dev);
	r = dm_get_device(o->ti, name, FMODE_READ | FMODE_WRITE, &o->leaving);
	if (r)
		o->ti->error = "Cannot hold the journal device that is in use";
	return r;
}

/* The chain's journal, with a reference, or NULL. */
static struct es_journal *get_live(struct es_chain *chain)
{
	struct es_journal *j;

	mutex_lock(&chain->life);
	j = chain->journal;
	if (j)
		es_journal_get(j);
	mutex_unlock(&chain->life);
	return j;
}

static int check_unused(struct es_origin *o)
{
	struct block_device *bdev = o->jdev->bdev;
	u32 i;

	if (bdev == o->origin->bdev)
		return refuse(o, bdev, ES_FAULT_TWICE);
	for (i = 0; i < o->nr_stores; i++)
		if (o->devs[i]->bdev == bdev)
			return refuse(o, bdev, ES_FAULT_TWICE);
	return 0;
}

/* May the journal that was opened stand before this chain's origin? */
static enum es_fault check_journal(struct es_origin *o)
{
	const struct es_jsb *sb = &o->journal->sb;
	bool named = is_named(o);

	if (!es_uuid_equal(sb->chain_uuid, o->stores[0]->sb.chain_uuid))
		return ES_FAULT_OTHER_CHAIN;
	if (sb->origin_lbs != bdev_logical_block_size(o->origin->bdev))
		return ES_FAULT_ORIGIN_LBS;
	if (es_chains_use(o->chain, o->journal->bdev->bd_dev, sb->journal_uuid))
		return ES_FAULT_TWICE;
	/* One that is named and failed has done its duty: the chain goes on without. */
	if (sb->state == ES_JOURNAL_FAILED && !(named && !o->chain->bound))
		return ES_FAULT_JOURNAL_FAILED;
	if ((sb->flags & ES_JSB_ATTACHED) && !named)
		return ES_FAULT_JOURNAL_OTHER;
	if (!o->chain->bound && !named && !es_uuid_is_null(named_journal(o)))
		return ES_FAULT_JOURNAL_OTHER;
	return ES_OK;
}

/* @live: the journal that the chain has in use, or NULL. */
static int open_journal(struct es_origin *o, struct es_journal *live)
{
	struct block_device *bdev = o->jdev->bdev;
	enum es_fault fault;
	int r;

	if (live && live->bdev == bdev && live->mode != ES_JMODE_FAILED) {
		es_journal_get(live);
		o->journal = live;
		return 0;
	}
	r = es_journal_open(bdev, &o->journal, &fault);
	if (r && fault)
		return refuse(o, bdev, fault);
	/* The device of a failed one may be gone: its table is loaded all the same. */
	if (r && live && live->bdev == bdev) {
		es_journal_get(live);
		o->journal = live;
		return 0;
	}
	if (r) {
		o->ti->error = "Cannot read the journal device";
		return r;
	}
	/* A failed one stays what it is until it is formatted again. */
	if (live && es_uuid_equal(live->sb.journal_uuid, o->journal->sb.journal_uuid)) {
		es_journal_put(o->journal);
		es_journal_get(live);
		o->journal = live;
		return 0;
	}
	fault = check_journal(o);
	return fault ? refuse(o, bdev, fault) : 0;
}

static int open_device(struct es_origin *o)
{
	struct es_journal *live = get_live(o->chain);
	int r = open_journal(o, live);

	es_journal_put(live);
	return r;
}

int es_origin_open_journal(struct es_origin *o)
{
	struct dm_target *ti = o->ti;
	int r;

	if (!o->args.journal) {
		if (!o->chain->bound && !es_uuid_is_null(named_journal(o)))
			return refuse(o, o->origin->bdev, ES_FAULT_JOURNAL_MISSING);
		return hold_leaving(o);
	}
	if (!o->nr_stores) {
		ti->error = "A journal needs at least one store: give - instead";
		return -EINVAL;
	}
	r = dm_get_device(ti, o->args.journal, FMODE_READ | FMODE_WRITE, &o->jdev);
	if (r) {
		ti->error = "Cannot open the journal device";
		return r;
	}
	r = check_unused(o);
	if (r)
		return r;
	if (bdev_logical_block_size(o->jdev->bdev) > bdev_logical_block_size(o->origin->bdev)) {
		DMERR("%pg: refused as a journal: logical blocks of %u bytes, the origin's have %u",
		      o->jdev->bdev, bdev_logical_block_size(o->jdev->bdev),
		      bdev_logical_block_size(o->origin->bdev));
		ti->error = "The journal's logical blocks must not be larger than the origin's";
		return -EINVAL;
	}
	r = open_device(o);
	return r ? r : hold_leaving(o);
}

void es_origin_close_journal(struct es_origin *o)
{
	es_journal_put(o->journal);
	if (o->jdev)
		dm_put_device(o->ti, o->jdev);
	if (o->leaving)
		dm_put_device(o->ti, o->leaving);
}

/* --- what the journal asks of the chain --- */

static void chain_write(void *owner, struct bio *bio, void *private)
{
	struct es_origin_io *io = private;

	BUILD_BUG_ON(sizeof(*io) > ES_JFLIGHT_PRIVATE * sizeof(long));
	es_origin_issue(owner, bio, io);
}

static void chain_written(void *owner, enum req_op op, u64 sector, u64 nr, blk_status_t status)
{
	if (op != REQ_OP_DISCARD || status)
		es_origin_untrim(owner, sector, nr);
}

static void chain_pass(void *owner, struct bio *bio)
{
	es_origin_issue(owner, bio, dm_per_bio_data(bio, sizeof(struct es_origin_io)));
}

static int chain_disown(void *owner)
{
	struct es_store *newest = es_chain_newest(owner);

	return newest ? es_store_set_journal(newest, nobody) : 0;
}

static void chain_changed(void *owner)
{
	struct es_chain *chain = owner;

	if (chain->bound)
		dm_table_event(es_chain_target(chain)->table);
}

static bool chain_stuck(void *owner)
{
	struct es_chain *chain = owner;

	return es_engine_full(&chain->engine);
}

static const struct es_journal_ops chain_journal_ops = {
	.write = chain_write,
	.written = chain_written,
	.pass = chain_pass,
	.disown = chain_disown,
	.changed = chain_changed,
	.stuck = chain_stuck,
};

/* --- into use and out of it --- */

int es_chain_journal_check(struct es_chain *chain, const struct es_origin *table)
{
	const u8 *named = named_journal(table);

	if (!es_uuid_is_null(chain->owed) && !es_uuid_equal(named, chain->owed)) {
		DMERR("%pg: journal %pU keeps acknowledged writes: load the table that names it",
		      chain->origin, chain->owed);
		return -EINVAL;
	}
	if (es_uuid_is_null(named) || is_named(table))
		return 0;
	DMERR("%pg: %s", chain->origin, es_fault_text(ES_FAULT_JOURNAL_MISSING));
	return -EINVAL;
}

u32 es_chain_journal_stores(const struct es_origin *o)
{
	u32 n = o->nr_stores;

	if (n > 1 && is_named(o) && !o->stores[n - 1]->sb.epoch &&
	    es_uuid_is_null(o->stores[n - 2]->sb.next_uuid))
		return n - 1;
	return n;
}

/* It was named although it had failed: take that back. */
static int forget_failed(struct es_origin *table, struct es_store *newest)
{
	table->lost_journal = true;
	DMWARN("%pg: this journal had failed, the chain goes on without it", table->journal->bdev);
	return es_store_set_journal(newest, nobody);
}

int es_chain_journal_recover(struct es_chain *chain, struct es_origin *table)
{
	struct es_journal *j = table->journal;
	int r;

	if (!j || !is_named(table) || j->sb.state == ES_JOURNAL_FAILED)
		return 0;
	r = es_journal_check_current(j);
	return r ? r : es_journal_recover(j, chain->origin, chain->sectors);
}

int es_chain_journal_start(struct es_chain *chain, struct es_origin *table,
			   struct es_store *newest)
{
	struct es_journal *j = table->journal;
	bool named;
	int r;

	if (!j)
		return 0;
	named = es_uuid_equal(newest->sb.journal_uuid, j->sb.journal_uuid);
	if (j->sb.state == ES_JOURNAL_FAILED || j->mode == ES_JMODE_FAILED)
		return forget_failed(table, newest);
	if (chain->mode == ES_MODE_INVALID) {
		DMERR("%pg: not used: its chain is invalid, and nothing would replay it", j->bdev);
		return -EINVAL;
	}
	r = es_journal_check_current(j);
	if (!r)
		r = blkdev_issue_flush(chain->origin);
	if (!r && !named)
		r = es_store_set_journal(newest, j->sb.journal_uuid);
	if (!r)
		r = es_journal_attach(j, &chain_journal_ops, chain, chain->origin, chain->sectors,
				      named);
	if (r) {
		DMERR("%pg: the journal cannot be taken into use: error %d", j->bdev, r);
		if (!named)
			es_store_set_journal(newest, nobody);
		return r;
	}
	es_journal_get(j);
	chain->journal = j;
	return 0;
}

int es_chain_journal_halt(struct es_chain *chain, bool drain)
{
	struct es_journal *j = chain->journal;
	int r = 0;

	if (!j)
		return 0;
	/* Nobody waits for space in a store while the origin is suspended. */
	es_engine_set_full_status(&chain->engine, BLK_STS_DM_REQUEUE);
	if (drain)
		r = es_journal_drain(j, false);
	es_journal_pause(j);
	if (r)
		DMERR("%pg: not all of it could be written in place: error %d", j->bdev, r);
	return r;
}

int es_chain_journal_halt_anyway(struct es_chain *chain, bool drain, const char *why)
{
	int r = es_chain_journal_halt(chain, drain), tries;

	/* What needs no room may have got in last: then the store does not look full. */
	for (tries = 0; r == -ENOSPC && !es_engine_full(&chain->engine) && tries < 3; tries++) {
		es_chain_journal_resume(chain);
		r = es_chain_journal_halt(chain, drain);
	}
	if (r == -ENOSPC && es_engine_full(&chain->engine) && !chain->journal->flush_broken) {
		es_chain_invalidate(chain, why);
		es_engine_use(&chain->engine, NULL);
		es_chain_journal_resume(chain);
		r = es_chain_journal_halt(chain, drain);
	}
	return r;
}

/* Given up when it goes on; a crash before that replays what is in place already. */
void es_chain_journal_settle(struct es_chain *chain)
{
	struct es_journal *j = chain->journal;

	if (!j || j->mode == ES_JMODE_FAILED || !es_journal_settle(j))
		return;
	DMERR("%pg: cannot be written: the snapshot is taken, the journal given up", j->bdev);
	es_journal_give_up(j);
}

/* The engine's worker may be looking at the pointer: it gets to its end first. */
static void let_go(struct es_chain *chain)
{
	struct es_journal *j = chain->journal;

	WRITE_ONCE(chain->journal, NULL);
	es_engine_sync(&chain->engine);
	es_journal_leave(j);
	es_journal_put(j);
}

/*
 * Everything is in place: a journal that cannot be written any more, and would be needed for
 * nothing, must not keep its chain from being attached again.
 */
static void leave(struct es_chain *chain)
{
	struct es_journal *j = chain->journal;
	bool detached, disowned;

	if (j->mode == ES_JMODE_FAILED)
		return;
	detached = !es_journal_detach(j);
	disowned = !chain_disown(chain);
	if (!detached && !disowned)
		DMCRIT("%pg: could not be left: do NOT attach it again, it has old data",
		       j->bdev);
	else if (!detached)
		DMERR("%pg: was not detached cleanly: format it before it is used again", j->bdev);
	else if (!disowned)
		DMERR("%pg: still named by its chain: it has to be given once more", j->bdev);
}

void es_chain_journal_stop(struct es_chain *chain, struct es_origin *table)
{
	struct dm_dev *dev;

	if (!chain->journal)
		return;
	leave(chain);
	let_go(chain);
	dev = es_chain_disclaim(table);
	if (dev)
		dm_put_device(table->ti, dev);
}

void es_chain_journal_resume(struct es_chain *chain)
{
	if (chain->journal)
		es_journal_resume(chain->journal, chain->origin);
}

/* What a journal that fails holds is in memory only: that goes before the snapshots. */
static int halt_at_end(struct es_chain *chain)
{
	int r = es_chain_journal_halt(chain, true);

	if (r != -ENOSPC || chain->journal->mode != ES_JMODE_FAILING)
		return r;
	es_chain_journal_resume(chain);
	return es_chain_journal_halt_anyway(chain, true,
					    "its journal fails, and the newest store is full");
}

void es_chain_journal_end(struct es_chain *chain)
{
	struct es_journal *j = chain->journal;

	if (!j)
		return;
	if (halt_at_end(chain)) {
		DMWARN("%pg: keeps what is pending, the next attach goes on", j->bdev);
		/* Nobody could replay it before an invalid chain, or one without stores. */
		if (chain->nr_stores && chain->mode != ES_MODE_INVALID)
			memcpy(chain->owed, j->sb.journal_uuid, ES_UUID_SIZE);
	} else {
		leave(chain);
	}
	let_go(chain);
}

void es_chain_journal_push_back(struct es_chain *chain, bool on)
{
	if (chain->journal)
		es_journal_push_back(chain->journal, on);
}

int es_chain_journal_drain(struct es_chain *chain)
{
	return chain->journal ? es_journal_drain(chain->journal, true) : 0;
}

/* --- the data path --- */

static int map_read(struct es_journal *j, struct bio *bio, struct es_origin_io *io)
{
	enum es_jread what = ES_JREAD_ORIGIN;
	sector_t addr;
	u32 nr;

	if (!es_journal_has_pending(j))
		return DM_MAPIO_REMAPPED;
	what = es_journal_read(j, bio, &nr, &addr, &io->pin);
	if (what != ES_JREAD_RING)
		io->pin = NULL;
	if (nr < bio_sectors(bio))
		dm_accept_partial_bio(bio, nr);
	switch (what) {
	case ES_JREAD_DONE:
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	case ES_JREAD_RING:
		bio_set_dev(bio, j->bdev);
		bio->bi_iter.bi_sector = addr;
		return DM_MAPIO_REMAPPED;
	case ES_JREAD_LOST:
		return DM_MAPIO_KILL;
	default:
		return DM_MAPIO_REMAPPED;
	}
}

int es_chain_journal_map(struct es_chain *chain, struct bio *bio, struct es_origin_io *io)
{
	struct es_journal *j = chain->journal;

	if (bio_op(bio) == REQ_OP_READ)
		return map_read(j, bio, io);
	/* From a table without a journal, while one that could not be drained is still there. */
	if (bio_op(bio) == REQ_OP_SECURE_ERASE) {
		bio->bi_status = BLK_STS_NOTSUPP;
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (bio_op(bio) == REQ_OP_WRITE && bio_sectors(bio) > j->max_sectors)
		dm_accept_partial_bio(bio, j->max_sectors);
	bio_clear_polled(bio);
	return es_journal_write(j, bio) ? DM_MAPIO_SUBMITTED : -1;
}
