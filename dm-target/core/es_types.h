/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Units, the extent, and the list of everything that can be wrong.
 *
 * Units: a *sector* is 512 bytes; a *block* is 4096 bytes, the unit of store
 * addresses and of every structure on disk; a *chunk* is the unit of copying,
 * a power of two of blocks, fixed for a chain.
 * Invariants: block 0 holds a superblock, so address 0 never names payload.
 */
#ifndef ES_TYPES_H
#define ES_TYPES_H

#include "es_env.h"

#define ES_SECTOR_SHIFT 9
#define ES_BLOCK_SHIFT 12
#define ES_BLOCK_SIZE 4096u
#define ES_BLOCK_SECTORS (1u << (ES_BLOCK_SHIFT - ES_SECTOR_SHIFT))
#define ES_UUID_SIZE 16

/* Chunk sizes: 4 KiB to 1 MiB. */
#define ES_MIN_CHUNK_SECTORS ES_BLOCK_SECTORS
#define ES_MAX_CHUNK_SECTORS 2048u

/* Extent flags. */
#define ES_EXT_ZERO 0x0001u	/* old data was all zero (or trimmed): no payload */
#define ES_EXT_BAD 0x0002u	/* old data could not be read: no payload, reads fail */
#define ES_EXT_NO_CRC 0x0004u	/* payload is overwritten in place (views): crc is 0 */
#define ES_EXT_KNOWN (ES_EXT_ZERO | ES_EXT_BAD | ES_EXT_NO_CRC)

/**
 * struct es_extent - a run of chunks and where their content is.
 * @chunk: first chunk of the origin
 * @nr: number of chunks, at least 1
 * @crc: CRC-32C of the payload as it lies in the store (0 without payload)
 * @addr: first payload block in the store; 0 without payload
 * @flags: ES_EXT_*
 *
 * The payload is nr * chunk size bytes long; what lies behind the origin's
 * end in its last chunk is zero.  24 bytes, in memory as on disk.
 */
struct es_extent {
	u64 chunk;
	u32 nr;
	u32 crc;
	u64 addr : 48;
	u64 flags : 16;
};

ES_STATIC_ASSERT(sizeof(struct es_extent) == 24, "memory budget of location tables");

/*
 * What a decoder, a rule or a replay can find.  Each has one text
 * (es_fault_text); ES_OK is 0, everything else is a refusal.
 */
enum es_fault {
	ES_OK = 0,
	ES_FAULT_SHORT,		/* buffer shorter than the structure */
	ES_FAULT_BLANK,		/* all zero: never formatted */
	ES_FAULT_MAGIC,
	ES_FAULT_VERSION,
	ES_FAULT_CRC,
	ES_FAULT_FEATURE,	/* an incompatible feature bit this code does not know */
	ES_FAULT_KIND,		/* not the kind of store that was asked for */
	ES_FAULT_JOURNAL,	/* a journal, where a store was asked for */
	ES_FAULT_NOT_JOURNAL,	/* the reverse */
	ES_FAULT_UUID,		/* belongs to another store */
	ES_FAULT_ADDRESS,	/* says it lies at another address */
	ES_FAULT_CHUNK_SIZE,
	ES_FAULT_SEGMENT_SIZE,
	ES_FAULT_DEVICE_SIZE,	/* size field absurd */
	ES_FAULT_DEVICE_SHRANK,	/* device smaller than the superblock says */
	ES_FAULT_ORIGIN_SIZE,
	ES_FAULT_MANY_CHUNKS,	/* origin too large for its chunk size */
	ES_FAULT_ORIGIN_SHRANK,
	ES_FAULT_ORIGIN_LBS,	/* logical block size of the origin absurd, or changed */
	ES_FAULT_SERIAL,
	ES_FAULT_STATE,
	ES_FAULT_INDEX,		/* index location or order out of bounds */
	ES_FAULT_COUNT,		/* a count does not fit its structure */
	ES_FAULT_EXTENT,	/* extent out of bounds or contradictory */
	ES_FAULT_SEQUENCE,	/* a record is missing in the middle of the log */
	ES_FAULT_EPOCH,		/* written after the superblock that was found */
	ES_FAULT_PAYLOAD,	/* payload does not match its checksum */
	ES_FAULT_FINGERPRINT,
	ES_FAULT_CHUNK_MAP,
	ES_FAULT_INVALID,	/* the snapshot was invalidated */
	ES_FAULT_REMOVED,	/* the store was taken out of its chain */
	ES_FAULT_OTHER_CHAIN,
	ES_FAULT_ORDER,		/* stores not from oldest to newest, or one missing */
	ES_FAULT_NOT_NEWEST,	/* last store given has a successor */
	ES_FAULT_TWICE,		/* one store given twice */
	ES_FAULT_CHUNK_DIFFERS,	/* chunk size differs from the table's */
	ES_FAULT_NOT_OLDEST,	/* only the oldest stores may be left out */
	ES_FAULT_ADD_MANY,	/* more than one store added to a live chain */
	ES_FAULT_NOT_FRESH,	/* a store added to a chain was in use before */
	ES_FAULT_JOURNAL_FIELD,	/* journal_uuid and its feature bit disagree */
	ES_FAULT_JOURNAL_SIZE,
	ES_FAULT_JOURNAL_POS,	/* a position in the ring out of bounds or of order */
	ES_FAULT_JOURNAL_TYPE,	/* a record of an unknown type */
	ES_FAULT_JOURNAL_ENTRY,	/* a journalled write out of bounds or contradictory */
	ES_FAULT_JOURNAL_TIME,	/* times or entry numbers fall */
	ES_FAULT_JOURNAL_NEWER,	/* a record behind the end of the ring's log */
	ES_FAULT_JOURNAL_FAILED,	/* given up */
	ES_FAULT_JOURNAL_MISSING,	/* the newest store names one, none is given */
	ES_FAULT_JOURNAL_OTHER,	/* the newest store does not name this one */
	ES_FAULT_NR,
};

ES_BEGIN_DECLS

/* A short English text for @fault; never NULL. */
const char *es_fault_text(enum es_fault fault);

static inline bool es_uuid_equal(const u8 *a, const u8 *b)
{
	return memcmp(a, b, ES_UUID_SIZE) == 0;
}

bool es_uuid_is_null(const u8 *uuid);

/* Whether @len bytes at @buf are all zero.  @len is a multiple of 8, @buf is 8-aligned. */
bool es_is_zero(const void *buf, size_t len);

/**
 * es_data_crc - one step of the checksum of users' data: a block.
 * @crc: ~0 before the first block; the checksum is ~ of what the last step returns
 * @block: ES_BLOCK_SIZE bytes, 8-aligned
 *
 * CRC-32C over the block and two sums of its words.  CRC-32C alone does not see one
 * piece of data put in place of another when both end in their own CRC-32C, as the
 * superblock of ext4 does: behind such a piece its state no longer depends on what
 * was in it.
 */
u32 es_data_crc(u32 crc, const void *block);

/* CRC-32C of a block of metadata whose own 4 bytes at @crc_offset count as zero. */
u32 es_block_checksum(const void *block, size_t crc_offset);

/* The checksum of @blocks blocks at @data. */
static inline u32 es_data_checksum(const void *data, u64 blocks)
{
	const u8 *block = (const u8 *)data;
	u32 crc = ~(u32)0;

	for (; blocks; blocks--, block += ES_BLOCK_SIZE)
		crc = es_data_crc(crc, block);
	return ~crc;
}

ES_END_DECLS

static inline bool es_chunk_size_ok(u64 sectors)
{
	return sectors >= ES_MIN_CHUNK_SECTORS && sectors <= ES_MAX_CHUNK_SECTORS &&
	       (sectors & (sectors - 1)) == 0;
}

/* Number of chunks that @sectors touch; the last one may be partial. */
static inline u64 es_chunks(u64 sectors, u32 chunk_sectors)
{
	return sectors / chunk_sectors + (sectors % chunk_sectors != 0);
}

static inline bool es_extent_has_payload(const struct es_extent *e)
{
	return !(e->flags & (ES_EXT_ZERO | ES_EXT_BAD));
}

static inline u64 es_extent_end(const struct es_extent *e)
{
	return e->chunk + e->nr;
}

#endif /* ES_TYPES_H */
