// SPDX-License-Identifier: GPL-2.0-only
#include "support/core_values.h"

#include <algorithm>
#include <cstring>
#include <numeric>

std::ostream &operator<<(std::ostream &out, es_fault fault) {
    return out << static_cast<int>(fault) << " (" << es_fault_text(fault) << ")";
}

namespace esnap::test {

void put(Block &block, Field field, std::uint64_t value) {
    for (unsigned i = 0; i < field.width; ++i)
        block.bytes[field.offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t get(const Block &block, Field field) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < field.width; ++i)
        value |= static_cast<std::uint64_t>(block.bytes[field.offset + i]) << (8 * i);
    return value;
}

void fix_crc(Block &block, Field crc) {
    put(block, crc, 0);
    put(block, crc, es_checksum(block.data(), ES_BLOCK_SIZE));
}

es_extent make_extent(std::uint64_t chunk, std::uint32_t nr, std::uint64_t addr, std::uint32_t crc,
                      unsigned flags) {
    es_extent e{};
    e.chunk = chunk;
    e.nr = nr;
    e.crc = crc;
    e.addr = addr & 0xffffffffffff;
    e.flags = flags & 0xffff;
    return e;
}

namespace {

void fill_uuid(std::uint8_t *uuid, std::uint8_t first) {
    std::iota(uuid, uuid + ES_UUID_SIZE, first);
}

void random_uuid(Rng &rng, std::uint8_t *uuid) {
    std::generate_n(uuid, ES_UUID_SIZE, [&] { return static_cast<std::uint8_t>(rng.bits() | 1); });
}

/** A chunk map, where the device of @sb is large enough for one. */
void random_map(Rng &rng, es_sb &sb) {
    const std::uint64_t blocks = es_chunkmap_blocks(&sb);
    if (sb.device_blocks < ES_DATA_BLOCK + blocks)
        return;
    sb.map.addr = rng.between(ES_DATA_BLOCK, sb.device_blocks - blocks);
    sb.map.blocks = static_cast<std::uint32_t>(blocks);
    sb.map.crc = static_cast<std::uint32_t>(rng.bits());
    sb.map.segment = rng.below((sb.map.addr - ES_DATA_BLOCK) / sb.segment_blocks + 1);
    sb.map.extents = rng.bits();
    sb.map.payload_blocks = rng.below(sb.device_blocks);
}

bool same(const es_chunkmap &a, const es_chunkmap &b) {
    return a.addr == b.addr && a.blocks == b.blocks && a.crc == b.crc && a.segment == b.segment &&
           a.extents == b.extents && a.payload_blocks == b.payload_blocks;
}

void random_fingerprint(Rng &rng, std::uint64_t origin_sectors, es_fingerprint &fp) {
    fp.nr = static_cast<std::uint32_t>(rng.below(ES_FP_SAMPLES + 1));
    fp.sectors = origin_sectors;
    for (std::uint32_t i = 0; i < fp.nr; ++i) {
        fp.sample[i].block = rng.below(es_chunks(origin_sectors, ES_BLOCK_SECTORS));
        fp.sample[i].crc = static_cast<std::uint32_t>(rng.bits());
    }
}

} // namespace

es_sb sample_sb() {
    es_sb sb{};
    sb.kind = ES_KIND_SNAPSHOT;
    sb.state = ES_STATE_ACTIVE;
    sb.flags = ES_SB_ATTACHED;
    sb.generation = 6;
    sb.epoch = 3;
    fill_uuid(sb.store_uuid, 0x10);
    fill_uuid(sb.chain_uuid, 0x20);
    fill_uuid(sb.link_uuid, 0x30);
    fill_uuid(sb.snapshot_uuid, 0x50);
    sb.created = 1700000000;
    sb.serial = 7;
    sb.nr_snapshots = 1;
    sb.chunk_sectors = 8;
    sb.segment_blocks = 64;
    sb.device_blocks = 1024;
    sb.origin_sectors = 1u << 20;
    sb.origin_lbs = 512;
    return sb;
}

es_sb sample_view_sb() {
    es_sb sb = sample_sb();
    sb.kind = ES_KIND_VIEW;
    return sb;
}

es_sb random_sb(Rng &rng) {
    es_sb sb = sample_sb();
    sb.kind = rng.chance(50) ? ES_KIND_SNAPSHOT : ES_KIND_VIEW;
    sb.state = static_cast<std::uint16_t>(rng.between(ES_STATE_ACTIVE, ES_STATE_REMOVED));
    sb.flags = static_cast<std::uint32_t>(rng.below(ES_SB_KNOWN_FLAGS + 1));
    sb.generation = rng.bits() >> 1;
    sb.epoch = static_cast<std::uint32_t>(rng.between(1, 0xfffffffe));
    for (auto *uuid : {sb.store_uuid, sb.chain_uuid, sb.link_uuid, sb.next_uuid, sb.snapshot_uuid})
        random_uuid(rng, uuid);
    sb.created = rng.bits();
    sb.serial = static_cast<std::uint32_t>(rng.bits() | 1);
    sb.chunk_sectors = static_cast<std::uint32_t>(8u << rng.below(9));
    const std::uint32_t chunk = es_chunk_blocks(sb.chunk_sectors);
    sb.segment_blocks =
        static_cast<std::uint32_t>(rng.between(2 * chunk + 2, ES_MAX_SEGMENT_BLOCKS));
    sb.device_blocks = rng.between(es_min_device_blocks(sb.chunk_sectors) + 64, 1ull << 40);
    sb.origin_sectors =
        rng.between(1, std::min<std::uint64_t>(std::uint64_t{ES_MAX_CHUNKS} * sb.chunk_sectors,
                                               ES_MAX_ORIGIN_SECTORS));
    sb.origin_lbs = static_cast<std::uint32_t>(512u << rng.below(4));
    sb.tail_seq = rng.bits();
    if (sb.state == ES_STATE_SEALED) {
        sb.index_addr = rng.between(ES_DATA_BLOCK, sb.device_blocks - 1);
        sb.index_blocks = static_cast<std::uint32_t>(
            rng.between(1, std::min<std::uint64_t>(sb.device_blocks - sb.index_addr, 1u << 20)));
        sb.index_extents =
            static_cast<std::uint64_t>(sb.index_blocks) * ES_BLOCK_EXTENTS - rng.below(168);
    }
    if (sb.kind == ES_KIND_SNAPSHOT && !(sb.flags & ES_SB_ATTACHED) && rng.chance(50))
        random_map(rng, sb);
    if (sb.kind == ES_KIND_SNAPSHOT && rng.chance(50))
        random_uuid(rng, sb.journal_uuid);
    random_fingerprint(rng, sb.origin_sectors, sb.fp);
    return sb;
}

std::vector<es_extent> random_extents(Rng &rng, const es_sb &sb, es_block_type type,
                                      std::uint64_t addr, std::uint32_t nr) {
    const std::uint64_t chunks = es_sb_chunks(&sb);
    const unsigned payload_flag = sb.kind == ES_KIND_VIEW ? ES_EXT_NO_CRC : 0;
    const std::uint32_t chunk_blocks = es_chunk_blocks(sb.chunk_sectors);
    std::vector<es_extent> extents;
    std::uint64_t next = addr + 1;

    for (std::uint32_t i = 0; i < nr; ++i) {
        const std::uint64_t chunk = rng.below(chunks);
        const auto most = std::min<std::uint64_t>(chunks - chunk, 3);
        const auto length = static_cast<std::uint32_t>(rng.between(1, most));
        const bool fits = next + length * chunk_blocks <= sb.device_blocks &&
                          next + length * chunk_blocks - addr - 1 <= sb.segment_blocks;
        if (rng.chance(30) || (type == ES_BLOCK_RECORD && !fits)) {
            extents.push_back(
                make_extent(chunk, length, 0, 0, rng.chance(50) ? ES_EXT_ZERO : ES_EXT_BAD));
            continue;
        }
        const std::uint64_t last = sb.device_blocks - length * chunk_blocks;
        const std::uint64_t where =
            type == ES_BLOCK_RECORD ? next : rng.between(ES_DATA_BLOCK + 1, last);
        const auto crc = payload_flag != 0 ? 0 : static_cast<std::uint32_t>(rng.bits());
        extents.push_back(make_extent(chunk, length, where, crc, payload_flag));
        next += length * chunk_blocks;
    }
    return extents;
}

std::uint32_t payload_blocks(std::span<const es_extent> extents, const es_sb &sb) {
    std::uint64_t blocks = 0;
    for (const es_extent &e : extents)
        blocks += es_extent_blocks(&e, sb.chunk_sectors);
    return static_cast<std::uint32_t>(blocks);
}

es_block sample_block(const es_sb &sb, es_block_type type, std::uint64_t addr,
                      std::span<const es_extent> extents) {
    es_block b{};
    b.type = static_cast<std::uint16_t>(type);
    b.nr_extents = static_cast<std::uint16_t>(extents.size());
    b.serial = sb.serial;
    std::memcpy(b.store_uuid, sb.store_uuid, ES_UUID_SIZE);
    b.seq = 5;
    b.epoch = sb.epoch;
    b.prev_crc = 0x01020304;
    b.nr_blocks = type == ES_BLOCK_RECORD ? payload_blocks(extents, sb) : 1;
    b.addr = addr;
    return b;
}

Block encode(const es_sb &sb) {
    Block block;
    es_sb_encode(&sb, block.data());
    return block;
}

Block encode(es_block head, std::span<const es_extent> extents) {
    Block block;
    es_block_encode(&head, extents.data(), block.data());
    return block;
}

es_fault decode(const Block &block, es_sb *out) {
    es_sb sb{};
    return es_sb_decode(out != nullptr ? out : &sb, block.data(), ES_BLOCK_SIZE);
}

es_fault decode(const Block &block, es_block_type type, const es_sb &sb, std::uint64_t addr,
                es_block *out, std::vector<es_extent> *extents) {
    std::array<es_extent, ES_BLOCK_EXTENTS> found{};
    es_block head{};
    const es_fault fault =
        es_block_decode(&head, found.data(), block.data(), ES_BLOCK_SIZE, type, &sb, addr);
    if (fault != ES_OK)
        return fault;
    if (out != nullptr)
        *out = head;
    if (extents != nullptr)
        extents->assign(found.begin(), found.begin() + head.nr_extents);
    return ES_OK;
}

bool same(const es_extent &a, const es_extent &b) {
    return a.chunk == b.chunk && a.nr == b.nr && a.crc == b.crc && a.addr == b.addr &&
           a.flags == b.flags;
}

bool same(std::span<const es_extent> a, std::span<const es_extent> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const es_extent &x, const es_extent &y) { return same(x, y); });
}

bool same(const es_block &a, const es_block &b) {
    return a.type == b.type && a.nr_extents == b.nr_extents && a.serial == b.serial &&
           es_uuid_equal(a.store_uuid, b.store_uuid) && a.seq == b.seq && a.epoch == b.epoch &&
           a.prev_crc == b.prev_crc && a.pos == b.pos && a.nr_blocks == b.nr_blocks &&
           a.addr == b.addr;
}

namespace {

bool same(const es_fingerprint &a, const es_fingerprint &b) {
    if (a.nr != b.nr || a.sectors != b.sectors)
        return false;
    for (std::uint32_t i = 0; i < a.nr; ++i)
        if (a.sample[i].block != b.sample[i].block || a.sample[i].crc != b.sample[i].crc)
            return false;
    return true;
}

} // namespace

bool same(const es_sb &a, const es_sb &b) {
    return a.kind == b.kind && a.state == b.state && a.flags == b.flags &&
           a.generation == b.generation && a.epoch == b.epoch &&
           es_uuid_equal(a.store_uuid, b.store_uuid) && es_uuid_equal(a.chain_uuid, b.chain_uuid) &&
           es_uuid_equal(a.link_uuid, b.link_uuid) && es_uuid_equal(a.next_uuid, b.next_uuid) &&
           es_uuid_equal(a.snapshot_uuid, b.snapshot_uuid) && a.created == b.created &&
           a.serial == b.serial && a.nr_snapshots == b.nr_snapshots &&
           a.chunk_sectors == b.chunk_sectors && a.segment_blocks == b.segment_blocks &&
           a.device_blocks == b.device_blocks && a.origin_sectors == b.origin_sectors &&
           a.origin_lbs == b.origin_lbs && a.tail_seq == b.tail_seq &&
           a.index_addr == b.index_addr && a.index_blocks == b.index_blocks &&
           a.index_extents == b.index_extents && a.payload_blocks == b.payload_blocks &&
           es_uuid_equal(a.journal_uuid, b.journal_uuid) && same(a.map, b.map) && same(a.fp, b.fp);
}

} // namespace esnap::test
