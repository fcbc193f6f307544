// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts and small predicates of es_types.h.
 *
 * Units and invariants: see es_types.h.
 */
#include "es_types.h"

static const char *const fault_texts[ES_FAULT_NR] = {
	[ES_OK] = "ok",
	[ES_FAULT_SHORT] = "buffer too short for the structure",
	[ES_FAULT_BLANK] = "blank: not formatted (run esnap format)",
	[ES_FAULT_MAGIC] = "no esnapshot magic: not a store",
	[ES_FAULT_VERSION] = "format version not supported",
	[ES_FAULT_CRC] = "checksum mismatch",
	[ES_FAULT_FEATURE] = "unknown incompatible feature",
	[ES_FAULT_KIND] = "wrong kind of store",
	[ES_FAULT_JOURNAL] = "a write journal, not a store",
	[ES_FAULT_NOT_JOURNAL] = "a store, not a write journal",
	[ES_FAULT_UUID] = "belongs to another store",
	[ES_FAULT_ADDRESS] = "block was written for another address",
	[ES_FAULT_CHUNK_SIZE] = "chunk size not a power of two of 8..2048 sectors",
	[ES_FAULT_SEGMENT_SIZE] = "segment size out of bounds",
	[ES_FAULT_DEVICE_SIZE] = "store size out of bounds",
	[ES_FAULT_DEVICE_SHRANK] = "device is smaller than its superblock says",
	[ES_FAULT_ORIGIN_SIZE] = "origin size out of bounds",
	[ES_FAULT_MANY_CHUNKS] = "more than 2147483647 chunks: the origin needs larger ones",
	[ES_FAULT_ORIGIN_SHRANK] = "origin is smaller than at the snapshot's instant",
	[ES_FAULT_ORIGIN_LBS] = "logical block size of the origin out of bounds or changed",
	[ES_FAULT_SERIAL] = "serial number out of bounds",
	[ES_FAULT_STATE] = "unknown state",
	[ES_FAULT_INDEX] = "index out of bounds or out of order",
	[ES_FAULT_COUNT] = "count out of bounds",
	[ES_FAULT_EXTENT] = "extent out of bounds",
	[ES_FAULT_SEQUENCE] = "a record is missing in the log",
	[ES_FAULT_EPOCH] = "log is newer than the superblock: the newer copy is damaged",
	[ES_FAULT_PAYLOAD] = "payload does not match its checksum",
	[ES_FAULT_FINGERPRINT] = "origin was changed while the chain was detached",
	[ES_FAULT_CHUNK_MAP] = "chunk map out of bounds or wrong",
	[ES_FAULT_INVALID] = "snapshot is invalid",
	[ES_FAULT_REMOVED] = "store was removed from its chain",
	[ES_FAULT_OTHER_CHAIN] = "store belongs to another chain",
	[ES_FAULT_ORDER] = "stores are not in order, or one in the middle is missing",
	[ES_FAULT_NOT_NEWEST] = "the newest store of the chain is missing",
	[ES_FAULT_TWICE] = "store is given twice",
	[ES_FAULT_CHUNK_DIFFERS] = "store has another chunk size than the table",
	[ES_FAULT_NOT_OLDEST] = "only the oldest stores may be left out",
	[ES_FAULT_ADD_MANY] = "only one store may be added at a time",
	[ES_FAULT_NOT_FRESH] = "a store added to a chain must be freshly formatted",
	[ES_FAULT_JOURNAL_FIELD] = "journal uuid and feature bit do not agree",
	[ES_FAULT_JOURNAL_SIZE] = "journal size out of bounds: at least 4 MiB are needed",
	[ES_FAULT_JOURNAL_POS] = "position in the journal out of bounds or out of order",
	[ES_FAULT_JOURNAL_TYPE] = "unknown type of journal record",
	[ES_FAULT_JOURNAL_ENTRY] = "journalled write out of bounds",
	[ES_FAULT_JOURNAL_TIME] = "journalled writes are out of order",
	[ES_FAULT_JOURNAL_NEWER] = "journal goes on behind a gap: something is damaged",
	[ES_FAULT_JOURNAL_FAILED] = "journal was given up: the origin went on without it",
	[ES_FAULT_JOURNAL_MISSING] = "the newest store has a journal: it must be given, too",
	[ES_FAULT_JOURNAL_OTHER] = "journal is not the one that the newest store names",
};

const char *es_fault_text(enum es_fault fault)
{
	if ((unsigned int)fault >= ES_FAULT_NR || !fault_texts[fault])
		return "unknown fault";
	return fault_texts[fault];
}

bool es_uuid_is_null(const u8 *uuid)
{
	u8 sum = 0;
	int i;

	for (i = 0; i < ES_UUID_SIZE; i++)
		sum |= uuid[i];
	return sum == 0;
}

bool es_is_zero(const void *buf, size_t len)
{
	const u64 *p = buf;
	size_t i, n = len / sizeof(*p);

	for (i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

u32 es_block_checksum(const void *block, size_t crc_offset)
{
	static const u8 zero[4];
	const u8 *p = block;
	u32 crc = ~(u32)0;

	crc = es_crc32c(crc, p, crc_offset);
	crc = es_crc32c(crc, zero, sizeof(zero));
	crc = es_crc32c(crc, p + crc_offset + 4, ES_BLOCK_SIZE - crc_offset - 4);
	return ~crc;
}

u32 es_data_crc(u32 crc, const void *block)
{
	const __le64 *words = block;
	u64 sum = 0, sums = 0;
	__le64 both[2];
	u32 i;

	for (i = 0; i < ES_BLOCK_SIZE / sizeof(*words); i++) {
		sum += le64_to_cpu(words[i]);
		sums += sum;
	}
	both[0] = cpu_to_le64(sum);
	both[1] = cpu_to_le64(sums);
	crc = es_crc32c(crc, block, ES_BLOCK_SIZE);
	return es_crc32c(crc, both, sizeof(both));
}
