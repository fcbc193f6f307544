// SPDX-License-Identifier: GPL-2.0-only
//
// Format version 1 against its golden images: what is encoded, and what is decoded.

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

#include "golden/golden_image.h"

using namespace esnap::test;

namespace {

void uuid(std::uint8_t *out, std::uint8_t first) {
    std::iota(out, out + ES_UUID_SIZE, first);
}

es_sb superblock() {
    es_sb sb{};
    sb.kind = ES_KIND_SNAPSHOT;
    sb.state = ES_STATE_ACTIVE;
    sb.flags = ES_SB_ATTACHED;
    sb.generation = 6;
    sb.epoch = 3;
    uuid(sb.store_uuid, 0x10);
    uuid(sb.chain_uuid, 0x20);
    uuid(sb.link_uuid, 0x30);
    uuid(sb.snapshot_uuid, 0x50);
    sb.created = 1700000000;
    sb.serial = 7;
    sb.nr_snapshots = 1;
    sb.chunk_sectors = 32;
    sb.segment_blocks = 1024;
    sb.device_blocks = 262144;
    sb.origin_sectors = 2097160;
    sb.origin_lbs = 512;
    return sb;
}

es_sb sealed_superblock() {
    es_sb sb = superblock();
    sb.state = ES_STATE_SEALED;
    sb.flags = 0;
    sb.generation = 0x0123456789abcdef;
    uuid(sb.next_uuid, 0x40);
    sb.origin_lbs = 4096;
    sb.tail_seq = 41;
    sb.index_addr = 5136;
    sb.index_blocks = 2;
    sb.index_extents = 170;
    sb.payload_blocks = 4660;
    sb.fp.sectors = 2097160;
    sb.fp.nr = 2;
    sb.fp.sample[0] = {0, 0xdeadbeef};
    sb.fp.sample[1] = {262144, 0x01020304};
    return sb;
}

/** 2097160 sectors are 65537 chunks of 32: the last one begins the third block of a map. */
es_sb mapped_superblock() {
    es_sb sb = superblock();
    sb.flags = 0;
    sb.generation = 9;
    sb.tail_seq = 41;
    sb.map = {.addr = 5136,
              .blocks = 3,
              .crc = 0x99aabbcc,
              .segment = 4,
              .extents = 170,
              .payload_blocks = 4660};
    return sb;
}

es_sb view_superblock() {
    es_sb sb = superblock();
    sb.kind = ES_KIND_VIEW;
    sb.flags = ES_SB_SUSPECT;
    return sb;
}

es_sb journalled_superblock() {
    es_sb sb = superblock();
    uuid(sb.journal_uuid, 0x60);
    return sb;
}

void check_superblock(const es_sb &values, const char *image) {
    const Block golden = parse_image(image);
    es_sb found{};
    CHECK(first_difference(encode(values), golden) == "");
    REQUIRE(decode(golden, &found) == ES_OK);
    CHECK(same(found, values));
}

es_block head(es_block_type type, std::uint64_t seq, std::uint32_t prev_crc, std::uint64_t addr) {
    es_block b{};
    b.type = static_cast<std::uint16_t>(type);
    b.serial = 7;
    uuid(b.store_uuid, 0x10);
    b.seq = seq;
    b.epoch = 3;
    b.prev_crc = prev_crc;
    b.addr = addr;
    return b;
}

void check_block(es_block values, const std::vector<es_extent> &extents, const es_sb &sb,
                 const char *image) {
    const Block golden = parse_image(image);
    es_block found{};
    std::vector<es_extent> found_extents;
    values.nr_extents = static_cast<std::uint16_t>(extents.size());
    CHECK(first_difference(encode(values, extents), golden) == "");
    const auto type = static_cast<es_block_type>(values.type);
    REQUIRE(decode(golden, type, sb, values.addr, &found, &found_extents) == ES_OK);
    CHECK(same(found, values));
    CHECK(same(found_extents, extents));
}

} // namespace

TEST_CASE("golden superblock", "[golden]") {
    check_superblock(superblock(), golden::superblock);
}

TEST_CASE("golden superblock, sealed", "[golden]") {
    check_superblock(sealed_superblock(), golden::superblock_sealed);
}

TEST_CASE("golden superblock, detached with a chunk map", "[golden]") {
    check_superblock(mapped_superblock(), golden::superblock_map);
}

TEST_CASE("golden superblock of a view", "[golden]") {
    check_superblock(view_superblock(), golden::superblock_view);
}

TEST_CASE("golden superblock with a journal", "[golden]") {
    check_superblock(journalled_superblock(), golden::superblock_journal);
}

TEST_CASE("golden record", "[golden]") {
    es_block b = head(ES_BLOCK_RECORD, 40, 0x55667788, 2064);
    b.nr_blocks = 12;
    const std::vector<es_extent> extents{
        make_extent(100, 2, 2065, 0x0a0b0c0d), make_extent(5000, 70000, 0, 0, ES_EXT_ZERO),
        make_extent(200, 1, 0, 0, ES_EXT_BAD), make_extent(300, 1, 2073, 0x11223344)};
    es_sb sb = superblock();
    sb.origin_sectors = 1u << 24;
    check_block(b, extents, sb, golden::record);
}

TEST_CASE("golden record of a view", "[golden]") {
    es_block b = head(ES_BLOCK_RECORD, 1, 0, 2064);
    b.nr_blocks = 8;
    check_block(b, {make_extent(100, 2, 2065, 0, ES_EXT_NO_CRC)}, view_superblock(),
                golden::record_view);
}

TEST_CASE("golden summary", "[golden]") {
    es_block b = head(ES_BLOCK_SUMMARY, 40, 0x99aabbcc, 3087);
    b.pos = 1;
    b.nr_blocks = 2;
    es_sb sb = superblock();
    sb.origin_sectors = 1u << 24;
    check_block(
        b, {make_extent(100, 2, 2065, 0x0a0b0c0d), make_extent(5000, 70000, 0, 0, ES_EXT_ZERO)}, sb,
        golden::summary);
}

TEST_CASE("golden index", "[golden]") {
    es_block b = head(ES_BLOCK_INDEX, 40, 0x99aabbcc, 5137);
    b.pos = 1;
    b.nr_blocks = 2;
    es_sb sb = superblock();
    sb.origin_sectors = ES_MAX_ORIGIN_SECTORS;
    sb.device_blocks = ES_MAX_DEVICE_BLOCKS;
    check_block(b,
                {make_extent(100, 2, 2065, 0x0a0b0c0d),
                 make_extent(0x123456789a, 1, 0x23456789abcd, 0x11223344)},
                sb, golden::index);
}
