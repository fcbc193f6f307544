// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two bits of each chunk of a chain: copied (no snapshot needs it from the origin any more)
 * and trimmed (discarded and not written since).  A table brings room for them, which the chain
 * takes over when it is bound, and gives back.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>
#include "es_chain.h"
#include "es_map.h"
#include "es_origin.h"

int es_chain_bits_mark(void *context, const struct es_extent *extents, u32 nr)
{
	struct es_chain *chain = context;
	u32 i;

	for (i = 0; i < nr; i++)
		bitmap_set(chain->copied, extents[i].chunk, extents[i].nr);
	return 0;
}

void es_chain_bits_count(struct es_chain *chain, const struct es_store *newest)
{
	/* A store knows nothing behind the size the origin had; nobody needs that. */
	u64 known = es_sb_chunks(&newest->sb);

	chain->nr_copied = bitmap_weight(chain->copied, known);
	bitmap_set(chain->copied, known, chain->nr_chunks - known);
}

/* Collect the next zero extents from the trimmed bits; returns their number. */
static u32 trimmed_extents(struct es_chain *chain, u64 chunks, u64 *pos, struct es_extent *e)
{
	u32 nr = 0;

	while (nr < ES_BLOCK_EXTENTS) {
		u64 first = find_next_bit(chain->trimmed, chunks, *pos);
		u64 end = find_next_zero_bit(chain->trimmed, chunks, first);

		if (first >= chunks)
			break;
		end = min_t(u64, end, first + U32_MAX);
		e[nr++] = (struct es_extent){
			.chunk = first, .nr = end - first, .flags = ES_EXT_ZERO
		};
		*pos = end;
	}
	return nr;
}

/* The zero extents only save work later: most of the store is for copies. */
static bool has_spare_room(const struct es_store *store)
{
	return es_log_used_blocks(&store->log) < store->log.device_blocks / 4;
}

int es_chain_bits_record_trimmed(struct es_chain *chain, struct es_store *store)
{
	u64 chunks = es_sb_chunks(&store->sb), pos = 0;
	struct es_extent *e = kcalloc(ES_BLOCK_EXTENTS, sizeof(*e), GFP_NOIO);
	int nr, done = 0;

	if (!e)
		return -ENOMEM;
	while ((nr = trimmed_extents(chain, chunks, &pos, e)) > 0) {
		done = has_spare_room(store) ? es_append_zeroes(store, e, nr) : 0;
		if (done > 0)
			es_chain_bits_mark(chain, e, done);
		if (done < nr)
			break;
	}
	/*
	 * A store too small for its zero extents does without; but a later one must not say of
	 * these that they are zero: this snapshot, which does not, would read that.
	 */
	if (done >= 0 && done < nr)
		es_chain_bits_forget_trimmed(chain, e[done].chunk);
	kfree(e);
	return min(done, 0);
}

void es_chain_bits_swap(struct es_chain *chain, struct es_origin *table)
{
	swap(chain->copied, table->copied);
	swap(chain->trimmed, table->trimmed);
	chain->nr_chunks = es_chunks(table->ti->len, table->args.chunk_sectors);
}

void es_chain_bits_grow(struct es_chain *chain, struct es_origin *table)
{
	u64 chunks = es_chunks(table->ti->len, table->args.chunk_sectors);
	u64 old = min(chain->nr_chunks, chunks);

	bitmap_copy(table->trimmed, chain->trimmed, old);
	bitmap_clear(table->trimmed, old, chunks - old);
	bitmap_copy(table->copied, chain->copied, old);
	bitmap_set(table->copied, old, chunks - old);
	es_chain_bits_swap(chain, table);
	/* Too small to begin a snapshot with. */
	kvfree(table->copied);
	table->copied = NULL;
}

void es_chain_bits_forget_trimmed(struct es_chain *chain, u64 from)
{
	if (from < chain->nr_chunks)
		bitmap_clear(chain->trimmed, from, chain->nr_chunks - from);
}

bool es_chain_bits_alloc(struct es_chain *chain, struct es_origin *table)
{
	if (!table->copied)
		table->copied = es_kvmalloc(BITS_TO_LONGS(chain->nr_chunks) * sizeof(long),
					    ES_TRY_HARD);
	return table->copied;
}

void es_chain_bits_free(struct es_origin *table)
{
	kvfree(table->copied);
	kvfree(table->trimmed);
	table->copied = NULL;
	table->trimmed = NULL;
}
