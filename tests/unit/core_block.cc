// SPDX-License-Identifier: GPL-2.0-only
//
// Blocks with extents (record header, summary, index): one test per field that can be
// wrong, bit flips, short buffers, round trips.

#include <algorithm>
#include <array>
#include <vector>

#include <catch2/catch.hpp>

#include "es_replay.h"
#include "support/core_values.h"

using namespace esnap::test;
namespace f = block_field;

namespace {

constexpr std::uint64_t addr = 100;

/** Two extents with payload around one without; payload of 3 blocks behind block 100. */
std::vector<es_extent> sample_extents() {
    return {make_extent(1000, 1, 101, 0x11111111), make_extent(2000, 5, 0, 0, ES_EXT_ZERO),
            make_extent(3000, 2, 102, 0x22222222)};
}

Block sample(es_block_type type) {
    const es_sb sb = sample_sb();
    return encode(sample_block(sb, type, addr, sample_extents()), sample_extents());
}

/** Wrong in any type. */
const std::vector<BadField> bad_fields{
    {"magic", f::magic, 0x12345678, ES_FAULT_MAGIC},
    {"version 0", f::version, 0, ES_FAULT_VERSION},
    {"version 2", f::version, 2, ES_FAULT_VERSION},
    {"no extents", f::nr_extents, 0, ES_FAULT_COUNT},
    {"169 extents", f::nr_extents, 169, ES_FAULT_COUNT},
    {"65535 extents", f::nr_extents, 65535, ES_FAULT_COUNT},
    {"serial", f::serial, 8, ES_FAULT_SERIAL},
    {"store", f::store_uuid, 1, ES_FAULT_UUID},
    {"number 0", f::seq, 0, ES_FAULT_SEQUENCE},
    {"epoch 0", f::epoch, 0, ES_FAULT_SEQUENCE},
    {"epoch of the future", f::epoch, 4, ES_FAULT_EPOCH},
    {"address", f::addr, addr + 1, ES_FAULT_ADDRESS},
    {"extent: chunk behind the origin", f::chunk(0), 1u << 17, ES_FAULT_EXTENT},
    {"extent: chunk wraps", f::chunk(0), ~0ull, ES_FAULT_EXTENT},
    {"extent: no chunks", f::nr(0), 0, ES_FAULT_EXTENT},
    {"extent: over the origin's end", f::nr(1), (1u << 17) - 2000 + 1, ES_FAULT_EXTENT},
    {"extent: unknown flag", f::extent_flags(0), 8, ES_FAULT_EXTENT},
    {"extent: highest flag", f::extent_flags(0), 0x8000, ES_FAULT_EXTENT},
    {"extent: unchecked payload in a snapshot", f::extent_flags(0), ES_EXT_NO_CRC, ES_FAULT_EXTENT},
    {"extent: zero with payload", f::extent_flags(0), ES_EXT_ZERO, ES_FAULT_EXTENT},
    {"extent: bad with payload", f::extent_flags(0), ES_EXT_BAD, ES_FAULT_EXTENT},
    {"extent: zero and bad", f::extent_flags(1), ES_EXT_ZERO | ES_EXT_BAD, ES_FAULT_EXTENT},
    {"extent: zero and unchecked", f::extent_flags(1), ES_EXT_ZERO | ES_EXT_NO_CRC,
     ES_FAULT_EXTENT},
    {"extent: zero with address", f::extent_addr(1), 500, ES_FAULT_EXTENT},
    {"extent: zero with checksum", f::extent_crc(1), 1, ES_FAULT_EXTENT},
    {"extent: payload without address", f::extent_addr(0), 0, ES_FAULT_EXTENT},
    {"extent: payload in the first header", f::extent_addr(0), ES_DATA_BLOCK, ES_FAULT_EXTENT},
    {"extent: payload behind the end", f::extent_addr(0), 1024, ES_FAULT_EXTENT},
    {"extent: payload over the end", f::extent_addr(2), 1023, ES_FAULT_EXTENT},
    {"extent: payload far behind the end", f::extent_addr(0), (1ull << 48) - 1, ES_FAULT_EXTENT},
};

void check_bad(const Block &good, es_block_type type, const BadField &bad) {
    INFO(bad.what);
    Block block = good;
    put(block, bad.field, bad.value);
    fix_crc(block, f::crc);
    CHECK(decode(block, type, sample_sb(), addr) == bad.fault);
}

} // namespace

TEST_CASE("a block with extents is refused for each field that is wrong", "[block]") {
    const auto type = GENERATE(ES_BLOCK_RECORD, ES_BLOCK_SUMMARY, ES_BLOCK_INDEX);
    const Block good = sample(type);
    CAPTURE(type);
    REQUIRE(decode(good, type, sample_sb(), addr) == ES_OK);
    for (const BadField &bad : bad_fields) {
        // The index of an empty store covers no record and has no extent.
        const bool may_be_none = bad.value == 0 && (bad.field.offset == f::seq.offset ||
                                                    bad.field.offset == f::nr_extents.offset);
        if (type != ES_BLOCK_INDEX || !may_be_none)
            check_bad(good, type, bad);
    }
}

TEST_CASE("a record is refused for each field that is wrong in a record only", "[block]") {
    const std::vector<BadField> bad{
        {"position", f::pos, 1, ES_FAULT_COUNT},
        {"payload too long", f::nr_blocks, 4, ES_FAULT_COUNT},
        {"payload too short", f::nr_blocks, 2, ES_FAULT_COUNT},
        {"payload longer than a segment", f::nr_blocks, 65, ES_FAULT_COUNT},
        {"extent: gap before its payload", f::extent_addr(0), 102, ES_FAULT_EXTENT},
        {"extent: overlapping payload", f::extent_addr(2), 101, ES_FAULT_EXTENT},
        {"extent: payload in another place", f::extent_addr(0), 500, ES_FAULT_EXTENT},
        {"extent: more than its payload", f::nr(2), 3, ES_FAULT_COUNT},
    };
    for (const BadField &field : bad)
        check_bad(sample(ES_BLOCK_RECORD), ES_BLOCK_RECORD, field);
}

TEST_CASE("a table block is refused for each field that is wrong in a table only", "[block]") {
    const auto type = GENERATE(ES_BLOCK_SUMMARY, ES_BLOCK_INDEX);
    const std::vector<BadField> bad{
        {"position behind the end", f::pos, 1, ES_FAULT_COUNT},
        {"position far behind the end", f::pos, ~0u, ES_FAULT_COUNT},
        {"table of no blocks", f::nr_blocks, 0, ES_FAULT_COUNT},
    };
    for (const BadField &field : bad)
        check_bad(sample(type), type, field);
}

TEST_CASE("a block of one type is not taken for another", "[block]") {
    for (const auto type : {ES_BLOCK_RECORD, ES_BLOCK_SUMMARY, ES_BLOCK_INDEX})
        for (const auto wanted : {ES_BLOCK_RECORD, ES_BLOCK_SUMMARY, ES_BLOCK_INDEX})
            CHECK(decode(sample(type), wanted, sample_sb(), addr) ==
                  (type == wanted ? ES_OK : ES_FAULT_MAGIC));
}

TEST_CASE("payload is checksummed in snapshots and never in views", "[block]") {
    const es_sb view = sample_view_sb();
    const std::vector<es_extent> unchecked{make_extent(1, 1, addr + 1, 0, ES_EXT_NO_CRC)};
    const Block block = encode(sample_block(view, ES_BLOCK_RECORD, addr, unchecked), unchecked);
    CHECK(decode(block, ES_BLOCK_RECORD, view, addr) == ES_OK);
    CHECK(decode(block, ES_BLOCK_RECORD, sample_sb(), addr) == ES_FAULT_EXTENT);
    CHECK(decode(sample(ES_BLOCK_RECORD), ES_BLOCK_RECORD, view, addr) == ES_FAULT_EXTENT);

    std::vector<es_extent> with_crc = unchecked;
    with_crc[0].crc = 1;
    const Block bad = encode(sample_block(view, ES_BLOCK_RECORD, addr, with_crc), with_crc);
    CHECK(decode(bad, ES_BLOCK_RECORD, view, addr) == ES_FAULT_EXTENT);
}

TEST_CASE("the last, partial chunk of an origin may be copied, none behind it", "[block]") {
    es_sb sb = sample_sb();
    sb.origin_sectors = 8 * 10 + 1;
    for (const std::uint64_t chunk : {9u, 10u, 11u}) {
        const std::vector<es_extent> extents{make_extent(chunk, 1, addr + 1)};
        const Block block = encode(sample_block(sb, ES_BLOCK_RECORD, addr, extents), extents);
        CHECK(decode(block, ES_BLOCK_RECORD, sb, addr) == (chunk < 11 ? ES_OK : ES_FAULT_EXTENT));
    }
}

TEST_CASE("payload may reach the last block of the store", "[block]") {
    const es_sb sb = sample_sb();
    const std::uint64_t at = sb.device_blocks - 3;
    const std::vector<es_extent> extents{make_extent(1, 2, at + 1)};
    const Block block = encode(sample_block(sb, ES_BLOCK_RECORD, at, extents), extents);
    CHECK(decode(block, ES_BLOCK_RECORD, sb, at) == ES_OK);
}

TEST_CASE("every single bit flip in a block with extents is refused", "[block]") {
    const auto type = GENERATE(ES_BLOCK_RECORD, ES_BLOCK_SUMMARY, ES_BLOCK_INDEX);
    Block block = sample(type);
    for (std::size_t bit = 0; bit < ES_BLOCK_SIZE * 8; ++bit) {
        block.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        REQUIRE(decode(block, type, sample_sb(), addr) != ES_OK);
        block.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
    CHECK(decode(block, type, sample_sb(), addr) == ES_OK);
}

TEST_CASE("a refused block writes nothing", "[block]") {
    const Block good = sample(ES_BLOCK_RECORD);
    const es_sb sb = sample_sb();
    std::vector<es_extent> extents(ES_BLOCK_EXTENTS, make_extent(7, 7));
    es_block head{};
    for (const std::size_t len : {0u, 1u, 64u, 4095u})
        CHECK(es_block_decode(&head, extents.data(), good.data(), len, ES_BLOCK_RECORD, &sb,
                              addr) == ES_FAULT_SHORT);
    Block bad = good;
    put(bad, f::nr(2), 0); // the last extent: the others were fine
    fix_crc(bad, f::crc);
    CHECK(es_block_decode(&head, extents.data(), bad.data(), ES_BLOCK_SIZE, ES_BLOCK_RECORD, &sb,
                          addr) == ES_FAULT_EXTENT);
    CHECK(same(head, es_block{}));
    for (const es_extent &e : extents)
        REQUIRE(same(e, make_extent(7, 7)));
}

TEST_CASE("random blocks with extents survive encoding", "[block]") {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        es_sb sb = random_sb(rng);
        sb.state = ES_STATE_ACTIVE;
        const auto type =
            std::array{ES_BLOCK_RECORD, ES_BLOCK_SUMMARY, ES_BLOCK_INDEX}[rng.below(3)];
        const std::uint64_t at = rng.between(ES_DATA_BLOCK, sb.device_blocks - 1);
        const auto nr = static_cast<std::uint32_t>(rng.between(1, ES_BLOCK_EXTENTS));
        const std::vector<es_extent> extents = random_extents(rng, sb, type, at, nr);
        es_block head = sample_block(sb, type, at, extents);
        head.seq = rng.bits() | 1;
        head.prev_crc = static_cast<std::uint32_t>(rng.bits());
        es_block found{};
        std::vector<es_extent> found_extents;
        const Block block = encode(head, extents);
        REQUIRE(decode(block, type, sb, at, &found, &found_extents) == ES_OK);
        REQUIRE(same(found, head));
        REQUIRE(same(found_extents, extents));
        REQUIRE(found.crc == get(block, f::crc));
    }
}

// --- index ---

namespace {

/** An index of 170 one-chunk extents at block 200. */
struct SampleIndex {
    es_sb sb = sample_sb();
    es_log log{};
    std::vector<es_extent> extents;

    SampleIndex() {
        sb.state = ES_STATE_SEALED;
        sb.index_addr = 200;
        sb.index_blocks = 2;
        sb.index_extents = 170;
        es_log_init(&log, &sb);
        log.seq = 9;
        for (std::uint32_t i = 0; i < 170; ++i)
            extents.push_back(make_extent(2 * i, 1, 17 + i, i));
    }

    Block block(std::uint32_t pos) const {
        Block out;
        const std::uint32_t first = pos * ES_BLOCK_EXTENTS;
        const auto nr = static_cast<std::uint32_t>(extents.size()) - first;
        es_log_index(&log, sb.index_addr, sb.index_blocks, pos, extents.data() + first,
                     std::min(nr, ES_BLOCK_EXTENTS), out.data());
        return out;
    }

    es_fault check(std::uint32_t pos, const Block &block, std::uint64_t prev_end = 0) const {
        std::array<es_extent, ES_BLOCK_EXTENTS> found{};
        u64 end = prev_end;
        u32 nr = 0;
        const es_fault fault = es_index_check(&sb, pos, block.data(), &end, found.data(), &nr);
        CHECK(end == (fault != ES_OK ? prev_end : es_extent_end(&found[nr - 1])));
        if (fault == ES_OK)
            CHECK(same(std::span(extents).subspan(pos * ES_BLOCK_EXTENTS, nr),
                       std::span(found).first(nr)));
        return fault;
    }
};

} // namespace

TEST_CASE("an index is read back block by block", "[index]") {
    const SampleIndex index;
    CHECK(index.check(0, index.block(0)) == ES_OK);
    CHECK(index.check(1, index.block(1), 335) == ES_OK);
}

TEST_CASE("an index is refused when a block is wrong or out of order", "[index]") {
    SampleIndex index;
    CHECK(index.check(1, index.block(0)) == ES_FAULT_ADDRESS);
    CHECK(index.check(1, index.block(1), 337) == ES_FAULT_INDEX); // overlaps the block before
    std::swap(index.extents[3], index.extents[4]);
    CHECK(index.check(0, index.block(0)) == ES_FAULT_INDEX);
    std::swap(index.extents[3], index.extents[4]);
    index.extents[3].nr = 3; // overlaps its successor
    CHECK(index.check(0, index.block(0)) == ES_FAULT_INDEX);
    index.extents[3].nr = 2;
    CHECK(index.check(0, index.block(0)) == ES_OK);
}

TEST_CASE("an index is refused when its counts are not the superblock's", "[index]") {
    SampleIndex index;
    Block block = index.block(1);
    put(block, f::nr_extents, 1);
    fix_crc(block, f::crc);
    CHECK(index.check(1, block, 335) == ES_FAULT_COUNT);
    block = index.block(0);
    put(block, f::nr_blocks, 3);
    fix_crc(block, f::crc);
    CHECK(index.check(0, block) == ES_FAULT_COUNT);
    block = index.block(0);
    put(block, f::pos, 1);
    fix_crc(block, f::crc);
    CHECK(index.check(0, block) == ES_FAULT_COUNT);
}

TEST_CASE("an empty store has an index of one empty block", "[index]") {
    es_sb sb = sample_sb();
    sb.state = ES_STATE_SEALED;
    sb.index_addr = ES_DATA_BLOCK;
    sb.index_blocks = 1;
    REQUIRE(decode(encode(sb)) == ES_OK);
    es_log log{};
    es_log_init(&log, &sb);
    Block block;
    es_log_index(&log, sb.index_addr, 1, 0, nullptr, 0, block.data());
    std::array<es_extent, ES_BLOCK_EXTENTS> found{};
    u64 end = 0;
    u32 nr = 99;
    CHECK(es_index_check(&sb, 0, block.data(), &end, found.data(), &nr) == ES_OK);
    CHECK(nr == 0);
}
