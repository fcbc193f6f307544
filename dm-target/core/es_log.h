/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Position in a store's log: where the next record goes and what fits there.
 *
 * Pure arithmetic and encoding; the caller writes the blocks and decides when
 * they are durable.  A segment is closed by its summary, which takes the last
 * blocks of the segment, and whose size grows with the extents in it.
 *
 * Units: blocks; segments are numbered from 0.
 * Invariants: used + es_table_blocks(nr_open) <= length of the segment, so the
 * summary always fits; sequence numbers rise by one per record; segments are
 * filled in order and never reused in this version.
 */
#ifndef ES_LOG_H
#define ES_LOG_H

#include "es_format.h"

/* Most extents an open segment may collect: bounds the memory for its summary. */
#define ES_LOG_MAX_OPEN 32768u

/**
 * struct es_log - a log position.
 * @store_uuid, @serial, @epoch: salt of what is written
 * @chunk_blocks, @segment_blocks, @device_blocks: geometry
 * @segment: the open segment; equal to es_log_segments() when all are closed
 * @used: blocks used in it
 * @nr_open: extents in it
 * @seq: number of the next record
 * @prev_crc: header CRC of the last record
 * @payload_blocks: payload in the whole log
 * @nr_extents: extents in the whole log
 */
struct es_log {
	u8 store_uuid[ES_UUID_SIZE];
	u32 serial;
	u32 epoch;
	u32 chunk_blocks;
	u32 segment_blocks;
	u64 device_blocks;
	u64 segment;
	u32 used;
	u32 nr_open;
	u64 seq;
	u32 prev_crc;
	u64 payload_blocks;
	u64 nr_extents;
};

ES_BEGIN_DECLS

/* The start of an empty log in the store @sb. */
void es_log_init(struct es_log *log, const struct es_sb *sb);

/* Number of segments on the device; a last one too short for a chunk does not count. */
u64 es_log_segments(const struct es_log *log);

/* First block and length of segment @s < es_log_segments(). */
u64 es_log_segment_start(const struct es_log *log, u64 s);
u32 es_log_segment_len(const struct es_log *log, u64 s);

/**
 * es_log_room - payload blocks that a record with @nr extents may have here.
 *
 * Returns -1 if not even its header fits: the segment must be closed, or, when
 * it is the last one, the store is full.
 */
s64 es_log_room(const struct es_log *log, u32 nr);

/* Whether a segment follows the open one. */
bool es_log_has_next(const struct es_log *log);

/* Blocks in use: superblocks, closed segments, and the open one so far. */
u64 es_log_used_blocks(const struct es_log *log);

/* Blocks behind the log, less the open segment's summary: more than payload can ever use. */
u64 es_log_free_blocks(const struct es_log *log);

/**
 * es_log_append - give @extents their place, encode their record, move on.
 * @extents: @nr of them, 1..ES_BLOCK_EXTENTS, all but addr filled in; addr is set
 * @header: ES_BLOCK_SIZE bytes for the record's header
 *
 * The caller has made sure that it fits (es_log_room).  Returns the address of
 * the header; payload follows it.
 */
u64 es_log_append(struct es_log *log, struct es_extent *extents, u32 nr, void *header);

/**
 * es_log_summary - encode block @pos of the open segment's summary.
 * @open: all @log->nr_open extents of the segment
 *
 * Returns the address of the block.  There are es_table_blocks(nr_open) blocks.
 */
u64 es_log_summary(const struct es_log *log, const struct es_extent *open, u32 pos, void *buf);

/* Leave the open segment, whose summary is written, for the next one. */
void es_log_next_segment(struct es_log *log);

/* First block behind the log where an index of @blocks fits, 0 if nowhere. */
u64 es_log_index_addr(const struct es_log *log, u64 blocks);

/**
 * es_log_index - encode block @pos of the index.
 * @extents: the extents of this block
 * @nr: how many, ES_BLOCK_EXTENTS but in the last block
 */
void es_log_index(const struct es_log *log, u64 index_addr, u32 index_blocks, u32 pos,
		  const struct es_extent *extents, u32 nr, void *buf);

ES_END_DECLS

#endif /* ES_LOG_H */
