/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Old data in memory: a run of chunks on its way from where it is to the store.
 *
 * Memory comes from a pool per chain or view that never fails for good: a copy
 * that finds no memory waits until the one that holds the reserve gives it back.
 */
#ifndef ES_COPY_H
#define ES_COPY_H

#include <linux/bio.h>
#include <linux/interval_tree.h>
#include <linux/mempool.h>
#include "es_io.h"

/* Largest copy, in blocks: what one bio can carry. */
#define ES_COPY_MAX_BLOCKS ES_IO_MAX_BLOCKS

/*
 * A small write must not wait for others' megabytes: the two classes have budgets
 * and lists of their own, and share records.
 */
enum es_copy_class {
	ES_COPY_SMALL,
	ES_COPY_LARGE,
	ES_COPY_CLASSES,
};

/* The largest small copy, in blocks: 64 KiB. */
#define ES_COPY_SMALL_BLOCKS 16u

struct es_copy;
typedef void (*es_copy_fn)(struct es_copy *copy);

/**
 * struct es_copy_pool - where copies get their memory.
 * @bios: for reads and appends
 * @copies: reserve of one largest copy
 * @reserve: pages for one largest copy
 * @reserve_used: a copy has the reserve
 * @blocks: blocks held by the copies of each class now
 *
 * Used by one worker only, no lock.
 */
struct es_copy_pool {
	struct bio_set bios;
	struct es_copy *reserve_copy;
	struct page *reserve[ES_COPY_MAX_BLOCKS];
	bool reserve_used;
	u32 blocks[ES_COPY_CLASSES];
};

/**
 * struct es_copy - a run of chunks being copied.
 * @node: the chunks [start, last], for the owner's tree of copies under way
 * @list: on one list of the owner
 * @waiters: whatever waits for the copy
 * @owner: for @read_done
 * @read_done: called, perhaps in interrupt context, when the last read ended
 * @private: the owner's
 * @nr: chunks
 * @recorded: chunks that have a place in a record
 * @durable: chunks whose record is durable
 * @seq: the owner's (see readers)
 * @reads: reads under way, plus one while they are being issued
 * @read_error: a read failed
 * @retry: chunk that is being read again alone after an error
 * @bad: chunks that could not be read
 * @nr_pages: one page per block
 * @from_reserve: to be given back
 * @bio_used: @bio is under way or was used since es_copy_read_begin
 * @bio: for the first read: it needs no memory that would have to be waited for
 * @vecs: of @bio; one per page, behind @pages
 */
struct es_copy {
	struct interval_tree_node node;
	struct list_head list;
	struct list_head waiters;
	void *owner;
	es_copy_fn read_done;
	void *private;
	u32 nr;
	u32 recorded;
	u32 durable;
	u64 seq;
	atomic_t reads;
	bool read_error;
	bool retrying;
	u32 retry;
	DECLARE_BITMAP(bad, ES_COPY_MAX_BLOCKS);
	bool from_reserve;
	bool bio_used;
	struct bio bio;
	struct bio_vec *vecs;
	u32 nr_pages;
	struct page *pages[];
};

/* May sleep.  Returns 0 or -ENOMEM. */
int es_copy_pool_init(struct es_copy_pool *pool);
void es_copy_pool_exit(struct es_copy_pool *pool);

/* Blocks held by copies now: what the store will take soon. */
static inline u32 es_copy_pool_blocks(const struct es_copy_pool *pool)
{
	return pool->blocks[ES_COPY_SMALL] + pool->blocks[ES_COPY_LARGE];
}

/**
 * es_copy_alloc - a copy of @nr chunks from @chunk with its pages, zeroed.
 *
 * May sleep, not for memory.  Returns NULL when its class has spent its budget or memory
 * is short and the reserve is out: try again when a copy was freed; then there
 * is at least one copy alive.
 */
struct es_copy *es_copy_alloc(struct es_copy_pool *pool, u64 chunk, u32 nr, u32 chunk_blocks);

static inline enum es_copy_class es_copy_class(u32 blocks)
{
	return blocks <= ES_COPY_SMALL_BLOCKS ? ES_COPY_SMALL : ES_COPY_LARGE;
}

/* Give a copy and its pages back. */
void es_copy_free(struct es_copy_pool *pool, struct es_copy *copy);

static inline u64 es_copy_chunk(const struct es_copy *copy)
{
	return copy->node.start;
}

/**
 * es_copy_read_begin, es_copy_read, es_copy_read_end - fill the pages.
 *
 * Any number of es_copy_read between begin and end; @copy->read_done is called
 * once all have ended.  The first one does not sleep, further ones may wait for
 * earlier reads to end: worker context.
 * @sector, @sectors: where on @bdev
 * @block: first page to fill; what the last block has beyond @sectors stays zero
 */
void es_copy_read_begin(struct es_copy *copy);
void es_copy_read(struct es_copy_pool *pool, struct es_copy *copy, struct block_device *bdev,
		  sector_t sector, u32 sectors, u32 block);
void es_copy_read_end(struct es_copy *copy);

/**
 * es_copy_run - the chunks from @from on that can share one extent.
 * @chunk_blocks: blocks per chunk
 * @max: at most that many, at least 1
 * @flags: set to ES_EXT_ZERO or ES_EXT_BAD, or 0 for chunks with payload
 *
 * Returns the number of chunks.  Looks at the data; does not sleep.
 */
u32 es_copy_run(const struct es_copy *copy, u32 from, u32 max, u32 chunk_blocks, u16 *flags);

/* CRC-32C of the payload of chunks [@from, @from + @nr). */
u32 es_copy_crc(const struct es_copy *copy, u32 from, u32 nr, u32 chunk_blocks);

#endif /* ES_COPY_H */
