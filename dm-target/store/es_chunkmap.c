// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chunk map: see es_chunkmap.h.
 */
#include <linux/device-mapper.h>
#include "es_chunkmap.h"
#include "es_io.h"

#define DM_MSG_PREFIX "esnapshot"

#define BATCH 32u
#define BLOCK_WORDS (ES_CHUNKMAP_CHUNKS / 64)

/* Fewer closed segments than that are read as quickly as a map. */
#define WORTH_SEGMENTS 4u
/* The summary of a segment is about as long as that. */
#define SUMMARY_BLOCKS 8u

/* What reads or writes a map: its bits, its pages, its checksum so far. */
struct transfer {
	struct es_store *store;
	u64 addr;
	u64 *words;	/* an unsigned long has 64 bits here */
	u32 crc;
	struct page *pages[BATCH];
};

static void checksum(struct transfer *t, u32 i)
{
	t->crc = es_crc32c(t->crc, page_address(t->pages[i]), ES_BLOCK_SIZE);
}

static int write_blocks(struct transfer *t, u64 pos, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		es_chunkmap_encode(t->words + (pos + i) * BLOCK_WORDS,
				   es_chunkmap_chunks(&t->store->sb, pos + i),
				   page_address(t->pages[i]));
		checksum(t, i);
	}
	return es_io_pages(t->store->bdev, REQ_OP_WRITE, t->addr + pos, t->pages, nr);
}

static int read_blocks(struct transfer *t, u64 pos, u32 nr)
{
	int r = es_io_pages(t->store->bdev, REQ_OP_READ, t->addr + pos, t->pages, nr);
	u32 i;

	for (i = 0; !r && i < nr; i++) {
		checksum(t, i);
		if (!es_chunkmap_decode(page_address(t->pages[i]),
					t->words + (pos + i) * BLOCK_WORDS,
					es_chunkmap_chunks(&t->store->sb, pos + i)))
			r = -EUCLEAN;
	}
	return r;
}

/* Do @blocks for all of the map at @addr, with the bits @bits; sets *@crc. */
static int transfer(struct es_store *store, u64 addr, const unsigned long *bits, u32 *crc,
		    int (*blocks)(struct transfer *t, u64 pos, u32 nr))
{
	struct transfer t = {
		.store = store, .addr = addr, .words = (u64 *)bits, .crc = ~(u32)0,
	};
	u64 end = es_chunkmap_blocks(&store->sb), pos;
	u32 nr = es_io_alloc_pages(t.pages, min_t(u64, BATCH, end));
	int r = 0;

	BUILD_BUG_ON(sizeof(long) != sizeof(u64));
	for (pos = 0; !r && pos < end; pos += nr)
		r = blocks(&t, pos, min_t(u64, nr, end - pos));
	es_io_free_pages(t.pages, nr);
	*crc = ~t.crc;
	return r;
}

void es_chunkmap_write(struct es_store *store, const unsigned long *copied,
		       struct es_chunkmap *map)
{
	u64 blocks = es_chunkmap_blocks(&store->sb), addr;
	const struct es_log *log = &store->log;
	u32 crc;
	int r;

	if (log->segment < WORTH_SEGMENTS || blocks > log->segment * SUMMARY_BLOCKS)
		return;
	addr = es_log_index_addr(log, blocks);
	if (!addr)
		return;
	r = transfer(store, addr, copied, &crc, write_blocks);
	if (r) {
		DMWARN("%pg: no chunk map was written: error %d", store->bdev, r);
		return;
	}
	*map = (struct es_chunkmap){
		.addr = addr, .blocks = blocks, .crc = crc, .segment = log->segment - 1,
		.extents = log->nr_extents, .payload_blocks = log->payload_blocks,
	};
}

int es_chunkmap_read(struct es_store *store, unsigned long *copied)
{
	u32 crc;
	int r = transfer(store, store->sb.map.addr, copied, &crc, read_blocks);

	if (!r && crc != store->sb.map.crc)
		r = -EUCLEAN;
	if (r == -EUCLEAN)
		es_store_report(store, ES_FAULT_CHUNK_MAP, store->sb.map.addr);
	return r;
}
