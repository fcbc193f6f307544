// SPDX-License-Identifier: GPL-2.0-only
/*
 * THE DATA PATH of an origin.
 *
 * Reads, and writes to chunks that no snapshot needs from here, are remapped
 * after one look at a bit: no lock, no allocation, no split.  The others are cut
 * at most where that bit changes and handed to the engine (es_engine.h).
 */
#include "es_chain_journal.h"
#include "es_origin.h"
#include "es_origin_map.h"

static enum es_op bio_to_op(const struct bio *bio)
{
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		return ES_OP_READ;
	case REQ_OP_DISCARD:
		return ES_OP_DISCARD;
	case REQ_OP_WRITE_ZEROES:
		return ES_OP_ZEROES;
	case REQ_OP_SECURE_ERASE:
		return ES_OP_ERASE;
	default:
		return ES_OP_WRITE;
	}
}

/*
 * Is chunk @first needed by a snapshot, and how many chunks up to @last share
 * the answer?  The acquire pairs with the release in chain_release: whoever
 * sees the bit may overwrite the chunk.  Bits are set meanwhile, so that @first
 * is looked at once: a second look may differ, and the run would be empty.
 */
static bool needed_run(const struct es_chain *chain, u64 first, u64 last, u64 *end)
{
	bool needed = !test_bit_acquire(first, chain->copied);

	if (first == last)
		*end = last + 1;
	else if (needed)
		*end = find_next_bit(chain->copied, last + 1, first + 1);
	else
		*end = find_next_zero_bit(chain->copied, last + 1, first + 1);
	smp_rmb();	/* the same acquire for the bits looked at by find_next */
	return needed;
}

static void clear_trimmed(const struct es_chain *chain, const struct es_write *w)
{
	u64 i = w->first;

	/* Most writes are to one chunk, which is not trimmed. */
	if (i == w->last && !test_bit(i, chain->trimmed))
		return;
	while ((i = find_next_bit(chain->trimmed, w->last + 1, i)) <= w->last)
		clear_bit(i++, chain->trimmed);
}

void es_origin_untrim(struct es_chain *chain, u64 sector, u64 nr)
{
	struct es_write w = {
		.first = sector >> chain->chunk_shift,
		.last = (sector + nr - 1) >> chain->chunk_shift,
	};

	clear_trimmed(chain, &w);
}

/* Chunks that @bio covers whole now hold nothing. */
static void set_trimmed(const struct es_chain *chain, const struct bio *bio)
{
	u64 mask = chain->chunk_sectors - 1;
	u64 i = (bio->bi_iter.bi_sector + mask) >> chain->chunk_shift;
	u64 end = bio_end_sector(bio) >> chain->chunk_shift;

	if (bio_end_sector(bio) == chain->sectors)
		end = chain->nr_chunks;
	for (; i < end; i++)
		set_bit(i, chain->trimmed);
}

/*
 * A write clears "trimmed" before it is issued and again when it has ended: a
 * discard that was mapped in between may have been executed before it.
 */
static void note_trim(const struct es_chain *chain, const struct bio *bio,
		      const struct es_origin_io *io)
{
	switch (es_plan_trim(io->op)) {
	case ES_TRIM_SET:
		set_trimmed(chain, bio);
		break;
	case ES_TRIM_CLEAR:
		clear_trimmed(chain, &io->write);
		break;
	case ES_TRIM_KEEP:
		break;
	}
}

/* The bio does not know it any more when it has ended. */
static void note_place(const struct bio *bio, struct es_origin_io *io)
{
	io->sector = bio->bi_iter.bi_sector;
	io->nr = bio_sectors(bio);
}

int es_origin_map(struct dm_target *ti, struct bio *bio)
{
	struct es_origin_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct es_origin *o = ti->private;
	struct es_chain *chain = o->chain;
	u64 end;
	bool needed;

	bio_set_dev(bio, o->origin->bdev);
	io->op = ES_OP_FLUSH;
	io->nr = 0;
	io->pin = NULL;

	if (chain->journal) {
		int r = es_chain_journal_map(chain, bio, io);

		if (r >= 0)
			return r;
	}

	/* An empty flush: the origin's own; what is in a store is durable already. */
	if (bio->bi_opf & REQ_PREFLUSH || !bio_sectors(bio))
		return DM_MAPIO_REMAPPED;

	/* Reads see the newest data, which is always in place. */
	io->op = bio_to_op(bio);
	if (io->op == ES_OP_READ)
		return DM_MAPIO_REMAPPED;

	io->write.bio = bio;
	io->write.first = bio->bi_iter.bi_sector >> chain->chunk_shift;
	io->write.last = (bio_end_sector(bio) - 1) >> chain->chunk_shift;
	needed = needed_run(chain, io->write.first, io->write.last, &end);

	/* The bio changes state on its way: take the first part. */
	if (end <= io->write.last) {
		dm_accept_partial_bio(bio, (end << chain->chunk_shift) - bio->bi_iter.bi_sector);
		io->write.last = end - 1;
	}
	note_place(bio, io);

	switch (es_plan(io->op, needed, chain->discard_copy)) {
	case ES_DO_PASS:
		note_trim(chain, bio, io);
		return DM_MAPIO_REMAPPED;
	case ES_DO_SWALLOW:
		io->op = ES_OP_READ;	/* nothing happened to the origin */
		io->nr = 0;
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	case ES_DO_COPY:
		break;
	}

	/* Old data first: the engine issues the bio when its copy is safe. */
	bio_clear_polled(bio);
	if (io->op == ES_OP_DISCARD)
		io->op = ES_OP_ERASE;	/* it may hold anything: never "trimmed" */
	note_trim(chain, bio, io);
	es_engine_submit(&chain->engine, &io->write);
	return DM_MAPIO_SUBMITTED;
}

/* A discard that some snapshot needs parts of: those are swallowed, the others sent. */
static void issue_parts(struct es_chain *chain, struct bio *bio, const struct es_write *w)
{
	u64 first = w->first, end;
	bool needed;

	while ((needed = needed_run(chain, first, w->last, &end), end <= w->last)) {
		u64 nr = (end << chain->chunk_shift) - bio->bi_iter.bi_sector;
		struct bio *part = bio_split(bio, nr, GFP_NOIO, &chain->engine.pool.bios);

		bio_chain(part, bio);
		if (needed) {
			bio_endio(part);
		} else {
			set_trimmed(chain, part);
			submit_bio_noacct(part);
		}
		first = end;
	}
	if (needed) {
		bio_endio(bio);
	} else {
		set_trimmed(chain, bio);
		submit_bio_noacct(bio);
	}
}

void es_origin_issue(struct es_chain *chain, struct bio *bio, struct es_origin_io *io)
{
	bool needed;

	io->op = ES_OP_FLUSH;
	io->pin = NULL;
	note_place(bio, io);
	if (!bio_sectors(bio)) {
		submit_bio_noacct(bio);
		return;
	}
	io->op = bio_to_op(bio);
	io->write.bio = bio;
	io->write.first = bio->bi_iter.bi_sector >> chain->chunk_shift;
	io->write.last = (bio_end_sector(bio) - 1) >> chain->chunk_shift;
	needed = find_next_zero_bit(chain->copied, io->write.last + 1, io->write.first) <=
		 io->write.last;
	smp_rmb();	/* as in needed_run */
	if (needed && io->op == ES_OP_DISCARD)
		io->op = ES_OP_ERASE;	/* part of it stays: never "trimmed" as a whole */
	note_trim(chain, bio, io);
	switch (es_plan(bio_to_op(bio), needed, chain->discard_copy)) {
	case ES_DO_PASS:
		submit_bio_noacct(bio);
		break;
	case ES_DO_SWALLOW:
		io->nr = 0;	/* not all of it */
		issue_parts(chain, bio, &io->write);
		break;
	case ES_DO_COPY:
		es_engine_submit(&chain->engine, &io->write);
		break;
	}
}

int es_origin_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	struct es_origin_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct es_origin *o = ti->private;
	enum es_trim trim = es_plan_trim(io->op);

	if (io->pin)
		es_journal_unpin(o->chain->journal, io->pin);
	if (o->chain->journal && io->nr && !*error)
		es_journal_overwritten(o->chain->journal, io->sector, io->nr);
	if (trim == ES_TRIM_CLEAR || (trim == ES_TRIM_SET && *error))
		clear_trimmed(o->chain, &io->write);
	return DM_ENDIO_DONE;
}
