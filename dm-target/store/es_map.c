// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of location tables: see es_map.h.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "es_map.h"

/*
 * Without @effort a small allocation is repeated for ever.  What vmalloc takes for page tables
 * still is: a page for two megabytes, which the kernel keeps once it has them.
 */
void *es_kvmalloc(size_t size, gfp_t effort)
{
	unsigned int noio = memalloc_noio_save();
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	void *p = kmalloc(size, gfp | (size > PAGE_SIZE ? __GFP_NORETRY : effort));

	/* No effort for pages that lie together: kvmalloc would take it. */
	if (!p && size > PAGE_SIZE && size <= INT_MAX)
		p = __vmalloc(size, gfp | effort);
	memalloc_noio_restore(noio);
	return p;
}

static atomic_long_t map_bytes = ATOMIC_LONG_INIT(0);

unsigned long es_map_bytes(void)
{
	return atomic_long_read(&map_bytes);
}

/* A run for @cap extents; e is NULL when there is no memory. */
static struct es_run alloc_run(u32 cap, gfp_t effort)
{
	struct es_run run = { .cap = cap };

	run.e = es_kvmalloc((size_t)cap * sizeof(*run.e), effort);
	if (run.e)
		atomic_long_add((size_t)cap * sizeof(*run.e), &map_bytes);
	return run;
}

static void free_run(const struct es_run *run)
{
	atomic_long_sub((size_t)run->cap * sizeof(*run->e), &map_bytes);
	kvfree(run->e);
}

void es_map_free(struct es_table *t)
{
	while (t->nr_runs)
		free_run(&t->run[--t->nr_runs]);
}

/* Replace the two newest runs by their union. */
static int merge_newest(struct es_table *t, const struct es_map_writer *w)
{
	struct es_run *newer = &t->run[t->nr_runs - 1];
	struct es_run *older = &t->run[t->nr_runs - 2];
	struct es_run old[2] = { *older, *newer };
	struct es_run run = alloc_run(es_run_merge(newer, older, NULL, w->chunk_blocks), w->effort);

	if (!run.e)
		return -ENOMEM;
	run.nr = es_run_merge(newer, older, run.e, w->chunk_blocks);
	write_lock(w->lock);
	*older = run;
	t->nr_runs--;
	write_unlock(w->lock);
	free_run(&old[0]);
	free_run(&old[1]);
	return 0;
}

/* The newest run is full, or there is none: merge what is due and start a new one. */
static int new_run(struct es_table *t, const struct es_map_writer *w)
{
	struct es_run run;

	while (es_table_merge_due(t))
		if (merge_newest(t, w))
			return -ENOMEM;
	run = alloc_run(ES_MAP_RUN, w->effort);
	if (!run.e)
		return -ENOMEM;
	write_lock(w->lock);
	t->run[t->nr_runs++] = run;
	write_unlock(w->lock);
	return 0;
}

int es_map_add(struct es_table *t, const struct es_map_writer *w, const struct es_extent *extents,
	       u32 nr)
{
	u32 i = 0;

	while (i < nr) {
		write_lock(w->lock);
		while (i < nr && t->nr_runs && t->run[t->nr_runs - 1].nr < ES_MAP_RUN &&
		       es_run_insert(&t->run[t->nr_runs - 1], &extents[i], w->chunk_blocks))
			i++;
		write_unlock(w->lock);
		if (i < nr && new_run(t, w))
			return -ENOMEM;
	}
	return 0;
}

int es_map_flatten(struct es_table *t, const struct es_map_writer *w)
{
	while (t->nr_runs > 1)
		if (merge_newest(t, w))
			return -ENOMEM;
	return 0;
}
