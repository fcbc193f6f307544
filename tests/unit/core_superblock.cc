// SPDX-License-Identifier: GPL-2.0-only
//
// Superblock: one test per field that can be wrong, bit flips, short buffers, round trips.

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/core_values.h"

using namespace esnap::test;
namespace f = sb_field;

namespace {

const std::vector<BadField> bad_fields{
    {"magic", f::magic, 0x1122334455667788, ES_FAULT_MAGIC},
    {"version 0", f::version, 0, ES_FAULT_VERSION},
    {"version 2", f::version, 2, ES_FAULT_VERSION},
    {"incompatible feature", f::incompat, 1ull << 63, ES_FAULT_FEATURE},
    {"another incompatible feature", f::incompat, 3, ES_FAULT_FEATURE},
    {"journal's feature without a journal", f::incompat, 1, ES_FAULT_JOURNAL_FIELD},
    {"journal without its feature", f::journal_uuid, 1, ES_FAULT_JOURNAL_FIELD},
    {"kind 0", f::kind, 0, ES_FAULT_KIND},
    {"kind 4", f::kind, 4, ES_FAULT_KIND},
    {"journal", f::kind, ES_KIND_JOURNAL, ES_FAULT_JOURNAL},
    {"state 0", f::state, 0, ES_FAULT_STATE},
    {"state 5", f::state, 5, ES_FAULT_STATE},
    {"state 65537", f::state, 65537, ES_FAULT_STATE},
    {"flags", f::flags, ES_SB_KNOWN_FLAGS + 1, ES_FAULT_STATE},
    {"the last epoch", f::epoch, 0xffffffff, ES_FAULT_STATE},
    {"the last generation", f::generation, ~0ull, ES_FAULT_STATE},
    {"serial 0", f::serial, 0, ES_FAULT_SERIAL},
    {"no snapshot", f::nr_snapshots, 0, ES_FAULT_SERIAL},
    {"two snapshots", f::nr_snapshots, 2, ES_FAULT_SERIAL},
    {"chunk size 0", f::chunk_sectors, 0, ES_FAULT_CHUNK_SIZE},
    {"chunk size 4", f::chunk_sectors, 4, ES_FAULT_CHUNK_SIZE},
    {"chunk size 24", f::chunk_sectors, 24, ES_FAULT_CHUNK_SIZE},
    {"chunk size 4096", f::chunk_sectors, 4096, ES_FAULT_CHUNK_SIZE},
    {"segment 3", f::segment_blocks, 3, ES_FAULT_SEGMENT_SIZE},
    {"segment too big", f::segment_blocks, ES_MAX_SEGMENT_BLOCKS + 1, ES_FAULT_SEGMENT_SIZE},
    {"device 18", f::device_blocks, 18, ES_FAULT_DEVICE_SIZE},
    {"device too big", f::device_blocks, ES_MAX_DEVICE_BLOCKS + 1, ES_FAULT_DEVICE_SIZE},
    {"origin 0", f::origin_sectors, 0, ES_FAULT_ORIGIN_SIZE},
    {"origin too big", f::origin_sectors, ES_MAX_ORIGIN_SECTORS + 1, ES_FAULT_ORIGIN_SIZE},
    {"block size 0", f::origin_lbs, 0, ES_FAULT_ORIGIN_LBS},
    {"block size 256", f::origin_lbs, 256, ES_FAULT_ORIGIN_LBS},
    {"block size 1536", f::origin_lbs, 1536, ES_FAULT_ORIGIN_LBS},
    {"block size 8192", f::origin_lbs, 8192, ES_FAULT_ORIGIN_LBS},
    {"33 samples", f::fp_nr, ES_FP_SAMPLES + 1, ES_FAULT_COUNT},
    {"fingerprint size", f::fp_sectors, ES_MAX_ORIGIN_SECTORS + 1, ES_FAULT_COUNT},
};

const std::vector<BadField> bad_index_fields{
    {"in the superblocks", f::index_addr, ES_DATA_BLOCK - 1, ES_FAULT_INDEX},
    {"behind the end", f::index_addr, 1024, ES_FAULT_INDEX},
    {"over the end", f::index_addr, 1023, ES_FAULT_INDEX},
    {"address wraps", f::index_addr, ~0ull, ES_FAULT_INDEX},
    {"too many blocks", f::index_blocks, 925, ES_FAULT_INDEX},
    {"a block missing", f::index_blocks, 1, ES_FAULT_COUNT},
    {"no block", f::index_blocks, 0, ES_FAULT_COUNT},
    {"extents", f::index_extents, 168, ES_FAULT_COUNT},
    {"one extent too many", f::index_extents, 337, ES_FAULT_COUNT},
};

const std::vector<BadField> bad_map_fields{
    {"in the superblocks", f::map_addr, ES_DATA_BLOCK - 1, ES_FAULT_CHUNK_MAP},
    {"no address", f::map_addr, 0, ES_FAULT_CHUNK_MAP},
    {"behind the end", f::map_addr, 1024, ES_FAULT_CHUNK_MAP},
    {"address wraps", f::map_addr, ~0ull, ES_FAULT_CHUNK_MAP},
    {"no block", f::map_blocks, 0, ES_FAULT_CHUNK_MAP},
    {"a block too many", f::map_blocks, 2, ES_FAULT_CHUNK_MAP},
    {"a segment behind it", f::map_segment, 9, ES_FAULT_CHUNK_MAP},
    {"segment wraps", f::map_segment, ~0ull, ES_FAULT_CHUNK_MAP},
    {"payload", f::map_payload_blocks, 1025, ES_FAULT_CHUNK_MAP},
    {"attached", f::flags, ES_SB_ATTACHED, ES_FAULT_CHUNK_MAP},
    {"never attached", f::epoch, 0, ES_FAULT_CHUNK_MAP},
    {"of a view", f::kind, ES_KIND_VIEW, ES_FAULT_CHUNK_MAP},
};

/** Cleanly detached, with a chunk map of one block. */
es_sb mapped_sb() {
    es_sb sb = sample_sb();
    sb.flags = 0;
    sb.epoch = 2;
    sb.segment_blocks = 64;
    sb.device_blocks = 1024;
    sb.origin_sectors = 80000;
    std::fill_n(sb.link_uuid, ES_UUID_SIZE, std::uint8_t{1});
    sb.map = {.addr = ES_DATA_BLOCK + 8 * 64,
              .blocks = 1,
              .crc = 77,
              .segment = 7,
              .extents = 9,
              .payload_blocks = 500};
    return sb;
}

es_sb sealed_sb() {
    es_sb sb = sample_sb();
    sb.state = ES_STATE_SEALED;
    sb.index_addr = 100;
    sb.index_blocks = 2;
    sb.index_extents = 336;
    return sb;
}

} // namespace

TEST_CASE("a superblock is refused for each field that is wrong", "[superblock]") {
    for (const BadField &bad : bad_fields) {
        INFO(bad.what);
        Block block = encode(sample_sb());
        REQUIRE(decode(block) == ES_OK);
        put(block, bad.field, bad.value);
        fix_crc(block, f::crc);
        CHECK(decode(block) == bad.fault);
    }
}

TEST_CASE("a sealed superblock is refused for each wrong index field", "[superblock]") {
    for (const BadField &bad : bad_index_fields) {
        INFO(bad.what);
        Block block = encode(sealed_sb());
        REQUIRE(decode(block) == ES_OK);
        put(block, bad.field, bad.value);
        fix_crc(block, f::crc);
        CHECK(decode(block) == bad.fault);
    }
}

TEST_CASE("a superblock with a chunk map is refused for each wrong field", "[superblock]") {
    const es_sb good = mapped_sb();
    REQUIRE(es_chunkmap_blocks(&good) == 1);
    for (const BadField &bad : bad_map_fields) {
        INFO(bad.what);
        Block block = encode(mapped_sb());
        REQUIRE(decode(block) == ES_OK);
        put(block, bad.field, bad.value);
        fix_crc(block, f::crc);
        CHECK(decode(block) == bad.fault);
    }
    Block block = encode(sample_sb());
    put(block, f::map_extents, 1);
    fix_crc(block, f::crc);
    CHECK(decode(block) == ES_FAULT_CHUNK_MAP);
}

TEST_CASE("blocks of a chunk map", "[superblock]") {
    std::vector<u64> words(ES_CHUNKMAP_CHUNKS / 64, 0xfedcba9876543210);
    for (const u32 chunks : {1U, 63U, 64U, 65U, 1000U, ES_CHUNKMAP_CHUNKS}) {
        Block block;
        std::vector<u64> found(words.size(), 1);
        es_chunkmap_encode(words.data(), chunks, block.data());
        REQUIRE(es_chunkmap_decode(block.data(), found.data(), chunks));
        for (u32 i = 0; i < chunks; ++i)
            REQUIRE((found[i / 64] >> i % 64 & 1) == (words[i / 64] >> i % 64 & 1));
        if (chunks == ES_CHUNKMAP_CHUNKS)
            continue;
        block.bytes[chunks / 8] |= static_cast<std::uint8_t>(1 << chunks % 8);
        CHECK_FALSE(es_chunkmap_decode(block.data(), found.data(), chunks));
    }
    Block block;
    words[0] = 0x8000000000000102;
    es_chunkmap_encode(words.data(), 64, block.data());
    CHECK(block.bytes[0] == 0x02); // the first chunk is the lowest bit of the first byte
    CHECK(block.bytes[1] == 0x01);
    CHECK(block.bytes[7] == 0x80);
}

TEST_CASE("a count of index extents that wraps is refused", "[superblock]") {
    for (std::uint64_t extents = ~0ull - 400; extents != 0; ++extents) {
        Block block = encode(sealed_sb());
        put(block, f::index_blocks, 0);
        put(block, f::index_extents, extents);
        fix_crc(block, f::crc);
        REQUIRE(decode(block) == ES_FAULT_COUNT);
    }
}

TEST_CASE("a superblock needs its uuids", "[superblock]") {
    es_sb sb = sample_view_sb();
    const std::string which = GENERATE("store", "chain", "link");
    CAPTURE(which);
    auto *uuid = which == "store" ? sb.store_uuid : which == "chain" ? sb.chain_uuid : sb.link_uuid;
    std::fill_n(uuid, ES_UUID_SIZE, std::uint8_t{0});
    CHECK(decode(encode(sb)) == ES_FAULT_UUID);
    sb.kind = ES_KIND_SNAPSHOT; // the first of a chain has no older one
    CHECK(decode(encode(sb)) == (which == "link" ? ES_OK : ES_FAULT_UUID));
}

TEST_CASE("the store of a snapshot, and no other, may name a journal", "[superblock]") {
    es_sb sb = sample_sb();
    std::fill_n(sb.journal_uuid, ES_UUID_SIZE, std::uint8_t{7});
    es_sb found{};
    CHECK(get(encode(sb), f::incompat) == 1);
    REQUIRE(decode(encode(sb), &found) == ES_OK);
    CHECK(same(sb, found));
    sb.kind = ES_KIND_VIEW;
    CHECK(decode(encode(sb)) == ES_FAULT_JOURNAL_FIELD);
}

TEST_CASE("a fingerprint samples blocks of the origin only", "[superblock]") {
    es_sb sb = sample_sb();
    sb.fp.nr = ES_FP_SAMPLES;
    sb.fp.sectors = 17; // two blocks and a bit
    for (auto &sample : sb.fp.sample)
        sample.block = 2;
    CHECK(decode(encode(sb)) == ES_OK);
    sb.fp.sample[ES_FP_SAMPLES - 1].block = 3;
    CHECK(decode(encode(sb)) == ES_FAULT_COUNT);
    sb.fp.sample[ES_FP_SAMPLES - 1].block = ~0ull;
    CHECK(decode(encode(sb)) == ES_FAULT_COUNT);
}

TEST_CASE("geometry bounds of a superblock", "[superblock]") {
    es_sb sb = sample_sb();
    sb.chunk_sectors = ES_MAX_CHUNK_SECTORS;
    sb.segment_blocks = 514;
    sb.device_blocks = 16 + 2 + 256;
    CHECK(es_min_device_blocks(sb.chunk_sectors) == sb.device_blocks);
    CHECK(decode(encode(sb)) == ES_OK);
    --sb.segment_blocks;
    CHECK(decode(encode(sb)) == ES_FAULT_SEGMENT_SIZE);
    for (std::uint32_t chunk = 8; chunk <= 2048; chunk *= 2) {
        sb.chunk_sectors = chunk;
        sb.segment_blocks = es_default_segment_blocks(chunk);
        CHECK(decode(encode(sb)) == ES_OK);
    }
}

TEST_CASE("unknown compatible features and spare bytes are let through", "[superblock]") {
    Block block = encode(sample_sb());
    put(block, f::compat, ~0ull);
    block.bytes[ES_BLOCK_SIZE - 1] = 1;
    fix_crc(block, f::crc);
    CHECK(decode(block) == ES_OK);
}

TEST_CASE("every single bit flip in a superblock is refused", "[superblock]") {
    Block block = encode(sample_sb());
    for (std::size_t bit = 0; bit < ES_BLOCK_SIZE * 8; ++bit) {
        block.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        REQUIRE(decode(block) != ES_OK);
        block.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
    CHECK(decode(block) == ES_OK);
}

TEST_CASE("a short or blank superblock buffer is refused, and nothing is written", "[superblock]") {
    const Block block = encode(sample_sb());
    es_sb out = sealed_sb();
    for (const std::size_t len : {0u, 1u, 512u, 4095u})
        CHECK(es_sb_decode(&out, block.data(), len) == ES_FAULT_SHORT);
    CHECK(decode(Block{}, &out) == ES_FAULT_BLANK);
    Block bad = block;
    put(bad, f::serial, 0);
    fix_crc(bad, f::crc);
    CHECK(decode(bad, &out) == ES_FAULT_SERIAL);
    CHECK(same(out, sealed_sb()));
}

TEST_CASE("random superblocks survive encoding", "[superblock]") {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        const es_sb sb = random_sb(rng);
        es_sb found{};
        REQUIRE(decode(encode(sb), &found) == ES_OK);
        REQUIRE(same(sb, found));
        REQUIRE(encode(found) == encode(sb));
    }
}

namespace {

es_fault pick(const Block &a, const Block &b, std::uint64_t *generation = nullptr) {
    es_sb sb{};
    u64 from = 99;
    const es_fault fault = es_sb_pick(&sb, a.data(), b.data(), &from);
    if (fault == ES_OK)
        CHECK(from == es_sb_addr(sb.generation));
    if (generation != nullptr)
        *generation = sb.generation;
    return fault;
}

Block with_generation(std::uint64_t generation) {
    es_sb sb = sample_sb();
    sb.generation = generation;
    return encode(sb);
}

} // namespace

TEST_CASE("the newer valid copy of the superblock counts", "[superblock]") {
    std::uint64_t generation = 0;
    CHECK(pick(with_generation(4), with_generation(5), &generation) == ES_OK);
    CHECK(generation == 5);
    CHECK(pick(with_generation(6), with_generation(5), &generation) == ES_OK);
    CHECK(generation == 6);
    Block torn = with_generation(7);
    torn.bytes[600] ^= 1;
    CHECK(pick(with_generation(6), torn, &generation) == ES_OK);
    CHECK(generation == 6);
    torn = with_generation(8);
    torn.bytes[600] ^= 1;
    CHECK(pick(torn, with_generation(7), &generation) == ES_OK);
    CHECK(generation == 7);
}

TEST_CASE("a superblock copy in the other one's place does not count", "[superblock]") {
    CHECK(pick(with_generation(5), Block{}) == ES_FAULT_ADDRESS);
    CHECK(pick(Block{}, with_generation(4)) == ES_FAULT_ADDRESS);
    std::uint64_t generation = 0;
    CHECK(pick(with_generation(7), with_generation(5), &generation) == ES_OK);
    CHECK(generation == 5);
}

TEST_CASE("without a valid copy the fault that says more is reported", "[superblock]") {
    Block garbage;
    garbage.bytes.fill(0x5a);
    Block torn = with_generation(4);
    torn.bytes[600] ^= 1;
    Block future = with_generation(4);
    put(future, f::version, 9);
    fix_crc(future, f::crc);

    CHECK(pick(Block{}, Block{}) == ES_FAULT_BLANK);
    CHECK(pick(garbage, Block{}) == ES_FAULT_MAGIC);
    CHECK(pick(Block{}, garbage) == ES_FAULT_MAGIC);
    CHECK(pick(Block{}, torn) == ES_FAULT_CRC);
    CHECK(pick(garbage, torn) == ES_FAULT_CRC);
    CHECK(pick(torn, Block{}) == ES_FAULT_CRC);
    CHECK(pick(future, torn) == ES_FAULT_VERSION);
}

TEST_CASE("a sound copy of a newer format is not passed over", "[superblock]") {
    Block version = with_generation(8), feature = with_generation(8);
    put(version, f::version, 2);
    fix_crc(version, f::crc);
    put(feature, f::incompat, 1ull << 63);
    fix_crc(feature, f::crc);

    CHECK(pick(version, with_generation(7)) == ES_FAULT_VERSION);
    CHECK(pick(feature, with_generation(7)) == ES_FAULT_FEATURE);
    CHECK(pick(with_generation(6), feature) == ES_FAULT_FEATURE);
    put(version, f::version, 3); // torn: says nothing
    CHECK(pick(version, with_generation(7)) == ES_OK);
}

TEST_CASE("a device smaller than its superblock says is refused", "[superblock]") {
    const es_sb sb = sample_sb();
    CHECK(es_sb_check_device(&sb, 1024) == ES_OK);
    CHECK(es_sb_check_device(&sb, 5000) == ES_OK);
    CHECK(es_sb_check_device(&sb, 1023) == ES_FAULT_DEVICE_SHRANK);
}

TEST_CASE("every fault has a text of its own", "[superblock]") {
    std::vector<std::string> texts;
    for (int fault = 0; fault < ES_FAULT_NR; ++fault) {
        const std::string text = es_fault_text(static_cast<es_fault>(fault));
        CHECK(text != "unknown fault");
        CHECK(std::find(texts.begin(), texts.end(), text) == texts.end());
        texts.push_back(text);
    }
    CHECK(std::string(es_fault_text(ES_FAULT_NR)) == "unknown fault");
}
