// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sealing: the sorted index of a store that takes no more copies.
 *
 * Crash argument: (1) the index is written into blocks behind the log that
 * nothing refers to; (2) the superblock that says SEALED and where the index
 * is goes out with PREFLUSH|FUA, so the index is durable before it.  A crash in
 * between leaves an unsealed store, which serves as well from its summaries.
 */
#include <linux/device-mapper.h>
#include <linux/slab.h>
#include "es_io.h"
#include "es_map.h"
#include "es_store.h"

#define DM_MSG_PREFIX "esnapshot"

#define SEAL_BATCH 32u

static int write_index(struct es_store *store, const struct es_log *log, u64 addr,
		       const struct es_run *run, const bool *cancel)
{
	u32 blocks = es_table_blocks(run->nr), pos = 0, nr, i;
	struct page *pages[SEAL_BATCH];
	int r = 0;

	nr = es_io_alloc_pages(pages, min(SEAL_BATCH, blocks));
	while (!r && pos < blocks) {
		u32 n = min(nr, blocks - pos);

		for (i = 0; i < n; i++) {
			u32 first = (pos + i) * ES_BLOCK_EXTENTS;

			es_log_index(log, addr, blocks, pos + i, run->e + first,
				     min(run->nr - first, ES_BLOCK_EXTENTS),
				     page_address(pages[i]));
		}
		r = es_io_pages(store->bdev, REQ_OP_WRITE, addr + pos, pages, n);
		if (!r && READ_ONCE(*cancel))
			r = -EINTR;
		pos += n;
	}
	es_io_free_pages(pages, nr);
	return r;
}

static int commit_sealed(struct es_store *store, const struct es_log *log, u64 addr, u32 nr)
{
	struct es_sb sb;
	int r = -ESTALE;

	mutex_lock(&store->commit_lock);
	sb = store->sb;
	sb.state = ES_STATE_SEALED;
	sb.tail_seq = log->seq;
	sb.payload_blocks = log->payload_blocks;
	sb.flags &= ~ES_SB_ATTACHED;
	memset(&sb.map, 0, sizeof(sb.map));
	memset(sb.journal_uuid, 0, sizeof(sb.journal_uuid)); /* its successor names it */
	sb.index_addr = addr;
	sb.index_blocks = es_table_blocks(nr);
	sb.index_extents = nr;
	if (store->sb.state == ES_STATE_ACTIVE)
		r = es_store_commit(store, &sb);
	mutex_unlock(&store->commit_lock);
	return r;
}

int es_store_seal(struct es_store *store, const bool *cancel)
{
	struct es_run empty = { 0 }, *run = &empty;
	struct es_table table = { .nr_runs = 0 };
	struct es_sb *sb = es_store_copy_sb(store);
	struct es_log log;
	u64 addr;
	int r;

	if (!sb)
		return -ENOMEM;
	r = 0;
	if (!sb->epoch)
		goto out;	/* never in use: there is nothing to find */
	r = es_store_read_table(store, sb, 0, cancel, &table, &log);
	if (r)
		goto out;
	if (table.nr_runs)
		run = &table.run[0];
	addr = es_log_index_addr(&log, es_table_blocks(run->nr));
	if (!addr) {
		DMINFO("%pg: no room for an index, left unsealed", store->bdev);
		if (!store->durable_seq)
			store->log = log;	/* for its status */
		goto out;
	}
	r = write_index(store, &log, addr, run, cancel);
	if (!r)
		r = commit_sealed(store, &log, addr, run->nr);
	if (!r)
		es_store_use_index(store);
out:
	es_map_free(&table);
	kfree(sb);
	return r;
}
