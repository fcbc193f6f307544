// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feeding the replay machine: attach, and reading a log for its extents.
 *
 * Crash argument of attach: (1) the replay only reads; (2) the end of a torn
 * summary, if there is one, is wiped, which changes nothing that counts; (3) the
 * superblock with the raised epoch is durable before the first append.  A crash
 * before 3 leaves the old epoch: the next attach sees what this one saw.  Records of an older
 * epoch behind the end of the log can never follow a record of the new one,
 * whose header CRC they would have to name as their predecessor.
 */
#include <linux/bitmap.h>
#include <linux/device-mapper.h>
#include <linux/slab.h>
#include "es_ahead.h"
#include "es_chunkmap.h"
#include "es_io.h"
#include "es_map.h"
#include "es_replay.h"
#include "es_store.h"

#define DM_MSG_PREFIX "esnapshot"

/* Whether the payload of @e is what its CRC says.  @page is scratch. */
static int verify_payload(struct es_store *store, const struct es_extent *e, struct page *page,
			  bool *ok)
{
	u64 blocks = es_extent_blocks(e, store->sb.chunk_sectors), i;
	u32 crc = ~(u32)0;
	int r;

	for (i = 0; i < blocks; i++) {
		r = es_io_page(store->bdev, REQ_OP_READ, e->addr + i, page);
		if (r)
			return r;
		crc = es_data_crc(crc, page_address(page));
	}
	if (blocks && ~crc != e->crc)
		*ok = false;
	return 0;
}

static int verify_payloads(struct es_store *store, struct es_replay *r, struct page *page)
{
	u32 i;
	int err;

	r->payload_ok = true;
	for (i = 0; i < r->nr_extents && r->payload_ok; i++) {
		err = verify_payload(store, &r->extents[i], page, &r->payload_ok);
		if (err)
			return err;
	}
	return 0;
}

/* Called where a segment ends; see es_store_attach. */
typedef void (*segment_fn)(struct es_store *store);

static int run_replay(struct es_store *store, struct es_replay *r, struct es_ahead *ahead,
		      struct page *page, es_extents_fn fn, void *context, segment_fn segment)
{
	int err = 0;

	while (!err) {
		switch (es_replay_step(r)) {
		case ES_REPLAY_READ:
			err = es_ahead_read(ahead, r->read_addr, &r->hint, r->block);
			break;
		case ES_REPLAY_EXTENTS:
			err = fn(context, r->extents, r->nr_extents);
			break;
		case ES_REPLAY_SEGMENT:
			if (segment)
				segment(store);
			break;
		case ES_REPLAY_VERIFY:
			err = verify_payloads(store, r, page);
			break;
		case ES_REPLAY_DONE:
			return 0;
		case ES_REPLAY_FAULT:
			es_store_report(store, r->fault, r->fault_addr);
			return -EUCLEAN;
		}
	}
	if (err == -EINTR)	/* sealing was asked to stop */
		return err;
	DMERR("%pg: byte %llu: reading the log failed: error %d", store->bdev,
	      (unsigned long long)r->read_addr << ES_BLOCK_SHIFT, err);
	return err;
}

/* What a replay leaves for an attach to go on from. */
struct replay_end {
	struct es_log log;
	u64 wipe_addr;
};

static int replay_log(struct es_store *store, const struct es_sb *sb, u64 stop_seq, bool skip,
		      es_extents_fn fn, void *context, segment_fn segment,
		      struct replay_end *end)
{
	struct es_replay *r = es_kvmalloc(sizeof(*r), ES_TRY_HARD);
	struct es_ahead *ahead = es_ahead_create(store->bdev);
	struct page *page = alloc_page(GFP_NOIO);
	int err = -ENOMEM;

	if (r && ahead && page) {
		es_replay_init(r, sb);
		r->stop_seq = stop_seq;
		if (skip)
			es_replay_skip(r);
		err = run_replay(store, r, ahead, page, fn, context, segment);
		if (!err)
			*end = (struct replay_end){ .log = r->log, .wipe_addr = r->wipe_addr };
	}
	if (page)
		__free_page(page);
	es_ahead_destroy(ahead);
	kvfree(r);
	return err;
}

int es_store_replay(struct es_store *store, const struct es_sb *sb, u64 stop_seq,
		    es_extents_fn fn, void *context, struct es_log *log)
{
	struct replay_end end;
	int r = replay_log(store, sb, stop_seq, false, fn, context, NULL, &end);

	if (!r && log)
		*log = end.log;
	return r;
}

int es_store_note_open(struct es_store *store, u32 at, const struct es_extent *extents, u32 nr,
		       gfp_t effort)
{
	u32 need = at + nr;

	if (need > store->open_cap) {
		u32 cap = max_t(u32, 2 * store->open_cap, max_t(u32, need, 1024));
		struct es_extent *e = es_kvmalloc(cap * sizeof(*e), effort);

		if (!e)
			return -ENOMEM;
		if (store->open)
			memcpy(e, store->open, at * sizeof(*e));
		kvfree(store->open);
		store->open = e;
		store->open_cap = cap;
	}
	memcpy(store->open + at, extents, nr * sizeof(*extents));
	return 0;
}

/* --- attach --- */

struct attach_context {
	struct es_store *store;
	es_extents_fn fn;
	void *context;
};

static void forget_open(struct es_store *store)
{
	store->log.nr_open = 0;
}

/* Collect the open segment's extents on their way to the caller. */
static int attach_extents(void *context, const struct es_extent *extents, u32 nr)
{
	struct attach_context *c = context;
	struct es_store *store = c->store;
	int r = es_store_note_open(store, store->log.nr_open, extents, nr, ES_TRY_HARD);

	if (r)
		return r;
	store->log.nr_open += nr;
	return c->fn(c->context, extents, nr);
}

/* What a torn summary left behind must not be completed by a later one. */
static int wipe_block(struct es_store *store, u64 addr)
{
	struct page *page = alloc_page(GFP_NOIO | __GFP_ZERO);
	int r;

	if (!page)
		return -ENOMEM;
	r = es_io_page(store->bdev, REQ_OP_WRITE | REQ_FUA, addr, page);
	__free_page(page);
	return r;
}

static int commit_attached(struct es_store *store, u64 tail_seq, const u8 *journal_uuid)
{
	bool other_journal;
	struct es_sb sb;
	int r;

	mutex_lock(&store->commit_lock);
	sb = store->sb;
	other_journal = journal_uuid && !es_uuid_equal(sb.journal_uuid, journal_uuid);
	sb.epoch++;
	sb.flags |= ES_SB_ATTACHED;
	sb.tail_seq = tail_seq;
	memset(&sb.map, 0, sizeof(sb.map));
	if (journal_uuid)
		memcpy(sb.journal_uuid, journal_uuid, ES_UUID_SIZE);
	r = es_store_commit(store, &sb);
	/* Were the newer copy to rot, nothing would name the journal and its writes. */
	if (!r && other_journal)
		r = es_store_commit(store, &sb);
	mutex_unlock(&store->commit_lock);
	return r;
}

/* From the chunk map, and the end of the log.  Any error means: read all of the log. */
static int attach_by_map(struct es_store *store, unsigned long *copied, struct attach_context *c,
			 struct replay_end *end)
{
	int r = es_chunkmap_read(store, copied);

	if (!r)
		r = replay_log(store, &store->sb, 0, true, attach_extents, c, forget_open, end);
	if (!r)
		return 0;
	DMWARN("%pg: chunk map unusable, reading the whole log instead", store->bdev);
	bitmap_zero(copied, es_sb_chunks(&store->sb));
	forget_open(store);
	return r;
}

int es_store_attach(struct es_store *store, const u8 *journal_uuid, es_extents_fn fn,
		    void *context, unsigned long *copied)
{
	struct attach_context c = { .store = store, .fn = fn, .context = context };
	struct replay_end end;
	struct es_log log;
	int r = -ENOENT;

	/* At once: a view's status looks at it at any time, and divides by a segment's length. */
	es_log_init(&log, &store->sb);
	store->log = log;
	if (copied && store->sb.map.addr)
		r = attach_by_map(store, copied, &c, &end);
	if (r)
		r = replay_log(store, &store->sb, 0, false, attach_extents, &c, forget_open, &end);
	if (!r && end.wipe_addr)
		r = wipe_block(store, end.wipe_addr);
	if (!r)
		r = commit_attached(store, end.log.seq, journal_uuid);
	if (r) {
		es_store_end_append(store);
		return r;
	}
	store->log = end.log;
	store->log.epoch = store->sb.epoch;
	store->durable_seq = end.log.seq;
	return 0;
}
