// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encoders and decoders of es_jformat.h: the only file that knows a journal's bytes.
 *
 * Units and invariants: see es_jformat.h.
 */
#include "es_jformat.h"

/* A position; 24 bytes. */
struct es_jpos_disk {
	/*  0 */ __le64 addr;
	/*  8 */ __le64 seq;
	/* 16 */ __le32 prev_crc;
	/* 20 */ __le32 reserved;
} __packed;

/* The superblock; offsets in the first column, 4096 bytes in all. */
struct es_jsb_disk {
	/*    0 */ u8 magic[8];
	/*    8 */ __le32 crc;
	/*   12 */ __le16 version;
	/*   14 */ __le16 kind;
	/*   16 */ __le64 compat;	/* feature bits that may be ignored */
	/*   24 */ __le64 incompat;	/* feature bits that may not */
	/*   32 */ __le64 generation;
	/*   40 */ u8 journal_uuid[16];
	/*   56 */ u8 chain_uuid[16];
	/*   72 */ u8 zero1[48];
	/*  120 */ __le64 created;
	/*  128 */ u8 zero2[16];
	/*  144 */ __le64 device_blocks;
	/*  152 */ u8 zero3[8];
	/*  160 */ __le32 state;
	/*  164 */ __le32 flags;
	/*  168 */ __le32 epoch;
	/*  172 */ __le32 nr_marks;
	/*  176 */ struct es_jpos_disk needed;
	/*  200 */ __le64 next_lsn;
	/*  208 */ __le32 zero4;
	/*  212 */ __le32 origin_lbs;
	/*  216 */ __le64 tail_seq;
	/*  224 */ __le64 time;
	/*  232 */ u8 zero5[24];
	/*  256 */ struct {
		struct es_jpos_disk pos;
		__le64 time;
	} __packed mark[ES_JOURNAL_MARKS];
	/* 1280 */ u8 zero6[ES_BLOCK_SIZE - 1280];
} __packed;

ES_STATIC_ASSERT(sizeof(struct es_jsb_disk) == ES_BLOCK_SIZE, "on-disk superblock of a journal");

/* An entry; 32 bytes. */
struct es_jentry_disk {
	/*  0 */ __le64 sector;
	/*  8 */ __le32 nr;
	/* 12 */ __le32 crc;
	/* 16 */ __le64 time;
	/* 24 */ __le16 op;
	/* 26 */ __le16 flags;
	/* 28 */ __le32 reserved;
} __packed;

/* Header of a record. */
struct es_jrec_disk {
	/*   0 */ __le32 magic;
	/*   4 */ __le32 crc;
	/*   8 */ __le16 version;
	/*  10 */ __le16 nr_entries;
	/*  12 */ __le16 type;
	/*  14 */ __le16 reserved1;
	/*  16 */ u8 journal_uuid[16];
	/*  32 */ __le64 seq;
	/*  40 */ __le32 epoch;
	/*  44 */ __le32 prev_crc;
	/*  48 */ __le32 nr_blocks;
	/*  52 */ __le32 reserved2;
	/*  56 */ __le64 addr;
	/*  64 */ __le64 lsn;
	/*  72 */ __le64 time;
	/*  80 */ struct es_jpos_disk needed;
	/* 104 */ u8 reserved3[24];
	/* 128 */ struct es_jentry_disk entries[ES_JREC_ENTRIES];
} __packed;

ES_STATIC_ASSERT(sizeof(struct es_jrec_disk) == ES_BLOCK_SIZE, "on-disk record of a journal");

#define JREC_MAGIC 0x726a5345	/* "ESjr" as the bytes lie on disk */

static void pos_encode(const struct es_jpos *pos, struct es_jpos_disk *d)
{
	d->addr = cpu_to_le64(pos->addr);
	d->seq = cpu_to_le64(pos->seq);
	d->prev_crc = cpu_to_le32(pos->prev_crc);
}

static void pos_unpack(const struct es_jpos_disk *d, struct es_jpos *pos)
{
	pos->addr = le64_to_cpu(d->addr);
	pos->seq = le64_to_cpu(d->seq);
	pos->prev_crc = le32_to_cpu(d->prev_crc);
}

static bool pos_ok(const struct es_jpos *pos, u64 device_blocks)
{
	return pos->addr >= ES_DATA_BLOCK && pos->addr < device_blocks && pos->seq &&
	       (pos->seq > 1 || !pos->prev_crc);
}

/* --- superblock --- */

void es_jsb_encode(const struct es_jsb *sb, void *buf)
{
	struct es_jsb_disk *d = buf;
	u32 i;

	memset(d, 0, sizeof(*d));
	memcpy(d->magic, es_sb_magic, sizeof(es_sb_magic));
	d->version = cpu_to_le16(ES_FORMAT_VERSION);
	d->kind = cpu_to_le16(ES_KIND_JOURNAL);
	d->generation = cpu_to_le64(sb->generation);
	memcpy(d->journal_uuid, sb->journal_uuid, ES_UUID_SIZE);
	memcpy(d->chain_uuid, sb->chain_uuid, ES_UUID_SIZE);
	d->created = cpu_to_le64(sb->created);
	d->device_blocks = cpu_to_le64(sb->device_blocks);
	d->state = cpu_to_le32(sb->state);
	d->flags = cpu_to_le32(sb->flags);
	d->epoch = cpu_to_le32(sb->epoch);
	d->nr_marks = cpu_to_le32(sb->nr_marks);
	pos_encode(&sb->needed, &d->needed);
	d->next_lsn = cpu_to_le64(sb->next_lsn);
	d->origin_lbs = cpu_to_le32(sb->origin_lbs);
	d->tail_seq = cpu_to_le64(sb->tail_seq);
	d->time = cpu_to_le64(sb->time);
	for (i = 0; i < sb->nr_marks; i++) {
		pos_encode(&sb->mark[i].pos, &d->mark[i].pos);
		d->mark[i].time = cpu_to_le64(sb->mark[i].time);
	}
	d->crc = cpu_to_le32(es_block_checksum(d, 8));
}

static void jsb_unpack(const struct es_jsb_disk *d, struct es_jsb *sb)
{
	u32 i;

	memset(sb, 0, sizeof(*sb));
	sb->state = le32_to_cpu(d->state) > ES_JOURNAL_FAILED ? 0 : (u16)le32_to_cpu(d->state);
	sb->flags = le32_to_cpu(d->flags);
	sb->generation = le64_to_cpu(d->generation);
	sb->epoch = le32_to_cpu(d->epoch);
	memcpy(sb->journal_uuid, d->journal_uuid, ES_UUID_SIZE);
	memcpy(sb->chain_uuid, d->chain_uuid, ES_UUID_SIZE);
	sb->created = le64_to_cpu(d->created);
	sb->device_blocks = le64_to_cpu(d->device_blocks);
	sb->origin_lbs = le32_to_cpu(d->origin_lbs);
	sb->tail_seq = le64_to_cpu(d->tail_seq);
	pos_unpack(&d->needed, &sb->needed);
	sb->next_lsn = le64_to_cpu(d->next_lsn);
	sb->time = le64_to_cpu(d->time);
	sb->nr_marks = le32_to_cpu(d->nr_marks);
	for (i = 0; i < ES_JOURNAL_MARKS && i < sb->nr_marks; i++) {
		pos_unpack(&d->mark[i].pos, &sb->mark[i].pos);
		sb->mark[i].time = le64_to_cpu(d->mark[i].time);
	}
}

/* Whether record @b can lie behind record @a: on the way there each record takes a block. */
static bool follows(const struct es_jsb *sb, const struct es_jpos *a, const struct es_jpos *b)
{
	u64 way = b->addr >= a->addr ? b->addr - a->addr :
				       b->addr + sb->device_blocks - ES_DATA_BLOCK - a->addr;

	return b->seq > a->seq && b->seq - a->seq <= way;
}

/* By age, and once around the ring at most. */
static enum es_fault jsb_check_marks(const struct es_jsb *sb)
{
	const struct es_jpos *first = &sb->mark[0].pos;
	u64 ring = sb->device_blocks - ES_DATA_BLOCK;
	u64 way, before = 0;
	u32 i;

	if (!sb->nr_marks || sb->nr_marks > ES_JOURNAL_MARKS)
		return ES_FAULT_COUNT;
	for (i = 0; i <= sb->nr_marks; i++) {
		const struct es_jpos *pos = i < sb->nr_marks ? &sb->mark[i].pos : &sb->needed;

		if (!pos_ok(pos, sb->device_blocks))
			return ES_FAULT_JOURNAL_POS;
		way = (pos->addr + ring - first->addr) % ring;
		if (i == 1 && i == sb->nr_marks && pos->seq == first->seq)
			return pos->addr == first->addr && pos->prev_crc == first->prev_crc ?
			       ES_OK : ES_FAULT_JOURNAL_POS;
		if (i && (way <= before || !follows(sb, &sb->mark[i - 1].pos, pos)))
			return ES_FAULT_JOURNAL_POS;
		if (i && i < sb->nr_marks && sb->mark[i].time < sb->mark[i - 1].time)
			return ES_FAULT_JOURNAL_TIME;
		before = way;
	}
	return ES_OK;
}

static enum es_fault jsb_check(const struct es_jsb *sb)
{
	if (!sb->state || (sb->flags & ~ES_JSB_KNOWN_FLAGS) ||
	    ((sb->flags & ES_JSB_ATTACHED) && !sb->epoch) || sb->epoch == (u32)~0 ||
	    sb->generation == (u64)~0)
		return ES_FAULT_STATE;
	if (es_uuid_is_null(sb->journal_uuid) || es_uuid_is_null(sb->chain_uuid))
		return ES_FAULT_UUID;
	if (sb->device_blocks < ES_JOURNAL_MIN_BLOCKS || sb->device_blocks > ES_MAX_DEVICE_BLOCKS)
		return ES_FAULT_JOURNAL_SIZE;
	if (sb->origin_lbs < 512 || sb->origin_lbs > ES_BLOCK_SIZE ||
	    (sb->origin_lbs & (sb->origin_lbs - 1)))
		return ES_FAULT_ORIGIN_LBS;
	if (!sb->tail_seq || sb->tail_seq > ES_JOURNAL_MAX_SEQ ||
	    sb->needed.seq > ES_JOURNAL_MAX_SEQ ||
	    (!(sb->flags & ES_JSB_ATTACHED) && sb->tail_seq != sb->needed.seq))
		return ES_FAULT_SEQUENCE;
	if (!sb->next_lsn || sb->next_lsn > ES_JOURNAL_MAX_SEQ)
		return ES_FAULT_COUNT;
	return jsb_check_marks(sb);
}

enum es_fault es_jsb_decode(struct es_jsb *out, const void *buf, size_t len)
{
	const struct es_jsb_disk *d = buf;
	enum es_fault fault;
	struct es_jsb sb;

	fault = es_sb_check_head(buf, len);
	if (fault)
		return fault;
	if (le16_to_cpu(d->kind) == ES_KIND_SNAPSHOT || le16_to_cpu(d->kind) == ES_KIND_VIEW)
		return ES_FAULT_NOT_JOURNAL;
	if (le16_to_cpu(d->kind) != ES_KIND_JOURNAL)
		return ES_FAULT_KIND;
	if (d->incompat)
		return ES_FAULT_FEATURE;

	jsb_unpack(d, &sb);
	fault = jsb_check(&sb);
	if (fault)
		return fault;
	*out = sb;
	return ES_OK;
}

enum es_fault es_jsb_pick(struct es_jsb *out, const void *a, const void *b, u64 *from)
{
	struct es_jsb second;
	enum es_fault fault_a = es_jsb_decode(out, a, ES_BLOCK_SIZE);
	enum es_fault fault_b = es_jsb_decode(&second, b, ES_BLOCK_SIZE);
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

enum es_fault es_jsb_check_device(const struct es_jsb *sb, u64 device_blocks)
{
	return device_blocks < sb->device_blocks ? ES_FAULT_DEVICE_SHRANK : ES_OK;
}

/* --- records --- */

static void entry_encode(const struct es_jentry *e, struct es_jentry_disk *d)
{
	d->sector = cpu_to_le64(e->sector);
	d->nr = cpu_to_le32(e->nr);
	d->crc = cpu_to_le32(e->crc);
	d->time = cpu_to_le64(e->time);
	d->op = cpu_to_le16(e->op);
	d->flags = cpu_to_le16(e->flags);
}

static void entry_unpack(const struct es_jentry_disk *d, struct es_jentry *e)
{
	e->sector = le64_to_cpu(d->sector);
	e->nr = le32_to_cpu(d->nr);
	e->crc = le32_to_cpu(d->crc);
	e->time = le64_to_cpu(d->time);
	e->op = le16_to_cpu(d->op);
	e->flags = le16_to_cpu(d->flags);
	e->addr = 0;
}

void es_jrec_encode(struct es_jrec *r, struct es_jentry *entries, void *buf)
{
	struct es_jrec_disk *d = buf;
	u64 payload = r->addr + 1;
	u32 i;

	memset(d, 0, sizeof(*d));
	d->magic = cpu_to_le32(JREC_MAGIC);
	d->version = cpu_to_le16(ES_FORMAT_VERSION);
	d->nr_entries = cpu_to_le16(r->nr_entries);
	d->type = cpu_to_le16(r->type);
	memcpy(d->journal_uuid, r->journal_uuid, ES_UUID_SIZE);
	d->seq = cpu_to_le64(r->seq);
	d->epoch = cpu_to_le32(r->epoch);
	d->prev_crc = cpu_to_le32(r->prev_crc);
	d->nr_blocks = cpu_to_le32(r->nr_blocks);
	d->addr = cpu_to_le64(r->addr);
	d->lsn = cpu_to_le64(r->lsn);
	d->time = cpu_to_le64(r->time);
	pos_encode(&r->needed, &d->needed);
	for (i = 0; i < r->nr_entries; i++) {
		u32 blocks = es_jentry_blocks(&entries[i]);

		entries[i].addr = blocks ? payload : 0;
		payload += blocks;
		entry_encode(&entries[i], &d->entries[i]);
	}
	r->crc = es_block_checksum(d, 4);
	d->crc = cpu_to_le32(r->crc);
}

static void jrec_unpack(const struct es_jrec_disk *d, struct es_jrec *r)
{
	r->type = le16_to_cpu(d->type);
	r->nr_entries = le16_to_cpu(d->nr_entries);
	r->nr_blocks = le32_to_cpu(d->nr_blocks);
	memcpy(r->journal_uuid, d->journal_uuid, ES_UUID_SIZE);
	r->seq = le64_to_cpu(d->seq);
	r->epoch = le32_to_cpu(d->epoch);
	r->prev_crc = le32_to_cpu(d->prev_crc);
	r->addr = le64_to_cpu(d->addr);
	r->lsn = le64_to_cpu(d->lsn);
	r->time = le64_to_cpu(d->time);
	pos_unpack(&d->needed, &r->needed);
	r->crc = le32_to_cpu(d->crc);
}

/* Whether @r->needed is before @r, or @r itself. */
static bool needed_ok(const struct es_jrec *r, const struct es_jsb *sb)
{
	const struct es_jpos self = { .addr = r->addr, .seq = r->seq, .prev_crc = r->prev_crc };

	if (!pos_ok(&r->needed, sb->device_blocks))
		return false;
	if (r->needed.seq == r->seq)
		return r->needed.addr == self.addr && r->needed.prev_crc == self.prev_crc;
	return follows(sb, &r->needed, &self);
}

static enum es_fault jrec_check(const struct es_jrec *r, const struct es_jsb *sb, u64 addr)
{
	if (r->type != ES_JREC_DATA && r->type != ES_JREC_PAD)
		return ES_FAULT_JOURNAL_TYPE;
	if (!es_uuid_equal(r->journal_uuid, sb->journal_uuid))
		return ES_FAULT_UUID;
	if (r->addr != addr)
		return ES_FAULT_ADDRESS;
	if (!r->epoch || !r->seq || (r->seq == 1 && r->prev_crc))
		return ES_FAULT_SEQUENCE;
	if (r->epoch > sb->epoch)
		return ES_FAULT_EPOCH;
	if (addr < ES_DATA_BLOCK || addr >= sb->device_blocks ||
	    r->nr_blocks >= ES_JOURNAL_MAX_RECORD ||
	    r->nr_blocks >= sb->device_blocks - addr)
		return ES_FAULT_JOURNAL_POS;
	if (r->type == ES_JREC_PAD ?
	    r->nr_entries || addr + 1 + r->nr_blocks != sb->device_blocks :
	    !r->nr_entries || r->nr_entries > ES_JREC_ENTRIES)
		return ES_FAULT_COUNT;
	if (!r->lsn || r->lsn > ~(u64)0 - r->nr_entries)
		return ES_FAULT_COUNT;
	return needed_ok(r, sb) ? ES_OK : ES_FAULT_JOURNAL_POS;
}

static enum es_fault entry_check(const struct es_jentry *e, const struct es_jsb *sb)
{
	u32 sectors = sb->origin_lbs >> ES_SECTOR_SHIFT;

	if (e->flags & ~ES_JENT_KNOWN_FLAGS)
		return ES_FAULT_JOURNAL_ENTRY;
	switch (e->op) {
	case ES_JOP_FLUSH:
		return e->sector || e->nr || e->crc || e->flags ? ES_FAULT_JOURNAL_ENTRY : ES_OK;
	case ES_JOP_ZEROES:
	case ES_JOP_DISCARD:
		if (e->crc)
			return ES_FAULT_JOURNAL_ENTRY;
		break;
	case ES_JOP_WRITE:
		break;
	default:
		return ES_FAULT_JOURNAL_ENTRY;
	}
	if (!e->nr || e->sector >= ES_MAX_ORIGIN_SECTORS ||
	    e->nr > ES_MAX_ORIGIN_SECTORS - e->sector ||
	    e->sector % sectors || e->nr % sectors)
		return ES_FAULT_JOURNAL_ENTRY;
	return ES_OK;
}

/* The entries of @r: each by itself, their payload and their times. */
static enum es_fault entries_check(const struct es_jrec_disk *d, const struct es_jrec *r,
				   const struct es_jsb *sb)
{
	u64 payload = 0, time = 0;
	enum es_fault fault;
	struct es_jentry e;
	u32 i;

	for (i = 0; i < r->nr_entries; i++) {
		entry_unpack(&d->entries[i], &e);
		fault = entry_check(&e, sb);
		if (fault)
			return fault;
		if (e.time < time)
			return ES_FAULT_JOURNAL_TIME;
		time = e.time;
		payload += es_jentry_blocks(&e);
	}
	if (r->type == ES_JREC_DATA && payload != r->nr_blocks)
		return ES_FAULT_COUNT;
	return r->nr_entries && time != r->time ? ES_FAULT_JOURNAL_TIME : ES_OK;
}

enum es_fault es_jrec_decode(struct es_jrec *out, struct es_jentry *entries, const void *buf,
			     size_t len, const struct es_jsb *sb, u64 addr)
{
	const struct es_jrec_disk *d = buf;
	enum es_fault fault;
	u64 payload = addr + 1;
	struct es_jrec r;
	u32 i;

	if (len < sizeof(*d))
		return ES_FAULT_SHORT;
	if (le32_to_cpu(d->magic) != JREC_MAGIC)
		return ES_FAULT_MAGIC;
	if (le32_to_cpu(d->crc) != es_block_checksum(d, 4))
		return ES_FAULT_CRC;
	if (le16_to_cpu(d->version) != ES_FORMAT_VERSION)
		return ES_FAULT_VERSION;
	jrec_unpack(d, &r);
	fault = jrec_check(&r, sb, addr);
	if (!fault)
		fault = entries_check(d, &r, sb);
	if (fault)
		return fault;

	for (i = 0; i < r.nr_entries; i++) {
		u32 blocks;

		entry_unpack(&d->entries[i], &entries[i]);
		blocks = es_jentry_blocks(&entries[i]);
		entries[i].addr = blocks ? payload : 0;
		payload += blocks;
	}
	*out = r;
	return ES_OK;
}
