// SPDX-License-Identifier: GPL-2.0-only
/*
 * The blocks of es_format.h that have extents (record headers, summaries, indexes), and those of
 * a chunk map, encoded and decoded: the only file that knows their byte offsets.
 *
 * Units and invariants: see es_format.h.
 */
#include "es_format.h"

/* An extent; 24 bytes. */
struct es_extent_disk {
	/*  0 */ __le64 chunk;
	/*  8 */ __le32 nr;
	/* 12 */ __le32 crc;
	/* 16 */ __le32 addr_low;
	/* 20 */ __le16 addr_high;
	/* 22 */ __le16 flags;
} __packed;

ES_STATIC_ASSERT(sizeof(struct es_extent_disk) == 24, "on-disk extent");

/* A block with extents: record header, summary block or index block. */
struct es_block_disk {
	/*  0 */ __le32 magic;
	/*  4 */ __le32 crc;
	/*  8 */ __le16 version;
	/* 10 */ __le16 nr_extents;
	/* 12 */ __le32 serial;
	/* 16 */ u8 store_uuid[16];
	/* 32 */ __le64 seq;
	/* 40 */ __le32 epoch;
	/* 44 */ __le32 prev_crc;
	/* 48 */ __le32 pos;
	/* 52 */ __le32 nr_blocks;
	/* 56 */ __le64 addr;
	/* 64 */ struct es_extent_disk extents[ES_BLOCK_EXTENTS];
} __packed;

ES_STATIC_ASSERT(sizeof(struct es_block_disk) == ES_BLOCK_SIZE, "on-disk block with extents");

/* "ESrc", "ESsm", "ESix" as the bytes lie on disk. */
static const u32 block_magic[] = {
	[ES_BLOCK_RECORD] = 0x63725345,
	[ES_BLOCK_SUMMARY] = 0x6d735345,
	[ES_BLOCK_INDEX] = 0x78695345,
};

static void extent_encode(const struct es_extent *e, struct es_extent_disk *d)
{
	d->chunk = cpu_to_le64(e->chunk);
	d->nr = cpu_to_le32(e->nr);
	d->crc = cpu_to_le32(e->crc);
	d->addr_low = cpu_to_le32((u32)e->addr);
	d->addr_high = cpu_to_le16((u16)(e->addr >> 32));
	d->flags = cpu_to_le16((u16)e->flags);
}

static void extent_unpack(const struct es_extent_disk *d, struct es_extent *e)
{
	e->chunk = le64_to_cpu(d->chunk);
	e->nr = le32_to_cpu(d->nr);
	e->crc = le32_to_cpu(d->crc);
	e->addr = (u64)le16_to_cpu(d->addr_high) << 32 | le32_to_cpu(d->addr_low);
	e->flags = le16_to_cpu(d->flags);
}

void es_block_encode(struct es_block *b, const struct es_extent *extents, void *buf)
{
	struct es_block_disk *d = buf;
	u32 i;

	memset(d, 0, sizeof(*d));
	d->magic = cpu_to_le32(block_magic[b->type]);
	d->version = cpu_to_le16(ES_FORMAT_VERSION);
	d->nr_extents = cpu_to_le16(b->nr_extents);
	d->serial = cpu_to_le32(b->serial);
	memcpy(d->store_uuid, b->store_uuid, ES_UUID_SIZE);
	d->seq = cpu_to_le64(b->seq);
	d->epoch = cpu_to_le32(b->epoch);
	d->prev_crc = cpu_to_le32(b->prev_crc);
	d->pos = cpu_to_le32(b->pos);
	d->nr_blocks = cpu_to_le32(b->nr_blocks);
	d->addr = cpu_to_le64(b->addr);
	for (i = 0; i < b->nr_extents; i++)
		extent_encode(&extents[i], &d->extents[i]);
	b->crc = es_block_checksum(d, 4);
	d->crc = cpu_to_le32(b->crc);
}

static void block_unpack(const struct es_block_disk *d, enum es_block_type type, struct es_block *b)
{
	b->type = (u16)type;
	b->nr_extents = le16_to_cpu(d->nr_extents);
	b->serial = le32_to_cpu(d->serial);
	memcpy(b->store_uuid, d->store_uuid, ES_UUID_SIZE);
	b->seq = le64_to_cpu(d->seq);
	b->epoch = le32_to_cpu(d->epoch);
	b->prev_crc = le32_to_cpu(d->prev_crc);
	b->pos = le32_to_cpu(d->pos);
	b->nr_blocks = le32_to_cpu(d->nr_blocks);
	b->addr = le64_to_cpu(d->addr);
	b->crc = le32_to_cpu(d->crc);
}

static enum es_fault block_check(const struct es_block *b, const struct es_sb *sb, u64 addr)
{
	if (!es_uuid_equal(b->store_uuid, sb->store_uuid))
		return ES_FAULT_UUID;
	if (b->addr != addr)
		return ES_FAULT_ADDRESS;
	if (b->serial != sb->serial)
		return ES_FAULT_SERIAL;
	if (b->nr_extents > ES_BLOCK_EXTENTS ||
	    (!b->nr_extents && (b->type != ES_BLOCK_INDEX || b->nr_blocks != 1)))
		return ES_FAULT_COUNT;
	if (!b->epoch || (!b->seq && b->type != ES_BLOCK_INDEX))
		return ES_FAULT_SEQUENCE;
	if (b->epoch > sb->epoch)
		return ES_FAULT_EPOCH;
	if (b->type == ES_BLOCK_RECORD) {
		if (b->pos || b->nr_blocks > sb->segment_blocks)
			return ES_FAULT_COUNT;
	} else if (b->pos >= b->nr_blocks) {
		return ES_FAULT_COUNT;
	}
	return ES_OK;
}

static enum es_fault extent_check(const struct es_extent *e, const struct es_sb *sb)
{
	u64 chunks = es_sb_chunks(sb);
	u64 blocks = es_extent_blocks(e, sb->chunk_sectors);

	if (!e->nr || e->chunk >= chunks || e->nr > chunks - e->chunk)
		return ES_FAULT_EXTENT;
	if (e->flags & ~(u64)ES_EXT_KNOWN)
		return ES_FAULT_EXTENT;
	if (!es_extent_has_payload(e))
		return e->addr || e->crc || (e->flags & (e->flags - 1)) ? ES_FAULT_EXTENT : ES_OK;
	if ((e->flags & ES_EXT_NO_CRC) ? e->crc || sb->kind != ES_KIND_VIEW :
					 sb->kind != ES_KIND_SNAPSHOT)
		return ES_FAULT_EXTENT;
	if (e->addr <= ES_DATA_BLOCK || e->addr >= sb->device_blocks ||
	    blocks > sb->device_blocks - e->addr)
		return ES_FAULT_EXTENT;
	return ES_OK;
}

enum es_fault es_block_decode(struct es_block *out, struct es_extent *extents, const void *buf,
			      size_t len, enum es_block_type type, const struct es_sb *sb,
			      u64 addr)
{
	const struct es_block_disk *d = buf;
	struct es_extent e;
	struct es_block b;
	enum es_fault fault;
	u64 payload = addr + 1;
	u32 i;

	if (len < sizeof(*d))
		return ES_FAULT_SHORT;
	if (le32_to_cpu(d->magic) != block_magic[type])
		return ES_FAULT_MAGIC;
	if (le32_to_cpu(d->crc) != es_block_checksum(d, 4))
		return ES_FAULT_CRC;
	if (le16_to_cpu(d->version) != ES_FORMAT_VERSION)
		return ES_FAULT_VERSION;
	block_unpack(d, type, &b);
	fault = block_check(&b, sb, addr);
	if (fault)
		return fault;

	for (i = 0; i < b.nr_extents; i++) {
		extent_unpack(&d->extents[i], &e);
		fault = extent_check(&e, sb);
		if (fault)
			return fault;
		if (type == ES_BLOCK_RECORD && es_extent_has_payload(&e)) {
			if (e.addr != payload)
				return ES_FAULT_EXTENT;
			payload += es_extent_blocks(&e, sb->chunk_sectors);
		}
	}
	if (type == ES_BLOCK_RECORD && payload - addr - 1 != b.nr_blocks)
		return ES_FAULT_COUNT;

	for (i = 0; i < b.nr_extents; i++)
		extent_unpack(&d->extents[i], &extents[i]);
	*out = b;
	return ES_OK;
}

/* The bits of word @i of a map block that tell about @nr chunks. */
static u64 map_mask(u32 i, u32 nr)
{
	if ((i + 1) * 64 <= nr)
		return ~(u64)0;
	return i * 64 < nr ? ~(u64)0 >> (64 - nr % 64) : 0;
}

void es_chunkmap_encode(const u64 *words, u32 nr, void *buf)
{
	__le64 *d = buf;
	u32 i;

	memset(buf, 0, ES_BLOCK_SIZE);
	for (i = 0; i * 64 < nr; i++)
		d[i] = cpu_to_le64(words[i] & map_mask(i, nr));
}

bool es_chunkmap_decode(const void *buf, u64 *words, u32 nr)
{
	const __le64 *d = buf;
	u32 i;

	for (i = 0; i < ES_CHUNKMAP_CHUNKS / 64; i++)
		if (le64_to_cpu(d[i]) & ~map_mask(i, nr))
			return false;
	for (i = 0; i * 64 < nr; i++)
		words[i] = le64_to_cpu(d[i]);
	return true;
}
