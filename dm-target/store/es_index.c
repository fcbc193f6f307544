// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index of a sealed store in memory: see es_index.h.
 *
 * The life of a page: filled by a loader, published in its index and put on the
 * cache's list under cache.lock; found under rcu_read_lock; taken off both under
 * cache.lock, by eviction or with its index, and freed after a grace period.
 */
#include <linux/device-mapper.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/rculist.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include "es_index.h"
#include "es_io.h"
#include "es_map.h"
#include "es_replay.h"
#include "es_store.h"

/* Blocks that one read brings in: who reads on needs the next ones. */
#define READ_AHEAD 8u
/* Blocks read at once while the fences are built. */
#define LOAD_BATCH 64u

/**
 * struct es_index_page - an index block, decoded.
 * @lru: on the cache's list; guarded by cache.lock
 * @rcu: once it is off that list
 * @index: whose block it is
 * @pos: which one
 * @nr: extents
 * @used: looked at since eviction last came by
 * @e: the extents
 */
struct es_index_page {
	union {
		struct list_head lru;
		struct rcu_head rcu;
	};
	struct es_index *index;
	u32 pos;
	u32 nr;
	bool used;
	struct es_extent e[ES_BLOCK_EXTENTS];
};

/* Chunks that an index block reaches over; none, where it is the block of an empty index. */
struct fence {
	u64 first;
	u64 end;
};

struct es_index {
	u32 nr;			/* blocks */
	struct fence *fence;
	struct es_index_page __rcu **page;
};

static struct {
	spinlock_t lock;	/* guards lru, nr, and all changes of es_index.page */
	struct list_head lru;	/* least recently added or seen in use first */
	unsigned long nr;
} cache;

static unsigned int table_budget_mib = 64;
module_param(table_budget_mib, uint, 0644);
MODULE_PARM_DESC(table_budget_mib, "Memory for location tables, in MiB");

static int table_bytes_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lu\n",
			  es_map_bytes() + READ_ONCE(cache.nr) * sizeof(struct es_index_page));
}

static const struct kernel_param_ops table_bytes_ops = { .get = table_bytes_get };
module_param_cb(table_bytes, &table_bytes_ops, NULL, 0444);
MODULE_PARM_DESC(table_bytes, "Memory that location tables hold now, in bytes");

/* --- the cache --- */

static void unhook(struct es_index_page *p)
{
	lockdep_assert_held(&cache.lock);
	list_del(&p->lru);
	cache.nr--;
	RCU_INIT_POINTER(p->index->page[p->pos], NULL);
	kfree_rcu(p, rcu);
}

/* Free up to @want pages; those in use get a second chance.  Returns how many. */
static unsigned long evict(unsigned long want)
{
	unsigned long freed = 0, looks = 2 * cache.nr;

	lockdep_assert_held(&cache.lock);
	while (freed < want && looks-- && !list_empty(&cache.lru)) {
		struct es_index_page *p = list_first_entry(&cache.lru, struct es_index_page, lru);

		if (READ_ONCE(p->used)) {
			WRITE_ONCE(p->used, false);
			list_move_tail(&p->lru, &cache.lru);
			continue;
		}
		unhook(p);
		freed++;
	}
	return freed;
}

/* Pages that the budget has no room for when one is added. */
static unsigned long surplus(void)
{
	unsigned long budget = (unsigned long)READ_ONCE(table_budget_mib) << 20;
	unsigned long tables = es_map_bytes(), max;

	max = tables < budget ? (budget - tables) / sizeof(struct es_index_page) : 0;
	return cache.nr + 1 > max ? cache.nr + 1 - max : 0;
}

/* Publish @p, or free it where the block is there already or there is no room for it. */
static void add_page(struct es_index_page *p)
{
	bool keep;

	spin_lock(&cache.lock);
	evict(surplus());
	keep = !surplus() && !rcu_access_pointer(p->index->page[p->pos]);
	if (keep) {
		list_add_tail(&p->lru, &cache.lru);
		cache.nr++;
		rcu_assign_pointer(p->index->page[p->pos], p);
	}
	spin_unlock(&cache.lock);
	if (!keep)
		kfree(p);
}

static unsigned long count_pages(struct shrinker *shrinker, struct shrink_control *sc)
{
	return READ_ONCE(cache.nr);
}

static unsigned long scan_pages(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long freed;

	spin_lock(&cache.lock);
	freed = evict(sc->nr_to_scan);
	spin_unlock(&cache.lock);
	return freed ? freed : SHRINK_STOP;
}

static struct shrinker page_shrinker = {
	.count_objects = count_pages,
	.scan_objects = scan_pages,
	.seeks = DEFAULT_SEEKS,
};

int es_index_cache_init(void)
{
	BUILD_BUG_ON(sizeof(struct es_index_page) > PAGE_SIZE);
	spin_lock_init(&cache.lock);
	INIT_LIST_HEAD(&cache.lru);
	return register_shrinker(&page_shrinker, "dm-esnapshot-tables");
}

void es_index_cache_exit(void)
{
	unregister_shrinker(&page_shrinker);
	WARN_ON(cache.nr);
}

/* --- an index --- */

void es_index_free(struct es_index *index)
{
	u32 i;

	if (!index)
		return;
	spin_lock(&cache.lock);
	for (i = 0; i < index->nr; i++) {
		struct es_index_page *p = rcu_dereference_protected(index->page[i],
								    lockdep_is_held(&cache.lock));

		if (p)
			unhook(p);
	}
	spin_unlock(&cache.lock);
	kvfree(index->fence);
	kvfree(index->page);
	kfree(index);
}

static struct es_index *alloc_index(u32 nr)
{
	struct es_index *index = kzalloc(sizeof(*index), GFP_NOIO);

	if (!index)
		return NULL;
	index->fence = es_kvmalloc((size_t)nr * sizeof(*index->fence), ES_TRY_HARD);
	index->page = es_kvmalloc((size_t)nr * sizeof(*index->page), ES_TRY_HARD);
	if (!index->fence || !index->page) {
		es_index_free(index);
		return NULL;
	}
	memset(index->fence, 0, (size_t)nr * sizeof(*index->fence));
	memset(index->page, 0, (size_t)nr * sizeof(*index->page));
	index->nr = nr;
	return index;
}

/* Verify the block in @page and decode it. */
static struct es_index_page *decode_page(struct es_store *store, struct es_index *index,
					 const struct es_sb *sb, u32 pos, struct page *page)
{
	u64 prev_end = pos ? index->fence[pos - 1].end : 0;
	struct es_index_page *p;
	enum es_fault fault;

	p = kmalloc(sizeof(*p), GFP_NOIO | __GFP_NOFAIL);
	p->index = index;
	p->pos = pos;
	p->used = true;
	fault = es_index_check(sb, pos, page_address(page), &prev_end, p->e, &p->nr);
	if (!fault)
		return p;
	es_store_report(store, fault, sb->index_addr + pos);
	kfree(p);
	return ERR_PTR(-EUCLEAN);
}

/* Read @nr blocks from @pos on, note their fences, keep what there is room for. */
static int load_blocks(struct es_store *store, struct es_index *index, const struct es_sb *sb,
		       u32 pos, u32 nr, struct page **pages)
{
	u32 i;
	int r;

	r = es_io_pages(store->bdev, REQ_OP_READ, sb->index_addr + pos, pages, nr);
	if (r)
		return r;
	for (i = 0; i < nr; i++) {
		struct es_index_page *p = decode_page(store, index, sb, pos + i, pages[i]);

		if (IS_ERR(p))
			return PTR_ERR(p);
		if (p->nr) {
			index->fence[pos + i].first = p->e[0].chunk;
			index->fence[pos + i].end = es_extent_end(&p->e[p->nr - 1]);
		}
		add_page(p);
	}
	return 0;
}

struct es_index *es_index_load(struct es_store *store, const struct es_sb *sb)
{
	struct es_index *index = alloc_index(sb->index_blocks);
	struct page *pages[LOAD_BATCH];
	u32 nr, pos;
	int r = 0;

	if (!index)
		return ERR_PTR(-ENOMEM);
	nr = es_io_alloc_pages(pages, min(LOAD_BATCH, sb->index_blocks));
	for (pos = 0; !r && pos < index->nr; pos += nr)
		r = load_blocks(store, index, sb, pos, min(nr, index->nr - pos), pages);
	es_io_free_pages(pages, nr);
	if (!r)
		return index;
	es_index_free(index);
	return ERR_PTR(r);
}

/* The first block that ends behind @chunk; index->nr if there is none. */
static u32 find_block(const struct es_index *index, u64 chunk)
{
	u32 low = 0, high = index->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (index->fence[mid].end > chunk)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void look_in_page(const struct es_index_page *p, u64 chunk, u64 max, u32 chunk_blocks,
			 struct es_piece *out)
{
	const struct es_run run = { .e = (struct es_extent *)p->e, .nr = p->nr };

	es_run_lookup(&run, chunk, max, chunk_blocks, out);
}

int es_index_lookup(const struct es_index *index, u64 chunk, u64 max, u32 chunk_blocks,
		    struct es_piece *out, u32 *block)
{
	u32 i = find_block(index, chunk);
	struct es_index_page *p;
	int r = -EAGAIN;

	if (i == index->nr || index->fence[i].first > chunk) {
		if (i < index->nr)
			max = min(max, index->fence[i].first - chunk);
		*out = (struct es_piece){ .nr = max };
		return 0;
	}
	rcu_read_lock();
	p = rcu_dereference(index->page[i]);
	if (p) {
		if (!READ_ONCE(p->used))
			WRITE_ONCE(p->used, true);
		look_in_page(p, chunk, max, chunk_blocks, out);
		r = 0;
	}
	rcu_read_unlock();
	*block = i;
	return r;
}

int es_index_read(struct es_store *store, struct es_index *index, const struct es_sb *sb,
		  u32 block, u64 chunk, u64 max, struct es_piece *out)
{
	struct page *pages[READ_AHEAD];
	u32 nr, good, i;
	int r;

	nr = es_io_alloc_pages(pages, min(READ_AHEAD, index->nr - block));
	good = nr;
	r = es_io_pages(store->bdev, REQ_OP_READ, sb->index_addr + block, pages, nr);
	/* What is behind it need not be readable, nor right. */
	if (r && nr > 1) {
		good = 1;
		r = es_io_pages(store->bdev, REQ_OP_READ, sb->index_addr + block, pages, 1);
	}
	for (i = 0; !r && i < good; i++) {
		struct es_index_page *p = decode_page(store, index, sb, block + i, pages[i]);

		if (IS_ERR(p)) {
			r = i ? 0 : PTR_ERR(p);
			break;
		}
		if (!i)
			look_in_page(p, chunk, max, es_store_chunk_blocks(store), out);
		add_page(p);
	}
	es_io_free_pages(pages, nr);
	return r;
}
