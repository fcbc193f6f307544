// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs of pending pieces: see es_journal_run.h.
 *
 * A range that is being written is not written a second time until that has ended, so
 * versions reach the origin in their order.  Superseded data that is still on its way does
 * no harm: what supersedes it is pending and follows.
 */
#include "es_journal_run.h"

#define GFP_TRY (GFP_NOWAIT | __GFP_NOWARN)

/* Pages of a run. */
#define RUN_PAGES 256u
/* Longest discard, or WRITE_ZEROES. */
#define BIO_SECTORS BIT(22)

unsigned int es_jflight_front_pad(void)
{
	return offsetof(struct es_jflight, bio);
}

static void flight_endio(struct bio *bio)
{
	struct es_jflight *f = container_of(bio, struct es_jflight, bio);

	f->status = bio->bi_status;
	es_journal_post(f->j, &f->list, &f->j->landed);
}

/* --- runs --- */

/**
 * struct run - pieces side by side that are written together.
 * @piece: by address
 * @nr: how many
 * @pages: of data
 * @first: first sector
 * @last: last sector
 */
struct run {
	struct es_jpiece *piece[ES_JRUN_PIECES];
	u32 nr;
	u32 pages;
	u64 first;
	u64 last;
};

static enum req_op origin_op(const struct es_journal *j, const struct es_jent *ent)
{
	switch (ent->e.op) {
	case ES_JOP_DISCARD:
		return REQ_OP_DISCARD;
	case ES_JOP_ZEROES:
		return j->no_zeroes ? REQ_OP_WRITE : REQ_OP_WRITE_ZEROES;
	default:
		return REQ_OP_WRITE;
	}
}

/* Pages that @piece touches. */
static u32 piece_pages(const struct es_jpiece *piece)
{
	const struct es_jent *ent = piece->ent;
	u64 skip = piece->node.start - ent->e.sector;
	u64 end = piece->node.last - ent->e.sector;

	return end / ES_BLOCK_SECTORS - skip / ES_BLOCK_SECTORS + 1;
}

/* Its data is in memory, and nobody writes there now. */
static bool can_go(struct es_journal *j, const struct es_jpiece *piece)
{
	const struct es_jent *ent = piece->ent;

	if (piece->flight || ent->bad || (ent->e.op == ES_JOP_WRITE && !ent->data))
		return false;
	return !interval_tree_iter_first(&j->flights, piece->node.start, piece->node.last);
}

static bool can_join(struct es_journal *j, const struct run *run, const struct es_jpiece *piece)
{
	return piece->ent->e.op == ES_JOP_WRITE && !piece->ent->alone && can_go(j, piece) &&
	       run->nr < ES_JRUN_PIECES && run->pages + piece_pages(piece) <= RUN_PAGES;
}

static void join_before(struct es_journal *j, struct run *run)
{
	struct es_jpiece *piece;

	while (run->first) {
		piece = es_pending_find(&j->pending, run->first - 1, run->first - 1);
		if (!piece || !can_join(j, run, piece))
			break;
		memmove(run->piece + 1, run->piece, run->nr * sizeof(run->piece[0]));
		run->piece[0] = piece;
		run->nr++;
		run->pages += piece_pages(piece);
		run->first = piece->node.start;
	}
}

static void join_behind(struct es_journal *j, struct run *run)
{
	struct es_jpiece *piece;

	for (;;) {
		piece = es_pending_find(&j->pending, run->last + 1, run->last + 1);
		if (!piece || !can_join(j, run, piece))
			break;
		run->piece[run->nr++] = piece;
		run->pages += piece_pages(piece);
		run->last = piece->node.last;
	}
}

/* What has no payload may be longer than a bio; false: no memory. */
static bool shorten(struct es_journal *j, struct es_jpiece *piece)
{
	bool zeros = origin_op(j, piece->ent) == REQ_OP_WRITE;
	u64 max = zeros ? (RUN_PAGES - 1) * ES_BLOCK_SECTORS : BIO_SECTORS;
	struct es_jpiece *rest;

	if (es_piece_sectors(piece) <= max)
		return true;
	rest = es_piece_alloc(&j->pending, GFP_TRY);
	if (!rest)
		return false;
	es_piece_split(&j->pending, piece, piece->node.start + max, rest);
	return true;
}

/* The run around @piece; false: no memory. */
static bool make_run(struct es_journal *j, struct es_jpiece *piece, struct run *run)
{
	bool data = piece->ent->e.op == ES_JOP_WRITE;

	if (!data && !shorten(j, piece))
		return false;
	run->piece[0] = piece;
	run->nr = 1;
	run->first = piece->node.start;
	run->last = piece->node.last;
	run->pages = origin_op(j, piece->ent) == REQ_OP_WRITE ? piece_pages(piece) : 0;
	if (data && !piece->ent->alone) {
		join_before(j, run);
		join_behind(j, run);
	}
	return true;
}

/* --- flights --- */

static void add_data(struct bio *bio, const struct es_jpiece *piece)
{
	const struct es_jent *ent = piece->ent;
	u64 pos = (piece->node.start - ent->e.sector) << SECTOR_SHIFT;
	u64 end = (piece->node.last + 1 - ent->e.sector) << SECTOR_SHIFT;

	while (pos < end) {
		u32 n = min_t(u64, end - pos, ES_BLOCK_SIZE - pos % ES_BLOCK_SIZE);
		struct page *page = ent->data ? ent->data->page[pos / ES_BLOCK_SIZE] :
						ZERO_PAGE(0);

		__bio_add_page(bio, page, n, pos % ES_BLOCK_SIZE);
		pos += n;
	}
}

/* j->lock held.  NULL: no memory. */
static struct es_jflight *make_flight(struct es_journal *j, const struct run *run)
{
	enum req_op op = origin_op(j, run->piece[0]->ent);
	blk_opf_t flags = op == REQ_OP_WRITE_ZEROES ? REQ_NOUNMAP : 0;
	struct es_jflight *f;
	struct bio *bio;
	u32 i;

	bio = bio_alloc_bioset(j->origin, run->pages, op | flags, GFP_TRY, &j->flight_bios);
	if (!bio && run->pages) /* without waiting, only the largest comes out of the reserve */
		bio = bio_alloc_bioset(j->origin, BIO_MAX_VECS, op | flags, GFP_TRY,
				       &j->flight_bios);
	if (!bio)
		return NULL;
	f = container_of(bio, struct es_jflight, bio);
	bio->bi_iter.bi_sector = run->first;
	bio->bi_end_io = flight_endio;
	f->j = j;
	f->op = op;
	f->node.start = run->first;
	f->node.last = run->last;
	f->nr = run->nr;
	for (i = 0; i < run->nr; i++) {
		run->piece[i]->flight = f;
		f->ent[i] = run->piece[i]->ent;
		es_jent_pin(f->ent[i]);
		if (op == REQ_OP_WRITE)
			add_data(bio, run->piece[i]);
	}
	if (op != REQ_OP_WRITE)
		bio->bi_iter.bi_size = (run->last - run->first + 1) << SECTOR_SHIFT;
	interval_tree_insert(&f->node, &j->flights);
	j->nr_flights++;
	return f;
}

bool es_jrun_take(struct es_journal *j, struct es_jent *ent, struct list_head *batch, bool again)
{
	struct es_jpiece *piece;
	struct es_jflight *f;
	struct run run;

	list_for_each_entry(piece, &ent->pieces, list) {
		if (j->nr_flights >= ES_JFLIGHTS)
			return true;
		if (!es_jpiece_is_due(j, piece, again) || !can_go(j, piece))
			continue;
		if (!make_run(j, piece, &run))
			return false;
		f = make_flight(j, &run);
		if (!f)
			return false;
		list_add_tail(&f->list, batch);
	}
	return true;
}
