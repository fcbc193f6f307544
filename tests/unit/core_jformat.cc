// SPDX-License-Identifier: GPL-2.0-only
//
// A journal's superblock and records: one test per field that can be wrong, bit flips, short
// buffers, round trips.

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/journal_values.h"

using namespace esnap::test;
namespace f = jsb_field;
namespace r = jrec_field;

namespace {

es_fault decode_sb(const Block &block) {
    es_jsb sb{};
    return decode(block, &sb);
}

const std::vector<BadField> bad_sb_fields{
    {"magic", f::magic, 0x1122334455667788, ES_FAULT_MAGIC},
    {"version 0", f::version, 0, ES_FAULT_VERSION},
    {"version 2", f::version, 2, ES_FAULT_VERSION},
    {"incompatible feature", f::incompat, 1, ES_FAULT_FEATURE},
    {"kind 0", f::kind, 0, ES_FAULT_KIND},
    {"kind 4", f::kind, 4, ES_FAULT_KIND},
    {"a snapshot's", f::kind, ES_KIND_SNAPSHOT, ES_FAULT_NOT_JOURNAL},
    {"a view's", f::kind, ES_KIND_VIEW, ES_FAULT_NOT_JOURNAL},
    {"state 0", f::state, 0, ES_FAULT_STATE},
    {"state 3", f::state, 3, ES_FAULT_STATE},
    {"state 65537", f::state, 65537, ES_FAULT_STATE},
    {"flags", f::flags, ES_JSB_KNOWN_FLAGS + 1, ES_FAULT_STATE},
    {"attached, but never was", f::epoch, 0, ES_FAULT_STATE},
    {"the last epoch", f::epoch, 0xffffffff, ES_FAULT_STATE},
    {"the last generation", f::generation, ~0ull, ES_FAULT_STATE},
    {"too small", f::device_blocks, ES_JOURNAL_MIN_BLOCKS - 1, ES_FAULT_JOURNAL_SIZE},
    {"too big", f::device_blocks, ES_MAX_DEVICE_BLOCKS + 1, ES_FAULT_JOURNAL_SIZE},
    {"block size 0", f::origin_lbs, 0, ES_FAULT_ORIGIN_LBS},
    {"block size 256", f::origin_lbs, 256, ES_FAULT_ORIGIN_LBS},
    {"block size 1536", f::origin_lbs, 1536, ES_FAULT_ORIGIN_LBS},
    {"block size 8192", f::origin_lbs, 8192, ES_FAULT_ORIGIN_LBS},
    {"tail 0", f::tail_seq, 0, ES_FAULT_SEQUENCE},
    {"not attached, tail is not the head", f::flags, 0, ES_FAULT_SEQUENCE},
    {"a tail that nobody reaches", f::tail_seq, ES_JOURNAL_MAX_SEQ + 1, ES_FAULT_SEQUENCE},
    {"needed that nobody reaches", f::needed_seq, ES_JOURNAL_MAX_SEQ + 1, ES_FAULT_SEQUENCE},
    {"number 0", f::next_lsn, 0, ES_FAULT_COUNT},
    {"a number that nobody reaches", f::next_lsn, ES_JOURNAL_MAX_SEQ + 1, ES_FAULT_COUNT},
    {"no mark", f::nr_marks, 0, ES_FAULT_COUNT},
    {"33 marks", f::nr_marks, ES_JOURNAL_MARKS + 1, ES_FAULT_COUNT},
    {"a mark of zeros", f::nr_marks, 4, ES_FAULT_JOURNAL_POS},
    {"needed in the superblocks", f::needed_addr, ES_DATA_BLOCK - 1, ES_FAULT_JOURNAL_POS},
    {"needed behind the end", f::needed_addr, 2048, ES_FAULT_JOURNAL_POS},
    {"needed wraps", f::needed_addr, ~0ull, ES_FAULT_JOURNAL_POS},
    {"needed is a mark's place", f::needed_addr, 900, ES_FAULT_JOURNAL_POS},
    {"needed before a mark", f::needed_addr, 899, ES_FAULT_JOURNAL_POS},
    {"needed where the history begins", f::needed_addr, 16, ES_FAULT_JOURNAL_POS},
    {"needed 0", f::needed_seq, 0, ES_FAULT_JOURNAL_POS},
    {"needed is a mark's number", f::needed_seq, 35, ES_FAULT_JOURNAL_POS},
    {"more records than blocks", f::needed_seq, 136, ES_FAULT_JOURNAL_POS},
    {"history in the superblocks", f::mark_addr(0), 15, ES_FAULT_JOURNAL_POS},
    {"history behind the end", f::mark_addr(0), 2048, ES_FAULT_JOURNAL_POS},
    {"history of record 0", f::mark_seq(0), 0, ES_FAULT_JOURNAL_POS},
    {"the first with a predecessor", f::mark_crc(0), 1, ES_FAULT_JOURNAL_POS},
    {"a mark in the superblocks", f::mark_addr(1), 0, ES_FAULT_JOURNAL_POS},
    {"a mark out of order", f::mark_addr(1), 901, ES_FAULT_JOURNAL_POS},
    {"two marks in a place", f::mark_addr(1), 16, ES_FAULT_JOURNAL_POS},
    {"numbers fall", f::mark_seq(2), 20, ES_FAULT_JOURNAL_POS},
    {"times fall", f::mark_time(2), 1, ES_FAULT_JOURNAL_TIME},
};

const std::vector<BadField> bad_record_fields{
    {"magic", r::magic, 0x63725345, ES_FAULT_MAGIC},
    {"version", r::version, 2, ES_FAULT_VERSION},
    {"type 0", r::type, 0, ES_FAULT_JOURNAL_TYPE},
    {"type 3", r::type, 3, ES_FAULT_JOURNAL_TYPE},
    {"padding in the middle", r::type, ES_JREC_PAD, ES_FAULT_COUNT},
    {"no entry", r::nr_entries, 0, ES_FAULT_COUNT},
    {"too many entries", r::nr_entries, ES_JREC_ENTRIES + 1, ES_FAULT_COUNT},
    {"an entry of zeros", r::nr_entries, 6, ES_FAULT_JOURNAL_ENTRY},
    {"an entry less", r::nr_entries, 4, ES_FAULT_COUNT},
    {"uuid", r::journal_uuid, 1, ES_FAULT_UUID},
    {"number 0", r::seq, 0, ES_FAULT_SEQUENCE},
    {"the first with a predecessor", r::seq, 1, ES_FAULT_SEQUENCE},
    {"before what it needs", r::seq, 34, ES_FAULT_JOURNAL_POS},
    {"is what it needs, elsewhere", r::seq, 35, ES_FAULT_JOURNAL_POS},
    {"more records than blocks", r::seq, 136, ES_FAULT_JOURNAL_POS},
    {"epoch 0", r::epoch, 0, ES_FAULT_SEQUENCE},
    {"epoch to come", r::epoch, 4, ES_FAULT_EPOCH},
    {"address", r::addr, 999, ES_FAULT_ADDRESS},
    {"a block less", r::nr_blocks, 3, ES_FAULT_COUNT},
    {"a block more", r::nr_blocks, 5, ES_FAULT_COUNT},
    {"too long", r::nr_blocks, ES_JOURNAL_MAX_RECORD, ES_FAULT_JOURNAL_POS},
    {"absurdly long", r::nr_blocks, 0xffffffff, ES_FAULT_JOURNAL_POS},
    {"entry number 0", r::lsn, 0, ES_FAULT_COUNT},
    {"entry numbers wrap", r::lsn, ~0ull - 4, ES_FAULT_COUNT},
    {"time", r::time, 105, ES_FAULT_JOURNAL_TIME},
    {"needed in the superblocks", r::needed_addr, 15, ES_FAULT_JOURNAL_POS},
    {"needed behind the end", r::needed_addr, 2048, ES_FAULT_JOURNAL_POS},
    {"needed 0", r::needed_seq, 0, ES_FAULT_JOURNAL_POS},
    {"needed to come", r::needed_seq, 41, ES_FAULT_JOURNAL_POS},
    {"needs itself, elsewhere", r::needed_seq, 40, ES_FAULT_JOURNAL_POS},
    {"sector behind any origin", r::sector(0), ES_MAX_ORIGIN_SECTORS, ES_FAULT_JOURNAL_ENTRY},
    {"over the end", r::sector(0), ES_MAX_ORIGIN_SECTORS - 8, ES_FAULT_JOURNAL_ENTRY},
    {"sector wraps", r::sector(0), ~0ull, ES_FAULT_JOURNAL_ENTRY},
    {"empty write", r::nr(0), 0, ES_FAULT_JOURNAL_ENTRY},
    {"longer payload", r::nr(0), 17, ES_FAULT_COUNT},
    {"payload wraps", r::nr(0), 0xffffffff, ES_FAULT_COUNT},
    {"times fall", r::entry_time(1), 99, ES_FAULT_JOURNAL_TIME},
    {"op 0", r::op(0), 0, ES_FAULT_JOURNAL_ENTRY},
    {"op 5", r::op(0), 5, ES_FAULT_JOURNAL_ENTRY},
    {"flags", r::entry_flags(0), ES_JENT_KNOWN_FLAGS + 1, ES_FAULT_JOURNAL_ENTRY},
    {"zeroes with a crc", r::entry_crc(1), 1, ES_FAULT_JOURNAL_ENTRY},
    {"discard with a crc", r::entry_crc(2), 1, ES_FAULT_JOURNAL_ENTRY},
    {"empty discard", r::nr(2), 0, ES_FAULT_JOURNAL_ENTRY},
    {"flush with a sector", r::sector(3), 1, ES_FAULT_JOURNAL_ENTRY},
    {"flush with a length", r::nr(3), 1, ES_FAULT_JOURNAL_ENTRY},
    {"flush with a crc", r::entry_crc(3), 1, ES_FAULT_JOURNAL_ENTRY},
    {"flush with a flag", r::entry_flags(3), 1, ES_FAULT_JOURNAL_ENTRY},
};

const std::vector<BadField> bad_pad_fields{
    {"with an entry", r::nr_entries, 1, ES_FAULT_COUNT},
    {"does not reach the end", r::nr_blocks, 46, ES_FAULT_COUNT},
    {"over the end", r::nr_blocks, 48, ES_FAULT_JOURNAL_POS},
    {"no padding", r::type, ES_JREC_DATA, ES_FAULT_COUNT},
};

} // namespace

TEST_CASE("a journal's superblock is refused for each field that is wrong", "[journal]") {
    for (const BadField &bad : bad_sb_fields) {
        INFO(bad.what);
        Block block = encode(sample_jsb());
        REQUIRE(decode_sb(block) == ES_OK);
        put(block, bad.field, bad.value);
        fix_crc(block, f::crc);
        CHECK(decode_sb(block) == bad.fault);
    }
}

TEST_CASE("a journal needs its uuids", "[journal]") {
    for (const bool journal : {true, false}) {
        es_jsb sb = sample_jsb();
        std::fill_n(journal ? sb.journal_uuid : sb.chain_uuid, ES_UUID_SIZE, std::uint8_t{0});
        CHECK(decode_sb(encode(sb)) == ES_FAULT_UUID);
    }
}

TEST_CASE("the only mark of a journal may be what is needed", "[journal]") {
    es_jsb sb = sample_jsb();
    sb.nr_marks = 1;
    sb.mark[0].pos = sb.needed;
    CHECK(decode_sb(encode(sb)) == ES_OK);
    ++sb.mark[0].pos.addr;
    CHECK(decode_sb(encode(sb)) == ES_FAULT_JOURNAL_POS);
    sb.mark[0].pos = sb.needed;
    ++sb.mark[0].pos.prev_crc;
    CHECK(decode_sb(encode(sb)) == ES_FAULT_JOURNAL_POS);
    sb = sample_jsb(); // one of several may not
    sb.mark[2].pos = sb.needed;
    CHECK(decode_sb(encode(sb)) == ES_FAULT_JOURNAL_POS);
}

TEST_CASE("a journal's history may go around the ring's end, once", "[journal]") {
    es_jsb sb = sample_jsb();
    sb.mark[0].pos = {.addr = 1500, .seq = 10, .prev_crc = 1};
    CHECK(decode_sb(encode(sb)) == ES_OK);
    sb.mark[0].pos.addr = 950; // between the last mark and what is needed
    CHECK(decode_sb(encode(sb)) == ES_FAULT_JOURNAL_POS);
}

TEST_CASE("stores and journals are told from each other", "[journal]") {
    es_jsb journal{};
    es_sb store{};
    CHECK(decode(encode(sample_jsb()), &store) == ES_FAULT_JOURNAL);
    CHECK(decode(encode(sample_sb()), &journal) == ES_FAULT_NOT_JOURNAL);
    es_sb named = sample_sb();
    named.journal_uuid[0] = 1; // its feature bit must not hide what it is
    CHECK(decode(encode(named), &journal) == ES_FAULT_NOT_JOURNAL);
}

TEST_CASE("every single bit flip in a journal's superblock is refused", "[journal]") {
    Block block = encode(sample_jsb());
    for (std::size_t bit = 0; bit < ES_BLOCK_SIZE * 8; ++bit) {
        block.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        REQUIRE(decode_sb(block) != ES_OK);
        block.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
    CHECK(decode_sb(block) == ES_OK);
}

TEST_CASE("a refused journal superblock writes nothing", "[journal]") {
    es_jsb out = fresh_jsb();
    const Block block = encode(sample_jsb());
    for (const std::size_t len : {0u, 1u, 512u, 4095u})
        CHECK(es_jsb_decode(&out, block.data(), len) == ES_FAULT_SHORT);
    CHECK(decode(Block{}, &out) == ES_FAULT_BLANK);
    Block bad = block;
    put(bad, f::mark_time(2), 1);
    fix_crc(bad, f::crc);
    CHECK(decode(bad, &out) == ES_FAULT_JOURNAL_TIME);
    CHECK(same(out, fresh_jsb()));
}

TEST_CASE("unknown compatible features of a journal are let through", "[journal]") {
    Block block = encode(sample_jsb());
    put(block, f::compat, ~0ull);
    block.bytes[ES_BLOCK_SIZE - 1] = 1;
    fix_crc(block, f::crc);
    CHECK(decode_sb(block) == ES_OK);
}

TEST_CASE("random journal superblocks survive encoding", "[journal]") {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        const es_jsb sb = random_jsb(rng);
        es_jsb found{};
        REQUIRE(decode(encode(sb), &found) == ES_OK);
        REQUIRE(same(sb, found));
        REQUIRE(encode(found) == encode(sb));
    }
}

TEST_CASE("the newer valid copy of a journal's superblock counts", "[journal]") {
    const auto copy = [](std::uint64_t generation) {
        es_jsb sb = sample_jsb();
        sb.generation = generation;
        return encode(sb);
    };
    const auto pick = [](const Block &a, const Block &b, std::uint64_t generation) {
        es_jsb sb{};
        u64 from = 99;
        const es_fault fault = es_jsb_pick(&sb, a.data(), b.data(), &from);
        if (fault == ES_OK)
            CHECK((sb.generation == generation && from == es_sb_addr(generation)));
        return fault;
    };
    Block torn = copy(7);
    torn.bytes[600] ^= 1;
    CHECK(pick(copy(4), copy(5), 5) == ES_OK);
    CHECK(pick(copy(6), copy(5), 6) == ES_OK);
    CHECK(pick(copy(6), torn, 6) == ES_OK);
    CHECK(pick(copy(7), copy(5), 5) == ES_OK);
    CHECK(pick(copy(5), Block{}, 0) == ES_FAULT_ADDRESS);
    CHECK(pick(Block{}, Block{}, 0) == ES_FAULT_BLANK);
    CHECK(pick(Block{}, torn, 0) == ES_FAULT_CRC);
    CHECK(pick(encode(sample_sb()), Block{}, 0) == ES_FAULT_NOT_JOURNAL);
    const es_jsb sb = sample_jsb();
    CHECK(es_jsb_check_device(&sb, 2048) == ES_OK);
    CHECK(es_jsb_check_device(&sb, 2047) == ES_FAULT_DEVICE_SHRANK);
}

TEST_CASE("a journal record is refused for each field that is wrong", "[journal]") {
    const std::vector<es_jentry> entries = sample_entries();
    for (const BadField &bad : bad_record_fields) {
        INFO(bad.what);
        Block block = encode(sample_jrec(entries), entries);
        REQUIRE(decode(block, sample_jsb(), 1000) == ES_OK);
        put(block, bad.field, bad.value);
        fix_crc(block, r::crc);
        CHECK(decode(block, sample_jsb(), 1000) == bad.fault);
    }
}

TEST_CASE("padding is refused for each field that is wrong", "[journal]") {
    for (const BadField &bad : bad_pad_fields) {
        INFO(bad.what);
        Block block = encode(sample_pad(), {});
        REQUIRE(decode(block, sample_jsb(), 2000) == ES_OK);
        put(block, bad.field, bad.value);
        fix_crc(block, r::crc);
        CHECK(decode(block, sample_jsb(), 2000) == bad.fault);
    }
}

TEST_CASE("entries keep to the origin's logical blocks", "[journal]") {
    es_jsb sb = sample_jsb();
    sb.origin_lbs = 4096;
    std::vector<es_jentry> entries{make_entry(ES_JOP_WRITE, 8, 16, 1)};
    const auto decoded = [&] { return decode(encode(sample_jrec(entries), entries), sb, 1000); };
    CHECK(decoded() == ES_OK);
    entries[0].sector = 4;
    CHECK(decoded() == ES_FAULT_JOURNAL_ENTRY);
    entries[0].sector = 8;
    entries[0].nr = 12;
    CHECK(decoded() == ES_FAULT_JOURNAL_ENTRY);
}

TEST_CASE("a journal record stays within the ring", "[journal]") {
    const std::vector<es_jentry> entries = sample_entries();
    es_jrec rec = sample_jrec(entries);
    rec.addr = 2048 - 5;
    CHECK(decode(encode(rec, entries), sample_jsb(), rec.addr) == ES_OK);
    ++rec.addr;
    CHECK(decode(encode(rec, entries), sample_jsb(), rec.addr) == ES_FAULT_JOURNAL_POS);
    rec.addr = 15;
    CHECK(decode(encode(rec, entries), sample_jsb(), rec.addr) == ES_FAULT_JOURNAL_POS);
    rec.addr = ~0ull;
    CHECK(decode(encode(rec, entries), sample_jsb(), rec.addr) == ES_FAULT_JOURNAL_POS);
}

TEST_CASE("every single bit flip in a journal record is refused", "[journal]") {
    const std::vector<es_jentry> entries = sample_entries();
    Block block = encode(sample_jrec(entries), entries);
    for (std::size_t bit = 0; bit < ES_BLOCK_SIZE * 8; ++bit) {
        block.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        REQUIRE(decode(block, sample_jsb(), 1000) != ES_OK);
        block.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
    CHECK(decode(block, sample_jsb(), 1000) == ES_OK);
}

TEST_CASE("a refused journal record writes nothing", "[journal]") {
    const std::vector<es_jentry> entries = sample_entries();
    const es_jsb sb = sample_jsb();
    es_jrec rec{};
    std::vector<es_jentry> found(ES_JREC_ENTRIES);
    Block block = encode(sample_jrec(entries), entries);
    CHECK(es_jrec_decode(&rec, found.data(), block.data(), 4095, &sb, 1000) == ES_FAULT_SHORT);
    put(block, r::time, 105);
    fix_crc(block, r::crc);
    CHECK(es_jrec_decode(&rec, found.data(), block.data(), 4096, &sb, 1000) ==
          ES_FAULT_JOURNAL_TIME);
    CHECK(same(rec, es_jrec{}));
    CHECK(same(found, std::vector<es_jentry>(ES_JREC_ENTRIES)));
}

TEST_CASE("journal records survive encoding", "[journal]") {
    std::vector<es_jentry> entries = sample_entries();
    es_jrec rec{};
    std::vector<es_jentry> found;
    Block block = encode(sample_jrec(entries), entries);
    REQUIRE(decode(block, sample_jsb(), 1000, &rec, &found) == ES_OK);
    CHECK(same(rec, sample_jrec(entries)));
    CHECK(rec.crc == get(block, r::crc));
    CHECK(same(found, entries));

    block = encode(sample_pad(), {});
    REQUIRE(decode(block, sample_jsb(), 2000, &rec, &found) == ES_OK);
    CHECK(same(rec, sample_pad()));
    CHECK(found.empty());

    entries.assign(ES_JREC_ENTRIES, make_entry(ES_JOP_WRITE, 8, 16, 5)); // as long as can be
    entries.back().nr = 80;
    rec = sample_jrec(entries);
    REQUIRE(rec.nr_blocks + 1 == ES_JOURNAL_MAX_RECORD);
    REQUIRE(decode(encode(rec, entries), sample_jsb(), 1000, &rec, &found) == ES_OK);
    CHECK(found.back().addr == 1001 + 2 * (ES_JREC_ENTRIES - 1));
}

TEST_CASE("a record may itself be what is needed", "[journal]") {
    const std::vector<es_jentry> entries = sample_entries();
    es_jrec rec = sample_jrec(entries);
    rec.needed = {.addr = 1000, .seq = 40, .prev_crc = rec.prev_crc};
    CHECK(decode(encode(rec, entries), sample_jsb(), 1000) == ES_OK);
    ++rec.needed.prev_crc;
    CHECK(decode(encode(rec, entries), sample_jsb(), 1000) == ES_FAULT_JOURNAL_POS);
}
