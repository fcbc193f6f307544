// SPDX-License-Identifier: GPL-2.0-only
/*
 * The superblock of es_format.h, encoded and decoded: the only file that knows its byte offsets.
 *
 * Units and invariants: see es_format.h.
 */
#include "es_format.h"

const u8 es_sb_magic[8] = { 'E', 'S', 'N', 'A', 'P', 'S', 'B', '\n' };

/* The superblock; offsets in the first column, 4096 bytes in all. */
struct es_sb_disk {
	/*   0 */ u8 magic[8];
	/*   8 */ __le32 crc;
	/*  12 */ __le16 version;
	/*  14 */ __le16 kind;
	/*  16 */ __le64 compat;	/* feature bits that may be ignored */
	/*  24 */ __le64 incompat;	/* feature bits that may not */
	/*  32 */ __le64 generation;
	/*  40 */ u8 store_uuid[16];
	/*  56 */ u8 chain_uuid[16];
	/*  72 */ u8 link_uuid[16];
	/*  88 */ u8 next_uuid[16];
	/* 104 */ u8 snapshot_uuid[16];
	/* 120 */ __le64 created;
	/* 128 */ __le32 serial;
	/* 132 */ __le32 nr_snapshots;
	/* 136 */ __le32 chunk_sectors;
	/* 140 */ __le32 segment_blocks;
	/* 144 */ __le64 device_blocks;
	/* 152 */ __le64 origin_sectors;
	/* 160 */ __le32 state;
	/* 164 */ __le32 flags;
	/* 168 */ __le32 epoch;
	/* 172 */ __le32 index_blocks;
	/* 176 */ __le64 index_addr;
	/* 184 */ __le64 index_extents;
	/* 192 */ __le64 tail_seq;
	/* 200 */ __le64 fp_sectors;
	/* 208 */ __le32 fp_nr;
	/* 212 */ __le32 origin_lbs;
	/* 216 */ struct {
		__le64 block;
		__le32 crc;
		__le32 reserved;
	} __packed fp_sample[ES_FP_SAMPLES];
	/* 728 */ __le64 payload_blocks;
	/* 736 */ __le64 map_addr;
	/* 744 */ __le32 map_blocks;
	/* 748 */ __le32 map_crc;
	/* 752 */ __le64 map_segment;
	/* 760 */ __le64 map_extents;
	/* 768 */ __le64 map_payload_blocks;
	/* 776 */ u8 journal_uuid[16];
	/* 792 */ u8 zero[ES_BLOCK_SIZE - 792];
} __packed;

ES_STATIC_ASSERT(sizeof(struct es_sb_disk) == ES_BLOCK_SIZE, "on-disk superblock");

static void fingerprint_encode(const struct es_fingerprint *fp, struct es_sb_disk *d)
{
	u32 i;

	d->fp_sectors = cpu_to_le64(fp->sectors);
	d->fp_nr = cpu_to_le32(fp->nr);
	for (i = 0; i < fp->nr; i++) {
		d->fp_sample[i].block = cpu_to_le64(fp->sample[i].block);
		d->fp_sample[i].crc = cpu_to_le32(fp->sample[i].crc);
	}
}

static void map_encode(const struct es_chunkmap *map, struct es_sb_disk *d)
{
	d->map_addr = cpu_to_le64(map->addr);
	d->map_blocks = cpu_to_le32(map->blocks);
	d->map_crc = cpu_to_le32(map->crc);
	d->map_segment = cpu_to_le64(map->segment);
	d->map_extents = cpu_to_le64(map->extents);
	d->map_payload_blocks = cpu_to_le64(map->payload_blocks);
}

void es_sb_encode(const struct es_sb *sb, void *buf)
{
	struct es_sb_disk *d = buf;

	memset(d, 0, sizeof(*d));
	memcpy(d->magic, es_sb_magic, sizeof(es_sb_magic));
	d->version = cpu_to_le16(ES_FORMAT_VERSION);
	d->kind = cpu_to_le16(sb->kind);
	if (!es_uuid_is_null(sb->journal_uuid))
		d->incompat = cpu_to_le64(ES_INCOMPAT_JOURNAL);
	d->generation = cpu_to_le64(sb->generation);
	memcpy(d->store_uuid, sb->store_uuid, ES_UUID_SIZE);
	memcpy(d->chain_uuid, sb->chain_uuid, ES_UUID_SIZE);
	memcpy(d->link_uuid, sb->link_uuid, ES_UUID_SIZE);
	memcpy(d->next_uuid, sb->next_uuid, ES_UUID_SIZE);
	memcpy(d->snapshot_uuid, sb->snapshot_uuid, ES_UUID_SIZE);
	d->created = cpu_to_le64(sb->created);
	d->serial = cpu_to_le32(sb->serial);
	d->nr_snapshots = cpu_to_le32(sb->nr_snapshots);
	d->chunk_sectors = cpu_to_le32(sb->chunk_sectors);
	d->segment_blocks = cpu_to_le32(sb->segment_blocks);
	d->device_blocks = cpu_to_le64(sb->device_blocks);
	d->origin_sectors = cpu_to_le64(sb->origin_sectors);
	d->state = cpu_to_le32(sb->state);
	d->flags = cpu_to_le32(sb->flags);
	d->epoch = cpu_to_le32(sb->epoch);
	d->index_blocks = cpu_to_le32(sb->index_blocks);
	d->index_addr = cpu_to_le64(sb->index_addr);
	d->index_extents = cpu_to_le64(sb->index_extents);
	d->tail_seq = cpu_to_le64(sb->tail_seq);
	d->payload_blocks = cpu_to_le64(sb->payload_blocks);
	d->origin_lbs = cpu_to_le32(sb->origin_lbs);
	memcpy(d->journal_uuid, sb->journal_uuid, ES_UUID_SIZE);
	map_encode(&sb->map, d);
	fingerprint_encode(&sb->fp, d);
	d->crc = cpu_to_le32(es_block_checksum(d, 8));
}

static void fingerprint_unpack(const struct es_sb_disk *d, struct es_fingerprint *fp)
{
	u32 i;

	fp->sectors = le64_to_cpu(d->fp_sectors);
	fp->nr = le32_to_cpu(d->fp_nr);
	for (i = 0; i < ES_FP_SAMPLES && i < fp->nr; i++) {
		fp->sample[i].block = le64_to_cpu(d->fp_sample[i].block);
		fp->sample[i].crc = le32_to_cpu(d->fp_sample[i].crc);
	}
}

static void map_unpack(const struct es_sb_disk *d, struct es_chunkmap *map)
{
	map->addr = le64_to_cpu(d->map_addr);
	map->blocks = le32_to_cpu(d->map_blocks);
	map->crc = le32_to_cpu(d->map_crc);
	map->segment = le64_to_cpu(d->map_segment);
	map->extents = le64_to_cpu(d->map_extents);
	map->payload_blocks = le64_to_cpu(d->map_payload_blocks);
}

static void sb_unpack(const struct es_sb_disk *d, struct es_sb *sb)
{
	memset(sb, 0, sizeof(*sb));
	sb->kind = le16_to_cpu(d->kind);
	sb->state = le32_to_cpu(d->state) > ES_STATE_REMOVED ? 0 : (u16)le32_to_cpu(d->state);
	sb->flags = le32_to_cpu(d->flags);
	sb->generation = le64_to_cpu(d->generation);
	sb->epoch = le32_to_cpu(d->epoch);
	memcpy(sb->store_uuid, d->store_uuid, ES_UUID_SIZE);
	memcpy(sb->chain_uuid, d->chain_uuid, ES_UUID_SIZE);
	memcpy(sb->link_uuid, d->link_uuid, ES_UUID_SIZE);
	memcpy(sb->next_uuid, d->next_uuid, ES_UUID_SIZE);
	memcpy(sb->snapshot_uuid, d->snapshot_uuid, ES_UUID_SIZE);
	sb->created = le64_to_cpu(d->created);
	sb->serial = le32_to_cpu(d->serial);
	sb->nr_snapshots = le32_to_cpu(d->nr_snapshots);
	sb->chunk_sectors = le32_to_cpu(d->chunk_sectors);
	sb->segment_blocks = le32_to_cpu(d->segment_blocks);
	sb->device_blocks = le64_to_cpu(d->device_blocks);
	sb->origin_sectors = le64_to_cpu(d->origin_sectors);
	sb->tail_seq = le64_to_cpu(d->tail_seq);
	sb->payload_blocks = le64_to_cpu(d->payload_blocks);
	sb->origin_lbs = le32_to_cpu(d->origin_lbs);
	sb->index_addr = le64_to_cpu(d->index_addr);
	sb->index_blocks = le32_to_cpu(d->index_blocks);
	sb->index_extents = le64_to_cpu(d->index_extents);
	memcpy(sb->journal_uuid, d->journal_uuid, ES_UUID_SIZE);
	map_unpack(d, &sb->map);
	fingerprint_unpack(d, &sb->fp);
}

static enum es_fault sb_check_index(const struct es_sb *sb)
{
	if (sb->state != ES_STATE_SEALED)
		return ES_OK;
	if (sb->index_addr < ES_DATA_BLOCK || sb->index_addr >= sb->device_blocks ||
	    sb->index_blocks > sb->device_blocks - sb->index_addr)
		return ES_FAULT_INDEX;
	if (es_table_blocks(sb->index_extents) != sb->index_blocks)
		return ES_FAULT_COUNT;
	return ES_OK;
}

/* Only a cleanly detached store of a snapshot may have a chunk map. */
static enum es_fault sb_check_map(const struct es_sb *sb)
{
	const struct es_chunkmap *map = &sb->map;

	if (!map->addr)
		return map->blocks || map->crc || map->segment || map->extents ||
		       map->payload_blocks ? ES_FAULT_CHUNK_MAP : ES_OK;
	if (sb->kind != ES_KIND_SNAPSHOT || (sb->flags & ES_SB_ATTACHED) || !sb->epoch ||
	    map->blocks != es_chunkmap_blocks(sb) ||
	    map->addr < ES_DATA_BLOCK || map->addr >= sb->device_blocks ||
	    map->blocks > sb->device_blocks - map->addr ||
	    map->segment > (map->addr - ES_DATA_BLOCK) / sb->segment_blocks ||
	    map->payload_blocks > sb->device_blocks)
		return ES_FAULT_CHUNK_MAP;
	return ES_OK;
}

static enum es_fault sb_check_identity(const struct es_sb *sb)
{
	if (sb->kind == ES_KIND_JOURNAL)
		return ES_FAULT_JOURNAL;
	if (sb->kind != ES_KIND_SNAPSHOT && sb->kind != ES_KIND_VIEW)
		return ES_FAULT_KIND;
	/* What grows with each commit or attach must be able to. */
	if (!sb->state || (sb->flags & ~ES_SB_KNOWN_FLAGS) || sb->epoch == (u32)~0 ||
	    sb->generation == (u64)~0)
		return ES_FAULT_STATE;
	if (es_uuid_is_null(sb->store_uuid) || es_uuid_is_null(sb->chain_uuid))
		return ES_FAULT_UUID;
	if (sb->kind == ES_KIND_VIEW && es_uuid_is_null(sb->link_uuid))
		return ES_FAULT_UUID;
	if (!sb->serial || sb->nr_snapshots != 1)
		return ES_FAULT_SERIAL;
	return ES_OK;
}

/* A journal is named, by the store of a snapshot, exactly when its bit is set. */
static enum es_fault sb_check_journal(const struct es_sb *sb, u64 incompat)
{
	bool named = !es_uuid_is_null(sb->journal_uuid);

	if (named != !!(incompat & ES_INCOMPAT_JOURNAL) ||
	    (named && sb->kind != ES_KIND_SNAPSHOT))
		return ES_FAULT_JOURNAL_FIELD;
	return ES_OK;
}

static enum es_fault sb_check_fingerprint(const struct es_fingerprint *fp)
{
	u32 i;

	if (fp->nr > ES_FP_SAMPLES || fp->sectors > ES_MAX_ORIGIN_SECTORS)
		return ES_FAULT_COUNT;
	for (i = 0; i < fp->nr; i++)
		if (fp->sample[i].block >= es_chunks(fp->sectors, ES_BLOCK_SECTORS))
			return ES_FAULT_COUNT;
	return ES_OK;
}

static enum es_fault sb_check_geometry(const struct es_sb *sb)
{
	if (!es_chunk_size_ok(sb->chunk_sectors))
		return ES_FAULT_CHUNK_SIZE;
	if (sb->segment_blocks < 2 * es_chunk_blocks(sb->chunk_sectors) + 2 ||
	    sb->segment_blocks > ES_MAX_SEGMENT_BLOCKS)
		return ES_FAULT_SEGMENT_SIZE;
	if (sb->device_blocks < es_min_device_blocks(sb->chunk_sectors) ||
	    sb->device_blocks > ES_MAX_DEVICE_BLOCKS)
		return ES_FAULT_DEVICE_SIZE;
	if (!sb->origin_sectors || sb->origin_sectors > ES_MAX_ORIGIN_SECTORS)
		return ES_FAULT_ORIGIN_SIZE;
	if (es_sb_chunks(sb) > ES_MAX_CHUNKS)
		return ES_FAULT_MANY_CHUNKS;
	if (sb->origin_lbs < 512 || sb->origin_lbs > ES_BLOCK_SIZE ||
	    (sb->origin_lbs & (sb->origin_lbs - 1)))
		return ES_FAULT_ORIGIN_LBS;
	return sb_check_index(sb);
}

enum es_fault es_sb_check_head(const void *buf, size_t len)
{
	const struct es_sb_disk *d = buf;

	if (len < sizeof(*d))
		return ES_FAULT_SHORT;
	if (es_is_zero(d, sizeof(*d)))
		return ES_FAULT_BLANK;
	if (memcmp(d->magic, es_sb_magic, sizeof(es_sb_magic)))
		return ES_FAULT_MAGIC;
	if (le32_to_cpu(d->crc) != es_block_checksum(d, 8))
		return ES_FAULT_CRC;
	if (le16_to_cpu(d->version) != ES_FORMAT_VERSION)
		return ES_FAULT_VERSION;
	return ES_OK;
}

enum es_fault es_sb_decode(struct es_sb *out, const void *buf, size_t len)
{
	const struct es_sb_disk *d = buf;
	enum es_fault fault;
	struct es_sb sb;
	u64 incompat;

	fault = es_sb_check_head(buf, len);
	if (fault)
		return fault;
	incompat = le64_to_cpu(d->incompat);
	if (incompat & ~ES_INCOMPAT_KNOWN)
		return ES_FAULT_FEATURE;

	sb_unpack(d, &sb);
	fault = sb_check_identity(&sb);
	if (!fault)
		fault = sb_check_journal(&sb, incompat);
	if (!fault)
		fault = sb_check_geometry(&sb);
	if (!fault)
		fault = sb_check_map(&sb);
	if (!fault)
		fault = sb_check_fingerprint(&sb.fp);
	if (fault)
		return fault;
	*out = sb;
	return ES_OK;
}

/* Of a sound copy that a newer release wrote. */
static bool is_unknown(enum es_fault fault)
{
	return fault == ES_FAULT_VERSION || fault == ES_FAULT_FEATURE;
}

enum es_fault es_sb_choose(enum es_fault fault_a, u64 generation_a, enum es_fault fault_b,
			   u64 generation_b, u64 *from)
{
	if (!fault_a && es_sb_addr(generation_a) != ES_SB_A_BLOCK)
		fault_a = ES_FAULT_ADDRESS;
	if (!fault_b && es_sb_addr(generation_b) != ES_SB_B_BLOCK)
		fault_b = ES_FAULT_ADDRESS;
	if (is_unknown(fault_a) || is_unknown(fault_b))
		return is_unknown(fault_a) ? fault_a : fault_b;
	if (fault_a && fault_b) {
		if (fault_a == ES_FAULT_BLANK || fault_a == ES_FAULT_MAGIC)
			return fault_b == ES_FAULT_BLANK ? fault_a : fault_b;
		return fault_a;
	}
	*from = !fault_b && (fault_a || generation_b > generation_a) ? ES_SB_B_BLOCK :
								       ES_SB_A_BLOCK;
	return ES_OK;
}

enum es_fault es_sb_pick(struct es_sb *out, const void *a, const void *b, u64 *from)
{
	struct es_sb second;
	enum es_fault fault_a = es_sb_decode(out, a, ES_BLOCK_SIZE);
	enum es_fault fault_b = es_sb_decode(&second, b, ES_BLOCK_SIZE);
	enum es_fault fault;
	u64 addr;

	fault = es_sb_choose(fault_a, fault_a ? 0 : out->generation, fault_b,
			     fault_b ? 0 : second.generation, &addr);
	if (fault)
		return fault;
	if (addr == ES_SB_B_BLOCK)
		*out = second;
	if (from)
		*from = addr;
	return ES_OK;
}

enum es_fault es_sb_check_device(const struct es_sb *sb, u64 device_blocks)
{
	return device_blocks < sb->device_blocks ? ES_FAULT_DEVICE_SHRANK : ES_OK;
}

u32 es_default_segment_blocks(u32 chunk_sectors)
{
	u32 blocks = 32 * es_chunk_blocks(chunk_sectors);

	return blocks < 1024 ? 1024 : blocks;
}

u64 es_min_device_blocks(u32 chunk_sectors)
{
	/* One record header, one chunk, one summary block. */
	return ES_DATA_BLOCK + 2 + es_chunk_blocks(chunk_sectors);
}
