// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log positions: see es_log.h for units and invariants.
 */
#include "es_log.h"

void es_log_init(struct es_log *log, const struct es_sb *sb)
{
	memset(log, 0, sizeof(*log));
	memcpy(log->store_uuid, sb->store_uuid, ES_UUID_SIZE);
	log->serial = sb->serial;
	log->epoch = sb->epoch;
	log->chunk_blocks = es_chunk_blocks(sb->chunk_sectors);
	log->segment_blocks = sb->segment_blocks;
	log->device_blocks = sb->device_blocks;
	log->seq = 1;
}

u64 es_log_segments(const struct es_log *log)
{
	u64 blocks = log->device_blocks - ES_DATA_BLOCK;
	u64 whole = blocks / log->segment_blocks;
	u64 rest = blocks % log->segment_blocks;

	return whole + (rest >= log->chunk_blocks + 2);
}

u64 es_log_segment_start(const struct es_log *log, u64 s)
{
	return ES_DATA_BLOCK + s * log->segment_blocks;
}

u32 es_log_segment_len(const struct es_log *log, u64 s)
{
	u64 left = log->device_blocks - es_log_segment_start(log, s);

	return left < log->segment_blocks ? (u32)left : log->segment_blocks;
}

s64 es_log_room(const struct es_log *log, u32 nr)
{
	s64 room;

	if (log->segment >= es_log_segments(log) || log->nr_open + nr > ES_LOG_MAX_OPEN)
		return -1;
	room = (s64)es_log_segment_len(log, log->segment) - log->used - 1;
	room -= (s64)es_table_blocks((u64)log->nr_open + nr);
	return room < 0 ? -1 : room;
}

bool es_log_has_next(const struct es_log *log)
{
	return log->segment + 1 < es_log_segments(log);
}

u64 es_log_used_blocks(const struct es_log *log)
{
	u64 nr = es_log_segments(log);

	if (log->segment >= nr)
		return log->device_blocks;
	return es_log_segment_start(log, log->segment) + log->used;
}

u64 es_log_free_blocks(const struct es_log *log)
{
	u64 used = es_log_used_blocks(log);
	u64 summary = es_table_blocks(log->nr_open);

	if (log->device_blocks <= used + summary)
		return 0;
	return log->device_blocks - used - summary;
}

static void block_init(const struct es_log *log, enum es_block_type type, struct es_block *b)
{
	memset(b, 0, sizeof(*b));
	b->type = (u16)type;
	b->serial = log->serial;
	memcpy(b->store_uuid, log->store_uuid, ES_UUID_SIZE);
	b->epoch = log->epoch;
	b->prev_crc = log->prev_crc;
}

u64 es_log_append(struct es_log *log, struct es_extent *extents, u32 nr, void *header)
{
	u64 addr = es_log_segment_start(log, log->segment) + log->used;
	u32 payload = 0, i;
	struct es_block b;

	for (i = 0; i < nr; i++) {
		extents[i].addr = 0;
		if (!es_extent_has_payload(&extents[i]))
			continue;
		extents[i].addr = addr + 1 + payload;
		payload += extents[i].nr * log->chunk_blocks;
	}
	block_init(log, ES_BLOCK_RECORD, &b);
	b.nr_extents = (u16)nr;
	b.seq = log->seq;
	b.nr_blocks = payload;
	b.addr = addr;
	es_block_encode(&b, extents, header);

	log->used += 1 + payload;
	log->nr_open += nr;
	log->seq++;
	log->prev_crc = b.crc;
	log->payload_blocks += payload;
	log->nr_extents += nr;
	return addr;
}

u64 es_log_summary(const struct es_log *log, const struct es_extent *open, u32 pos, void *buf)
{
	u32 blocks = (u32)es_table_blocks(log->nr_open);
	u32 first = pos * ES_BLOCK_EXTENTS;
	u32 left = log->nr_open - first;
	struct es_block b;

	block_init(log, ES_BLOCK_SUMMARY, &b);
	b.nr_extents = (u16)(left < ES_BLOCK_EXTENTS ? left : ES_BLOCK_EXTENTS);
	b.seq = log->seq - 1;
	b.pos = pos;
	b.nr_blocks = blocks;
	b.addr = es_log_segment_start(log, log->segment) +
		 es_log_segment_len(log, log->segment) - blocks + pos;
	es_block_encode(&b, open + first, buf);
	return b.addr;
}

void es_log_next_segment(struct es_log *log)
{
	log->segment++;
	log->used = 0;
	log->nr_open = 0;
}

u64 es_log_index_addr(const struct es_log *log, u64 blocks)
{
	u64 addr = es_log_used_blocks(log);

	/* Behind the log, but not over a summary at the end of the open segment. */
	if (log->segment < es_log_segments(log) && log->used)
		addr = es_log_segment_start(log, log->segment) +
		       es_log_segment_len(log, log->segment);
	return addr + blocks <= log->device_blocks ? addr : 0;
}

void es_log_index(const struct es_log *log, u64 index_addr, u32 index_blocks, u32 pos,
		  const struct es_extent *extents, u32 nr, void *buf)
{
	struct es_block b;

	block_init(log, ES_BLOCK_INDEX, &b);
	b.nr_extents = (u16)nr;
	b.seq = log->seq - 1;
	b.pos = pos;
	b.nr_blocks = index_blocks;
	b.addr = index_addr + pos;
	es_block_encode(&b, extents, buf);
}
