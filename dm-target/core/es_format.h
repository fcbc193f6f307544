/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every on-disk record of a store, with its encoder and decoder.
 *
 *   byte 0        32 KiB        64 KiB
 *   | superblock A | superblock B | segment 0 | segment 1 | ... | short last one |
 *
 *   segment:  | header | payload | header | payload | ... |    | summary blocks |
 *             record, appended in one write                      at the very end
 *
 * A sealed store has its index, a sorted copy of all summaries, in the free
 * segments behind the log.  A newest store that was detached cleanly may have its
 * chunk map there: a bit for each chunk of the origin that it holds.
 * Numbers are little-endian; the structures with _disk at the end never leave
 * es_superblock.c and es_block.c but for their sizes.
 *
 * Units: addresses count blocks of 4096 bytes from the start of the device.
 * Invariants: every block written carries its magic, the store's uuid, its own
 * address and a CRC-32C over all of its 4096 bytes (crc field as zero), so that
 * no block of another store, another place or another time is taken for it.
 * Decoders get (buffer, length), distrust every field, and write to @out only
 * on success.
 */
#ifndef ES_FORMAT_H
#define ES_FORMAT_H

#include "es_types.h"

#define ES_FORMAT_VERSION 1
#define ES_SB_A_BLOCK 0u
#define ES_SB_B_BLOCK 8u
#define ES_DATA_BLOCK 16u	/* first block of segment 0; what format wants to be blank before */
#define ES_MAX_DEVICE_BLOCKS BIT_ULL(47)
#define ES_MAX_ORIGIN_SECTORS BIT_ULL(55)
#define ES_MAX_CHUNKS 0x7fffffffu	/* of an origin: what a bitmap of the kernel can have */
#define ES_MAX_SEGMENT_BLOCKS 65536u

enum es_kind {
	ES_KIND_SNAPSHOT = 1,	/* store of a snapshot in a chain */
	ES_KIND_VIEW = 2,	/* store of a writable view */
	ES_KIND_JOURNAL = 3,
};

/* Life of a store; one-way but for ACTIVE -> SEALED. */
enum es_store_state {
	ES_STATE_ACTIVE = 1,	/* takes copies, or did until its successor came */
	ES_STATE_SEALED = 2,	/* immutable, the index is valid */
	ES_STATE_INVALID = 3,	/* copies are missing: never serve it */
	ES_STATE_REMOVED = 4,	/* left out of its chain: the origin went on without it */
};

/* Superblock flags. */
#define ES_SB_ATTACHED 0x1u	/* in use by a kernel, or was when the power failed */
#define ES_SB_SUSPECT 0x2u	/* the origin was written behind our back */
#define ES_SB_KNOWN_FLAGS (ES_SB_ATTACHED | ES_SB_SUSPECT)

/* Incompatible feature bits. */
#define ES_INCOMPAT_JOURNAL 0x1ull	/* a write journal stands before the origin */
#define ES_INCOMPAT_KNOWN ES_INCOMPAT_JOURNAL

#define ES_FP_SAMPLES 32	/* sampled origin blocks in a fingerprint */

/**
 * struct es_fingerprint - what a cleanly detached origin looked like.
 * @nr: samples that follow; 0: no fingerprint was taken
 * @sectors: size of the origin
 * @sample: 4096-byte blocks of the origin with their CRC-32C (a block that the
 *	origin's end cuts short counts as filled up with zeros)
 */
struct es_fingerprint {
	u32 nr;
	u64 sectors;
	struct {
		u64 block;
		u32 crc;
	} sample[ES_FP_SAMPLES];
};

/**
 * struct es_chunkmap - where the chunk map is, and what else spares reading the whole log.
 * @addr: first block of the map, 0: there is none
 * @blocks: its length: es_chunkmap_blocks()
 * @crc: CRC-32C of all of it
 * @segment: a replay that has the map may begin with this segment
 * @extents, @payload_blocks: in the whole log
 */
struct es_chunkmap {
	u64 addr;
	u32 blocks;
	u32 crc;
	u64 segment;
	u64 extents;
	u64 payload_blocks;
};

/* Chunks that a block of a chunk map tells about. */
#define ES_CHUNKMAP_CHUNKS (ES_BLOCK_SIZE * 8u)

/**
 * struct es_sb - a store's superblock.
 * @kind: enum es_kind
 * @state: enum es_store_state
 * @flags: ES_SB_*
 * @generation: grows with every commit; even ones lie in copy A, odd ones in B
 * @epoch: grows with every attach for writing; 0 means never attached
 * @store_uuid: this store
 * @chain_uuid: the chain it belongs to; for a view, of the chain it reads from
 * @link_uuid: snapshot: the next older store, null for the first of a chain;
 *	view: the store of the snapshot that it shows
 * @next_uuid: snapshot: the store that succeeded it as the newest, null while it is the newest
 * @snapshot_uuid: names the snapshot itself
 * @created: seconds since 1970 when the store was formatted
 * @serial: number of the (first) snapshot in the store, from 1, rising along the chain;
 *	view: serial of the snapshot that it shows
 * @nr_snapshots: snapshots in this store; 1 in this version
 * @chunk_sectors: chunk size of the chain
 * @segment_blocks: size of a segment
 * @device_blocks: size of the store that is in use
 * @origin_sectors: size of the origin at the snapshot's instant
 * @origin_lbs: logical block size of the origin in bytes, 512..4096; images and views show it
 * @tail_seq: sequence number the next record got at the last attach, or would have got
 *	at the last clean detach: the log never ends before it; 0: not known
 * @index_addr: first block of the index, 0 while there is none
 * @index_blocks: length of the index
 * @index_extents: extents in the index
 * @payload_blocks: sealed: payload in the log, for the status line; else 0
 * @journal_uuid: snapshot: the write journal without which the chain must not be used; null:
 *	none
 * @map: the chunk map; all zero while there is none
 * @fp: fingerprint of the origin, taken at the last clean detach
 */
struct es_sb {
	u16 kind;
	u16 state;
	u32 flags;
	u64 generation;
	u32 epoch;
	u8 store_uuid[ES_UUID_SIZE];
	u8 chain_uuid[ES_UUID_SIZE];
	u8 link_uuid[ES_UUID_SIZE];
	u8 next_uuid[ES_UUID_SIZE];
	u8 snapshot_uuid[ES_UUID_SIZE];
	u64 created;
	u32 serial;
	u32 nr_snapshots;
	u32 chunk_sectors;
	u32 segment_blocks;
	u64 device_blocks;
	u64 origin_sectors;
	u32 origin_lbs;
	u64 tail_seq;
	u64 index_addr;
	u32 index_blocks;
	u64 index_extents;
	u64 payload_blocks;
	u8 journal_uuid[ES_UUID_SIZE];
	struct es_chunkmap map;
	struct es_fingerprint fp;
};

/* What a block with extents is. */
enum es_block_type {
	ES_BLOCK_RECORD = 1,	/* header of a batch: extents whose payload follows it */
	ES_BLOCK_SUMMARY = 2,	/* extents of a closed segment */
	ES_BLOCK_INDEX = 3,	/* extents of a sealed store, sorted */
};

#define ES_BLOCK_HEADER_SIZE 64u
#define ES_BLOCK_EXTENTS ((ES_BLOCK_SIZE - ES_BLOCK_HEADER_SIZE) / 24u)

/**
 * struct es_block - head of a block with extents.
 * @type: enum es_block_type
 * @nr_extents: extents in this block, 1..ES_BLOCK_EXTENTS (0 only in an empty index)
 * @serial: snapshot that the extents belong to
 * @store_uuid: the store
 * @seq: record: its number, from 1; else: number of the last record covered
 * @epoch: attach epoch it was written in
 * @prev_crc: record: CRC of the previous record's header (0 for the first);
 *	else: CRC of the header of the last record covered
 * @pos: place in a table of several blocks; 0 for a record
 * @nr_blocks: record: payload blocks that follow; else: blocks of the table
 * @addr: the block's own address
 * @crc: checksum of the block; set by both encoder and decoder
 */
struct es_block {
	u16 type;
	u16 nr_extents;
	u32 serial;
	u8 store_uuid[ES_UUID_SIZE];
	u64 seq;
	u32 epoch;
	u32 prev_crc;
	u32 pos;
	u32 nr_blocks;
	u64 addr;
	u32 crc;
};

ES_BEGIN_DECLS

/* What every superblock begins with, a journal's, too. */
extern const u8 es_sb_magic[8];

/**
 * es_sb_encode - write @sb in disk form.
 * @buf: ES_BLOCK_SIZE bytes, overwritten completely
 */
void es_sb_encode(const struct es_sb *sb, void *buf);

/**
 * es_sb_decode - read and verify a superblock.
 * @out: written only when ES_OK is returned
 * @buf: @len bytes, 8-aligned; at least ES_BLOCK_SIZE are needed
 *
 * Checks every field against its bounds, not against the device (es_sb_check_device).
 */
enum es_fault es_sb_decode(struct es_sb *out, const void *buf, size_t len);

/**
 * es_sb_pick - choose the newer valid one of the two copies.
 * @out: meaningful only when ES_OK is returned
 * @a, @b: the blocks at ES_SB_A_BLOCK and ES_SB_B_BLOCK
 * @from: set to the address of the chosen copy; may be NULL
 *
 * With no valid copy the fault of copy A is returned, unless A is blank or no
 * store at all and B has a fault that says more.
 */
enum es_fault es_sb_pick(struct es_sb *out, const void *a, const void *b, u64 *from);

/*
 * What superblocks of stores and journals have in common at their beginning: length,
 * magic, checksum, version.
 */
enum es_fault es_sb_check_head(const void *buf, size_t len);

/**
 * es_sb_choose - which of two copies counts, a store's or a journal's.
 * @fault_a, @fault_b: what decoding said of the copies
 * @generation_a, @generation_b: of the valid ones
 * @from: set to the address of the chosen copy when ES_OK is returned
 *
 * A copy is no valid one where its generation does not belong.  Faults as es_sb_pick().
 */
enum es_fault es_sb_choose(enum es_fault fault_a, u64 generation_a, enum es_fault fault_b,
			   u64 generation_b, u64 *from);

/* Where the copy with @generation lies. */
static inline u64 es_sb_addr(u64 generation)
{
	return generation & 1 ? ES_SB_B_BLOCK : ES_SB_A_BLOCK;
}

/* Whether a device of @device_blocks can be the store @sb describes. */
enum es_fault es_sb_check_device(const struct es_sb *sb, u64 device_blocks);

/* Chunks of the origin at the snapshot's instant. */
static inline u64 es_sb_chunks(const struct es_sb *sb)
{
	return es_chunks(sb->origin_sectors, sb->chunk_sectors);
}

/* Length of a chunk map of the store @sb. */
static inline u64 es_chunkmap_blocks(const struct es_sb *sb)
{
	return (es_sb_chunks(sb) + ES_CHUNKMAP_CHUNKS - 1) / ES_CHUNKMAP_CHUNKS;
}

/* Chunks that its block @pos tells about. */
static inline u32 es_chunkmap_chunks(const struct es_sb *sb, u64 pos)
{
	u64 left = es_sb_chunks(sb) - pos * ES_CHUNKMAP_CHUNKS;

	return left < ES_CHUNKMAP_CHUNKS ? (u32)left : ES_CHUNKMAP_CHUNKS;
}

/**
 * es_chunkmap_encode - write a block of a chunk map in disk form.
 * @words: 64 chunks each, the first in the lowest bit; bits behind @nr do not count
 * @nr: chunks, at most ES_CHUNKMAP_CHUNKS
 * @buf: ES_BLOCK_SIZE bytes, overwritten completely
 */
void es_chunkmap_encode(const u64 *words, u32 nr, void *buf);

/**
 * es_chunkmap_decode - the reverse.
 *
 * Returns false, with nothing written, when @buf has bits behind @nr.  The map's
 * checksum is the caller's business: it covers all blocks.
 */
bool es_chunkmap_decode(const void *buf, u64 *words, u32 nr);

/* Segment size that format chooses for a chunk size. */
u32 es_default_segment_blocks(u32 chunk_sectors);

/* Smallest device, in blocks, that can hold one chunk of @chunk_sectors. */
u64 es_min_device_blocks(u32 chunk_sectors);

/**
 * es_block_encode - write a block with extents in disk form.
 * @b: head; @b->crc is set
 * @extents: @b->nr_extents of them
 * @buf: ES_BLOCK_SIZE bytes, overwritten completely
 */
void es_block_encode(struct es_block *b, const struct es_extent *extents, void *buf);

/**
 * es_block_decode - read and verify a block with extents.
 * @out: written only when ES_OK is returned
 * @extents: room for ES_BLOCK_EXTENTS; written only when ES_OK is returned
 * @buf: @len bytes; at least ES_BLOCK_SIZE are needed
 * @type: the type expected
 * @sb: the store it must belong to; extents are checked against its bounds
 * @addr: where the block was read
 *
 * A record's extents must use up its payload exactly and in order.
 */
enum es_fault es_block_decode(struct es_block *out, struct es_extent *extents, const void *buf,
			      size_t len, enum es_block_type type, const struct es_sb *sb,
			      u64 addr);

ES_END_DECLS

/* Blocks that @nr extents take in a summary or an index; at least one. */
static inline u64 es_table_blocks(u64 nr)
{
	return nr ? (nr - 1) / ES_BLOCK_EXTENTS + 1 : 1;
}

static inline u32 es_chunk_blocks(u32 chunk_sectors)
{
	return chunk_sectors / ES_BLOCK_SECTORS;
}

/* Payload blocks of @e in a store with @chunk_sectors. */
static inline u64 es_extent_blocks(const struct es_extent *e, u32 chunk_sectors)
{
	return es_extent_has_payload(e) ? (u64)e->nr * es_chunk_blocks(chunk_sectors) : 0;
}

#endif /* ES_FORMAT_H */
