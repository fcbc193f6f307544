// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a store and committing its superblock: see es_store.h.
 *
 * Crash argument of a commit: the two copies alternate by generation, so the
 * copy overwritten is always the older one.  (1) The new copy is written with
 * PREFLUSH|FUA: all that it claims is durable before it.  (2) Torn or lost, its
 * CRC fails and the other copy, one generation older, is what attach sees.
 */
#include <linux/device-mapper.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/mm.h>
#include "es_chunkmap.h"
#include "es_index.h"
#include "es_io.h"
#include "es_map.h"
#include "es_store.h"

#define DM_MSG_PREFIX "esnapshot"

static int read_superblock(struct block_device *bdev, u64 addr, struct page *page)
{
	int r = es_io_page(bdev, REQ_OP_READ, addr, page);

	if (r)
		DMERR("%pg: byte %llu: reading the superblock failed: error %d", bdev,
		      (unsigned long long)addr << ES_BLOCK_SHIFT, r);
	return r;
}

/* The block layer may cache nothing of ours, but a user's write may still be on its way. */
static int read_superblocks(struct block_device *bdev, struct es_sb *sb, enum es_fault *fault)
{
	struct page *a = alloc_page(GFP_KERNEL);
	struct page *b = alloc_page(GFP_KERNEL);
	int r = -ENOMEM;

	if (!a || !b)
		goto out;
	r = read_superblock(bdev, ES_SB_A_BLOCK, a);
	if (!r)
		r = read_superblock(bdev, ES_SB_B_BLOCK, b);
	if (r)
		goto out;
	*fault = es_sb_pick(sb, page_address(a), page_address(b), NULL);
	if (!*fault)
		*fault = es_sb_check_device(sb, es_bdev_blocks(bdev));
	r = *fault ? -EINVAL : 0;
out:
	if (a)
		__free_page(a);
	if (b)
		__free_page(b);
	return r;
}

int es_store_open(struct block_device *bdev, struct es_store **out, enum es_fault *fault)
{
	struct es_store *store;
	int r;

	*fault = ES_OK;
	if (es_bdev_blocks(bdev) <= ES_DATA_BLOCK) {
		*fault = ES_FAULT_DEVICE_SIZE;
		return -EINVAL;
	}
	store = kzalloc(sizeof(*store), GFP_KERNEL);
	if (!store)
		return -ENOMEM;
	store->sb_page = alloc_page(GFP_KERNEL);
	if (!store->sb_page) {
		kfree(store);
		return -ENOMEM;
	}
	kref_init(&store->ref);
	store->low_percent = ES_LOW_WATER_PERCENT;
	store->bdev = bdev;
	mutex_init(&store->commit_lock);
	mutex_init(&store->load_lock);
	mutex_init(&store->table_lock);
	rwlock_init(&store->own_map_lock);
	store->map_lock = &store->own_map_lock;
	r = read_superblocks(bdev, &store->sb, fault);
	if (r) {
		es_store_put(store);
		return r;
	}
	es_log_init(&store->log, &store->sb);
	*out = store;
	return 0;
}

int es_store_check_current(struct es_store *store)
{
	struct es_sb *sb = kmalloc(sizeof(*sb), GFP_NOIO);
	enum es_fault fault = ES_OK;
	int r = -ENOMEM;

	if (sb)
		r = read_superblocks(store->bdev, sb, &fault);
	if (fault) {
		es_store_report(store, fault, ES_SB_A_BLOCK);
	} else if (!r && (sb->generation != store->sb.generation ||
			  !es_uuid_equal(sb->store_uuid, store->sb.store_uuid))) {
		DMERR("%pg: has changed since the table was loaded: load it again", store->bdev);
		r = -ESTALE;
	}
	kfree(sb);
	return r;
}

static void store_free(struct kref *ref)
{
	struct es_store *store = container_of(ref, struct es_store, ref);

	es_store_end_append(store);
	es_index_free(store->index);
	es_map_free(&store->table);
	__free_page(store->sb_page);
	kfree(store);
}

void es_store_get(struct es_store *store)
{
	kref_get(&store->ref);
}

void es_store_put(struct es_store *store)
{
	if (store)
		kref_put(&store->ref, store_free);
}

void es_store_report(struct es_store *store, enum es_fault fault, u64 addr)
{
	DMERR("%pg: byte %llu: %s", store->bdev, (unsigned long long)addr << ES_BLOCK_SHIFT,
	      es_fault_text(fault));
}

int es_store_commit(struct es_store *store, struct es_sb *sb)
{
	struct page *page = store->sb_page;
	u64 addr;
	int r;

	lockdep_assert_held(&store->commit_lock);
	sb->generation = store->sb.generation + 1;
	addr = es_sb_addr(sb->generation);
	es_sb_encode(sb, page_address(page));
	r = es_io_page(store->bdev, REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA, addr, page);
	if (r)
		DMERR("%pg: byte %llu: writing the superblock failed: error %d", store->bdev,
		      (unsigned long long)addr << ES_BLOCK_SHIFT, r);
	else
		store->sb = *sb;
	return r;
}

/*
 * Commit what the older copy must not contradict either: were the newer one to
 * rot, an invalid store would be valid again, a grown one small.
 */
static int commit_both(struct es_store *store, struct es_sb *sb)
{
	int r = es_store_commit(store, sb);

	return r ? r : es_store_commit(store, sb);
}

/*
 * That a store must never be attached again.  One copy will do where the other cannot be written,
 * also the one that counts now: were it torn, the store would be refused all the same.
 */
static int commit_final(struct es_store *store, struct es_sb *sb)
{
	int r = es_store_commit(store, sb), other;

	/* Leave out the generation whose place takes nothing. */
	if (r)
		store->sb.generation++;
	other = es_store_commit(store, sb);
	if (r && other)
		store->sb.generation--;
	return r && other ? r : 0;
}

int es_store_set_final(struct es_store *store, enum es_store_state state)
{
	struct es_sb sb;
	int r;

	mutex_lock(&store->commit_lock);
	sb = store->sb;
	sb.state = state;
	/* Where the log ends, for who looks into it later. */
	if ((sb.flags & ES_SB_ATTACHED) && store->durable_seq)
		sb.tail_seq = store->durable_seq;
	sb.flags &= ~ES_SB_ATTACHED;
	r = commit_final(store, &sb);
	mutex_unlock(&store->commit_lock);
	return r;
}

int es_store_set_flags(struct es_store *store, u32 set, u32 clear)
{
	struct es_sb sb;
	int r;

	mutex_lock(&store->commit_lock);
	sb = store->sb;
	sb.flags = (sb.flags | set) & ~clear;
	r = commit_both(store, &sb);
	mutex_unlock(&store->commit_lock);
	return r;
}

int es_store_set_next(struct es_store *store, const u8 *next_uuid)
{
	struct es_sb sb;
	int r;

	mutex_lock(&store->commit_lock);
	sb = store->sb;
	memcpy(sb.next_uuid, next_uuid, ES_UUID_SIZE);
	memset(&sb.map, 0, sizeof(sb.map)); /* an index may take its place */
	if (store->durable_seq) {
		/* It takes no more records, unless this is taken back. */
		sb.tail_seq = store->durable_seq;
		sb.flags &= ~ES_SB_ATTACHED;
		memset(&sb.fp, 0, sizeof(sb.fp)); /* of an earlier detach */
		if (es_uuid_is_null(next_uuid))
			sb.flags |= ES_SB_ATTACHED;
	}
	r = commit_both(store, &sb);
	mutex_unlock(&store->commit_lock);
	return r;
}

int es_store_set_journal(struct es_store *store, const u8 *journal_uuid)
{
	struct es_sb sb;
	int r = 0;

	mutex_lock(&store->commit_lock);
	sb = store->sb;
	if (!es_uuid_equal(sb.journal_uuid, journal_uuid)) {
		memcpy(sb.journal_uuid, journal_uuid, ES_UUID_SIZE);
		r = commit_both(store, &sb);
	}
	mutex_unlock(&store->commit_lock);
	return r;
}

int es_store_detach(struct es_store *store, const struct es_fingerprint *fp,
		    const unsigned long *copied)
{
	struct es_chunkmap map = { 0 };
	struct es_sb sb;
	int r;

	if (copied)
		es_chunkmap_write(store, copied, &map);
	mutex_lock(&store->commit_lock);
	sb = store->sb;
	sb.map = map;
	sb.flags &= ~ES_SB_ATTACHED;
	sb.tail_seq = store->log.seq;
	/* An older one would no longer be of this origin. */
	memset(&sb.fp, 0, sizeof(sb.fp));
	if (fp)
		sb.fp = *fp;
	r = es_store_commit(store, &sb);
	mutex_unlock(&store->commit_lock);
	return r;
}

int es_store_grow(struct es_store *store)
{
	u64 blocks = min_t(u64, es_bdev_blocks(store->bdev), ES_MAX_DEVICE_BLOCKS);
	struct es_sb sb;
	int r;

	if (blocks <= store->log.device_blocks)
		return 0;
	mutex_lock(&store->commit_lock);
	sb = store->sb;
	sb.device_blocks = blocks;
	r = es_store_commit(store, &sb);
	/* The newest copy is what counts: room that it knows of is not left unused. */
	if (!r && es_store_commit(store, &sb))
		DMWARN("%pg: grows although one copy of its superblock does not say so",
		       store->bdev);
	mutex_unlock(&store->commit_lock);
	if (r)
		return r;
	store->log.device_blocks = blocks;
	DMINFO("%pg: store grown to %llu sectors", store->bdev,
	       (unsigned long long)blocks * ES_BLOCK_SECTORS);
	return 1;
}

void es_store_end_append(struct es_store *store)
{
	wait_var_event(&store->summaries, !atomic_read(&store->summaries));
	kvfree(store->open);
	store->open = NULL;
	store->open_cap = 0;
}

static u64 used_blocks(const struct es_store *store)
{
	if (store->sb.state == ES_STATE_SEALED)
		return store->sb.index_addr + store->sb.index_blocks;
	return es_log_used_blocks(&store->log);
}

sector_t es_store_used_sectors(const struct es_store *store)
{
	return used_blocks(store) * ES_BLOCK_SECTORS;
}

sector_t es_store_total_sectors(const struct es_store *store)
{
	return store->sb.device_blocks * ES_BLOCK_SECTORS;
}

sector_t es_store_metadata_sectors(const struct es_store *store)
{
	u64 payload = store->sb.state == ES_STATE_SEALED ? store->sb.payload_blocks :
							   store->log.payload_blocks;

	return (used_blocks(store) - payload) * ES_BLOCK_SECTORS;
}
