/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The on-disk format of a write journal: superblock and records of the ring.
 *
 *   block 0        8              16
 *   | superblock A | superblock B | record | record | ... | padding | (wraps to block 16)
 *
 *   record:  | header: 1 block | payload of entry 0 | payload of entry 1 | ... |
 *            one contiguous write; every payload fills whole blocks
 *
 * A record holds the writes that shared one append, as entries in the order in
 * which they are to be applied.  Records are numbered without a gap and each
 * names the CRC of the header before it.  Where a record does not fit before the
 * ring's end, a padding record takes what is left and the next one lies at the
 * ring's first block.
 *
 * Units: addresses and lengths of records in blocks of 4096 bytes from the start
 * of the device; entries in sectors of the origin; times in nanoseconds since
 * 1970.  The superblock begins as a store's does (magic, crc, version, kind,
 * features, generation, uuids at the same offsets), so that each is recognised
 * by whoever wants the other.
 * Invariants: as in es_format.h; every decoder gets (buffer, length), distrusts
 * every field, and writes to @out only on success.
 */
#ifndef ES_JFORMAT_H
#define ES_JFORMAT_H

#include "es_format.h"

/* Smallest ring, superblocks included: one extent of LVM's default size. */
#define ES_JOURNAL_MIN_BLOCKS 1024u
/* Longest record, and longest padding, header included. */
#define ES_JOURNAL_MAX_RECORD 257u
/* Positions in the kept history that a superblock names. */
#define ES_JOURNAL_MARKS 32u
/* Numbers of records and entries end here: more were never given, and no sum of them overflows. */
#define ES_JOURNAL_MAX_SEQ 0x4000000000000000ull

enum es_jstate {
	ES_JOURNAL_ACTIVE = 1,
	ES_JOURNAL_FAILED = 2,	/* given up, its chain went on without it: never replay it */
};

#define ES_JSB_ATTACHED 0x1u	/* in use, or was when the power failed: replay it */
#define ES_JSB_KNOWN_FLAGS ES_JSB_ATTACHED

/**
 * struct es_jpos - where a record lies, or will lie.
 * @addr: of its header
 * @seq: its number, from 1
 * @prev_crc: CRC of the header before it, 0 for the first record of all
 */
struct es_jpos {
	u64 addr;
	u64 seq;
	u32 prev_crc;
};

/**
 * struct es_jsb - a journal's superblock.
 * @state: enum es_jstate
 * @flags: ES_JSB_*
 * @generation: grows with every commit; even ones lie in copy A, odd ones in B
 * @epoch: grows with every attach; 0: never attached
 * @journal_uuid: this journal
 * @chain_uuid: the chain whose origin it stands before
 * @created: seconds since 1970
 * @device_blocks: the ring is [ES_DATA_BLOCK, @device_blocks)
 * @origin_lbs: logical block size of the origin in bytes, 512..4096
 * @tail_seq: number of the next record at the last attach, or at the last clean detach: the
 *	log never ends before it, and attached, every record from it on is of @epoch, so that
 *	one that an earlier recovery forgot does not come back
 * @needed: the oldest record that may not be in place yet; not attached: the next record
 * @next_lsn: number of the next entry when this was written, from 1
 * @time: of the latest entry when this was written
 * @nr_marks: positions in @mark, 1..ES_JOURNAL_MARKS
 * @mark: records of the kept history with the times of their first entries, by age, @needed
 *	not included unless it is the only one; the first is the oldest record kept
 *
 * A failed one may still be attached: then it does not know where the log ends.
 */
struct es_jsb {
	u16 state;
	u32 flags;
	u64 generation;
	u32 epoch;
	u8 journal_uuid[ES_UUID_SIZE];
	u8 chain_uuid[ES_UUID_SIZE];
	u64 created;
	u64 device_blocks;
	u32 origin_lbs;
	u64 tail_seq;
	struct es_jpos needed;
	u64 next_lsn;
	u64 time;
	u32 nr_marks;
	struct {
		struct es_jpos pos;
		u64 time;
	} mark[ES_JOURNAL_MARKS];
};

enum es_jop {
	ES_JOP_WRITE = 1,	/* has payload */
	ES_JOP_ZEROES = 2,	/* reads as zeros */
	ES_JOP_DISCARD = 3,
	ES_JOP_FLUSH = 4,	/* no range: everything before was asked to be durable here */
};

#define ES_JENT_FUA 0x1u
#define ES_JENT_KNOWN_FLAGS ES_JENT_FUA

/**
 * struct es_jentry - one write.
 * @sector, @nr: range of the origin; 0, 0 for a flush
 * @time: when it was taken, not before the entry before it
 * @crc: data checksum of its payload blocks as they lie in the ring (zeros behind the
 *	data); 0 without payload
 * @op: enum es_jop
 * @flags: ES_JENT_*
 * @addr: first payload block; computed by encoder and decoder; 0 without payload
 */
struct es_jentry {
	u64 sector;
	u32 nr;
	u32 crc;
	u64 time;
	u16 op;
	u16 flags;
	u64 addr;
};

enum es_jrec_type {
	ES_JREC_DATA = 1,
	ES_JREC_PAD = 2,	/* reaches to the end of the ring; no entries */
};

#define ES_JREC_HEADER_SIZE 128u
#define ES_JREC_ENTRIES ((ES_BLOCK_SIZE - ES_JREC_HEADER_SIZE) / 32u)

/**
 * struct es_jrec - head of a record.
 * @type: enum es_jrec_type
 * @nr_entries: 1..ES_JREC_ENTRIES; 0 in padding
 * @nr_blocks: blocks that follow the header: payload, or padding
 * @journal_uuid: the journal
 * @seq: its number, from 1
 * @epoch: attach epoch it was written in, 1..
 * @prev_crc: CRC of the header before it, 0 for the first record of all
 * @addr: the header's own address
 * @lsn: number of its first entry; padding: of the next entry
 * @time: of the latest entry up to here
 * @needed: no record before that was needed when this one was written; it may be this one
 * @crc: of the header block; set by both encoder and decoder
 */
struct es_jrec {
	u16 type;
	u16 nr_entries;
	u32 nr_blocks;
	u8 journal_uuid[ES_UUID_SIZE];
	u64 seq;
	u32 epoch;
	u32 prev_crc;
	u64 addr;
	u64 lsn;
	u64 time;
	struct es_jpos needed;
	u32 crc;
};

ES_BEGIN_DECLS

/* As es_sb_encode() and es_sb_decode(), for a journal. Only the first @nr_marks marks count. */
void es_jsb_encode(const struct es_jsb *sb, void *buf);
enum es_fault es_jsb_decode(struct es_jsb *out, const void *buf, size_t len);

/* As es_sb_pick(). */
enum es_fault es_jsb_pick(struct es_jsb *out, const void *a, const void *b, u64 *from);

/* Whether a device of @device_blocks can be the journal @sb describes. */
enum es_fault es_jsb_check_device(const struct es_jsb *sb, u64 device_blocks);

/* Payload blocks of an entry. */
static inline u32 es_jentry_blocks(const struct es_jentry *e)
{
	/* Right for any @nr that was read from a disk. */
	return e->op == ES_JOP_WRITE ?
	       e->nr / ES_BLOCK_SECTORS + (e->nr % ES_BLOCK_SECTORS != 0) : 0;
}

/**
 * es_jrec_encode - write a record's header in disk form.
 * @r: head; @r->crc is set
 * @entries: @r->nr_entries of them; @addr of each is set
 * @buf: ES_BLOCK_SIZE bytes, overwritten completely
 */
void es_jrec_encode(struct es_jrec *r, struct es_jentry *entries, void *buf);

/**
 * es_jrec_decode - read and verify a record's header.
 * @entries: room for ES_JREC_ENTRIES; written only when ES_OK is returned
 * @sb: the journal it must belong to
 * @addr: where the block was read
 *
 * Payload must use up the record exactly and in order and stay within the ring,
 * padding must end at the ring's end, times must not fall.
 */
enum es_fault es_jrec_decode(struct es_jrec *out, struct es_jentry *entries, const void *buf,
			     size_t len, const struct es_jsb *sb, u64 addr);

ES_END_DECLS

#endif /* ES_JFORMAT_H */
