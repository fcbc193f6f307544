// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sorted runs of extents: look-up, insertion, merge.
 *
 * Units and invariants: see es_table.h.
 */
#include "es_table.h"

u32 es_run_find(const struct es_run *run, u64 chunk)
{
	u32 low = 0, high = run->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (es_extent_end(&run->e[mid]) > chunk)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Whether @b continues @a in the origin and in the store. */
static bool extents_adjoin(const struct es_extent *a, const struct es_extent *b, u32 chunk_blocks)
{
	if (b->chunk != es_extent_end(a) || b->flags != a->flags)
		return false;
	return !es_extent_has_payload(a) || b->addr == a->addr + (u64)a->nr * chunk_blocks;
}

/* Fill @out from extent @i of @run, which holds @chunk, for at most @max chunks. */
static void piece_from_run(const struct es_run *run, u32 i, u64 chunk, u64 max, u32 chunk_blocks,
			   struct es_piece *out)
{
	const struct es_extent *e = &run->e[i];

	out->found = true;
	out->flags = e->flags;
	out->addr = es_extent_has_payload(e) ? e->addr + (chunk - e->chunk) * chunk_blocks : 0;
	while (++i < run->nr && es_extent_end(e) - chunk < max &&
	       extents_adjoin(e, &run->e[i], chunk_blocks))
		e = &run->e[i];
	out->nr = es_extent_end(e) - chunk;
	if (out->nr > max)
		out->nr = max;
}

/*
 * Look for @chunk in @run.  Returns false when it is not there; *@max is then no
 * more than the distance to the next extent: a newer run answers from there on.
 */
static bool look_in_run(const struct es_run *run, u64 chunk, u64 *max, u32 chunk_blocks,
			struct es_piece *out)
{
	u32 i = es_run_find(run, chunk);

	if (i == run->nr)
		return false;
	if (run->e[i].chunk <= chunk) {
		piece_from_run(run, i, chunk, *max, chunk_blocks, out);
		return true;
	}
	if (run->e[i].chunk - chunk < *max)
		*max = run->e[i].chunk - chunk;
	return false;
}

static void not_found(u64 nr, struct es_piece *out)
{
	*out = (struct es_piece){ .nr = nr };
}

void es_run_lookup(const struct es_run *run, u64 chunk, u64 max, u32 chunk_blocks,
		   struct es_piece *out)
{
	if (!look_in_run(run, chunk, &max, chunk_blocks, out))
		not_found(max, out);
}

void es_table_lookup(const struct es_table *t, u64 chunk, u64 max, u32 chunk_blocks,
		     struct es_piece *out)
{
	u32 r = t->nr_runs;

	while (r--)
		if (look_in_run(&t->run[r], chunk, &max, chunk_blocks, out))
			return;
	not_found(max, out);
}

/* Cut the first @n chunks off @e. */
static void trim_front(struct es_extent *e, u64 n, u32 chunk_blocks)
{
	e->chunk += n;
	e->nr -= (u32)n;
	if (es_extent_has_payload(e))
		e->addr += n * chunk_blocks;
}

bool es_run_insert(struct es_run *run, const struct es_extent *e, u32 chunk_blocks)
{
	u64 end = es_extent_end(e);
	struct es_extent put[3], *first;
	u32 i, j, n = 0;

	if (run->cap - run->nr < 2)
		return false;

	/* [i, j) overlaps @e; what sticks out on either side stays. */
	i = es_run_find(run, e->chunk);
	for (j = i; j < run->nr && run->e[j].chunk < end; j++)
		;
	first = &run->e[i];
	if (i < j && first->chunk < e->chunk) {
		put[n] = *first;
		put[n++].nr = (u32)(e->chunk - first->chunk);
	}
	put[n++] = *e;
	if (i < j && es_extent_end(&run->e[j - 1]) > end) {
		put[n] = run->e[j - 1];
		trim_front(&put[n], end - put[n].chunk, chunk_blocks);
		n++;
	}
	memmove(&run->e[i + n], &run->e[j], (run->nr - j) * sizeof(*run->e));
	memcpy(&run->e[i], put, n * sizeof(*put));
	run->nr = run->nr - (j - i) + n;
	return true;
}

/* Write the first @nr chunks of @e as number @n, if anybody wants to have them written. */
static u32 emit(struct es_extent *out, u32 n, const struct es_extent *e, u32 nr)
{
	if (out) {
		out[n] = *e;
		out[n].nr = nr;
	}
	return n + 1;
}

u32 es_run_merge(const struct es_run *newer, const struct es_run *older, struct es_extent *out,
		 u32 chunk_blocks)
{
	struct es_extent o = { 0 };
	u32 i = 0, j = 0, n = 0;

	while (i < newer->nr || j < older->nr || o.nr) {
		const struct es_extent *e = i < newer->nr ? &newer->e[i] : NULL;

		if (!o.nr && j < older->nr)
			o = older->e[j++];
		if (!o.nr || (e && es_extent_end(e) <= o.chunk)) {
			n = emit(out, n, e, e->nr);
			i++;
		} else if (!e || es_extent_end(&o) <= e->chunk) {
			n = emit(out, n, &o, o.nr);
			o.nr = 0;
		} else if (o.chunk < e->chunk) {
			/* The part of the older extent before the newer one. */
			n = emit(out, n, &o, (u32)(e->chunk - o.chunk));
			trim_front(&o, e->chunk - o.chunk, chunk_blocks);
		} else if (es_extent_end(&o) <= es_extent_end(e)) {
			o.nr = 0;
		} else {
			trim_front(&o, es_extent_end(e) - o.chunk, chunk_blocks);
		}
	}
	return n;
}

bool es_table_merge_due(const struct es_table *t)
{
	const struct es_run *newer, *older;

	if (t->nr_runs < 2)
		return false;
	newer = &t->run[t->nr_runs - 1];
	older = &t->run[t->nr_runs - 2];
	return (u64)newer->nr * 2 >= older->nr || t->nr_runs == ES_TABLE_MAX_RUNS;
}
