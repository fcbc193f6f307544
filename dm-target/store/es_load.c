// SPDX-License-Identifier: GPL-2.0-only
/*
 * Location tables on demand: see es_store.h.
 *
 * A table may be loaded while its store is the newest and takes records.  The
 * loader notes, under map_lock, how far the log is durable (stop_seq) and sets
 * LOADING; from then on the worker enters each later record itself.  What was
 * durable before comes from the disk: summaries never change, and of the open
 * segment only records before stop_seq are read, which are complete.
 *
 * A sealed store needs no table: its index is read block by block (es_index.h).
 */
#include <linux/device-mapper.h>
#include <linux/slab.h>
#include "es_index.h"
#include "es_map.h"
#include "es_replay.h"
#include "es_store.h"

#define DM_MSG_PREFIX "esnapshot"

/* --- from the log --- */

struct table_context {
	struct es_table *table;
	struct es_map_writer writer;
	const bool *cancel;
};

static int table_extents(void *context, const struct es_extent *extents, u32 nr)
{
	struct table_context *c = context;

	if (c->cancel && READ_ONCE(*c->cancel))
		return -EINTR;
	return es_map_add(c->table, &c->writer, extents, nr);
}

int es_store_read_table(struct es_store *store, const struct es_sb *sb, u64 stop_seq,
			const bool *cancel, struct es_table *table, struct es_log *log)
{
	rwlock_t lock;	/* nobody else's */
	struct table_context c = {
		.table = table,
		.writer = {
			.lock = &lock,
			.chunk_blocks = es_store_chunk_blocks(store),
			.effort = ES_TRY_HARD,
		},
		.cancel = cancel,
	};
	int r;

	rwlock_init(&lock);
	r = es_store_replay(store, sb, stop_seq, table_extents, &c, log);
	return r ? r : es_map_flatten(table, &c.writer);
}

struct es_sb *es_store_copy_sb(struct es_store *store)
{
	struct es_sb *sb = kmalloc(sizeof(*sb), GFP_NOIO);

	if (!sb)
		return NULL;
	mutex_lock(&store->commit_lock);
	*sb = store->sb;
	mutex_unlock(&store->commit_lock);
	return sb;
}

/* --- loading --- */

/* What was found on disk: an index, or else a table. */
struct loaded {
	struct es_index *index;
	struct es_table table;
	bool sealed;	/* when the loader began */
};

/* Load the index, if the store has a good one, else the log. */
static int load_base(struct es_store *store, u64 stop_seq, struct loaded *c)
{
	struct es_sb *sb = es_store_copy_sb(store);
	int r = -ENOENT;

	if (!sb)
		return -ENOMEM;
	if (sb->state == ES_STATE_SEALED) {
		c->index = es_index_load(store, sb);
		r = PTR_ERR_OR_ZERO(c->index);
		if (r)
			c->index = NULL;
		if (r && r != -ENOMEM)
			DMWARN("%pg: index unusable, reading the log instead", store->bdev);
	}
	if (r && r != -ENOMEM)
		r = es_store_read_table(store, sb, stop_seq, NULL, &c->table, NULL);
	kfree(sb);
	return r;
}

/* Put the base table under what the worker has entered meanwhile.  -EAGAIN: load it again. */
static int install(struct es_store *store, struct loaded *c)
{
	struct es_table *t = &store->table;
	int r = 0;

	mutex_lock(&store->table_lock);
	write_lock(store->map_lock);
	if (store->table_state != ES_TABLE_LOADING ||
	    (store->sb.state == ES_STATE_SEALED && !c->sealed) ||
	    t->nr_runs + c->table.nr_runs > ES_TABLE_MAX_RUNS) {
		r = -EAGAIN;
	} else if (c->index) {
		swap(store->index, c->index);
		store->table_state = ES_TABLE_INDEXED;
	} else {
		memmove(&t->run[c->table.nr_runs], &t->run[0], t->nr_runs * sizeof(t->run[0]));
		memcpy(&t->run[0], &c->table.run[0], c->table.nr_runs * sizeof(t->run[0]));
		t->nr_runs += c->table.nr_runs;
		c->table.nr_runs = 0;
		store->table_state = ES_TABLE_LOADED;
	}
	write_unlock(store->map_lock);
	mutex_unlock(&store->table_lock);
	return r;
}

/*
 * Forget table and index.  Caller holds table_lock, and load_lock where there is an index.
 * Allocates nothing: there may be no memory but what this gives back.
 */
static void drop_table(struct es_store *store)
{
	struct es_index *index;

	write_lock(store->map_lock);
	store->dropped = store->table;
	index = store->index;
	store->table.nr_runs = 0;
	store->index = NULL;
	store->table_state = ES_TABLE_NONE;
	write_unlock(store->map_lock);
	es_index_free(index);
	es_map_free(&store->dropped);
}

/* Caller holds load_lock. */
static void unload(struct es_store *store)
{
	mutex_lock(&store->table_lock);
	drop_table(store);
	mutex_unlock(&store->table_lock);
}

static bool is_loaded(const struct es_store *store)
{
	return store->table_state == ES_TABLE_LOADED || store->table_state == ES_TABLE_INDEXED;
}

/* Caller holds load_lock. */
static int load(struct es_store *store, struct loaded *c)
{
	u64 stop_seq;
	int r = 0;

	write_lock(store->map_lock);
	if (is_loaded(store)) {
		write_unlock(store->map_lock);
		return 0;
	}
	store->table_state = ES_TABLE_LOADING;
	stop_seq = store->durable_seq;
	c->sealed = store->sb.state == ES_STATE_SEALED;
	write_unlock(store->map_lock);

	if (stop_seq != 1)
		r = load_base(store, stop_seq, c);
	if (!r)
		r = install(store, c);
	if (r) {
		es_index_free(c->index);
		es_map_free(&c->table);
		unload(store);
	}
	return r;
}

int es_store_load(struct es_store *store)
{
	struct loaded *c = kzalloc(sizeof(*c), GFP_NOIO);
	int r;

	if (!c)
		return -ENOMEM;
	mutex_lock(&store->load_lock);
	r = load(store, c);
	mutex_unlock(&store->load_lock);
	kfree(c);
	return r;
}

void es_store_unload(struct es_store *store)
{
	mutex_lock(&store->load_lock);
	if (is_loaded(store))
		unload(store);
	mutex_unlock(&store->load_lock);
}

void es_store_use_index(struct es_store *store)
{
	/* A loader that is at it finds that the store is sealed (install). */
	if (!mutex_trylock(&store->load_lock))
		return;
	if (store->table_state == ES_TABLE_LOADED)
		unload(store);
	mutex_unlock(&store->load_lock);
}

/* --- looking --- */

#define LOAD_TRIES 8

/* Returns 0, or -EAGAIN; then *@block is the index block to be read, or NO_BLOCK. */
#define NO_BLOCK U32_MAX

static int look(struct es_store *store, u64 chunk, u64 max, struct es_piece *out, u32 *block)
{
	u32 cb = es_store_chunk_blocks(store);

	*block = NO_BLOCK;
	switch (store->table_state) {
	case ES_TABLE_LOADED:
		es_table_lookup(&store->table, chunk, max, cb, out);
		return 0;
	case ES_TABLE_INDEXED:
		return es_index_lookup(store->index, chunk, max, cb, out, block);
	case ES_TABLE_NONE:
	case ES_TABLE_LOADING:
		break;
	}
	return -EAGAIN;
}

int es_store_lookup(struct es_store *store, u64 chunk, u64 max, struct es_piece *out)
{
	u32 block;

	return look(store, chunk, max, out, &block);
}

/*
 * Read the index block that a look-up wants, unless the index has gone meanwhile.  Where that
 * fails, a loader tries the whole index, and then the log.
 */
static int read_block(struct es_store *store, u32 block, u64 chunk, u64 max, struct es_piece *out)
{
	struct es_sb *sb = es_store_copy_sb(store);
	int r = -EAGAIN;

	if (!sb)
		return -ENOMEM;
	mutex_lock(&store->load_lock);
	if (store->table_state == ES_TABLE_INDEXED)
		r = es_index_read(store, store->index, sb, block, chunk, max, out);
	if (r && r != -ENOMEM && r != -EAGAIN) {
		unload(store);
		r = -EAGAIN;
	}
	mutex_unlock(&store->load_lock);
	kfree(sb);
	return r;
}

/*
 * A table that was dropped under its loader is loaded again; but where memory is so short that it
 * happens again and again, the read fails: copies wait for it, and writes for those.
 */
static int load_again(struct es_store *store, u32 *tries)
{
	int r = es_store_load(store);

	if (r == -EAGAIN && ++*tries == LOAD_TRIES)
		return -ENOMEM;
	return r ? r : -EAGAIN;
}

int es_store_fetch(struct es_store *store, u64 chunk, u64 max, struct es_piece *out)
{
	u32 block, tries = 0;
	int r;

	do {
		read_lock(store->map_lock);
		r = look(store, chunk, max, out, &block);
		read_unlock(store->map_lock);
		if (r == -EAGAIN && block != NO_BLOCK)
			r = read_block(store, block, chunk, max, out);
		else if (r == -EAGAIN)
			r = load_again(store, &tries);
		else
			return r;
	} while (r == -EAGAIN);
	return r;
}

/* --- keeping up with what is appended --- */

void es_store_insert(struct es_store *store, const struct es_extent *extents, u32 nr, u64 seq)
{
	struct es_map_writer writer = {
		.lock = store->map_lock,
		.chunk_blocks = es_store_chunk_blocks(store),
		.effort = ES_TRY_ONCE,
	};
	bool wanted;
	int r = 0;

	/* From here on a loader finds these extents on disk, or we enter them. */
	mutex_lock(&store->table_lock);
	write_lock(store->map_lock);
	wanted = store->table_state != ES_TABLE_NONE;
	store->durable_seq = seq;
	write_unlock(store->map_lock);

	if (wanted)
		r = es_map_add(&store->table, &writer, extents, nr);
	/*
	 * An extent is missing: the table is of no use.  No load_lock: an append must
	 * not wait for a loader; that one finds LOADING gone.  There is no index.
	 */
	if (r)
		drop_table(store);
	mutex_unlock(&store->table_lock);
}
