// SPDX-License-Identifier: GPL-2.0-only
//
// Replay of damaged stores: what no crash can leave behind is told from what one can.

#include <vector>

#include <catch2/catch.hpp>

#include "support/replay_bench.h"

using namespace esnap::test;

TEST_CASE("a clean end is proven by its superblock", "[replay]") {
    Bench bench;
    for (int i = 0; i < 4; ++i)
        REQUIRE(bench.append(2));
    bench.writer().detach();
    bench.check_complete();
    const std::uint64_t last = bench.extents().back().addr;

    SECTION("the last record may not be missing") {
        bench.device().zero(last - 1);
        CHECK(bench.replayed().fault == ES_FAULT_SEQUENCE);
    }
    SECTION("nor may its payload be torn") {
        bench.device().zero(last);
        CHECK(bench.replayed().fault == ES_FAULT_PAYLOAD);
    }
}

TEST_CASE("a record missing in the middle is detected", "[replay]") {
    Bench bench;
    for (int i = 0; i < 11; ++i)
        REQUIRE(bench.append(2)); // three in each segment; the last one in segment 3
    REQUIRE(bench.writer().log().segment == 3);

    SECTION("in the open segment") {
        REQUIRE(bench.append(1));
        bench.device().zero(Bench::start(3));
    }
    SECTION("in a segment that lost its summary") {
        bench.device().zero(bench.footer(1));
        bench.device().zero(Bench::start(1) + 3);
    }
    SECTION("the last of a segment that lost its summary") {
        bench.device().zero(bench.footer(1));
        bench.device().zero(Bench::start(1) + 6);
    }
    SECTION("the first of the open segment, when the one before lost its summary") {
        REQUIRE(bench.append(1));
        bench.device().zero(bench.footer(2));
        bench.device().zero(Bench::start(3));
    }
    SECTION("the first of a closed segment, when the one before lost its summary") {
        bench.device().zero(bench.footer(1));
        bench.device().zero(Bench::start(2));
    }
    CHECK(bench.replayed().fault == ES_FAULT_SEQUENCE);
}

TEST_CASE("one damaged block never makes a shorter log unnoticed", "[replay]") {
    const bool clean = GENERATE(false, true);
    const bool summaries_lost = GENERATE(false, true);
    Bench bench(ES_DATA_BLOCK + 36);
    for (std::uint32_t i = 0; i < 10; ++i)
        REQUIRE(bench.append(1 + i % 3));
    if (clean)
        bench.writer().detach();
    if (summaries_lost)
        for (std::uint64_t s = 0; s < bench.writer().log().segment; ++s)
            bench.device().zero(bench.footer(s));
    bench.check_complete();

    const std::uint64_t last = bench.extents().back().addr - 1;
    for (std::uint64_t addr = ES_DATA_BLOCK; addr < bench.device().blocks(); ++addr) {
        CAPTURE(addr, clean, summaries_lost);
        const Block before = bench.device().read(addr);
        bench.device().zero(addr);
        const Replayed found = bench.replayed();
        bench.device().overwrite(addr, before);
        // The very last record, if nothing says that it was complete, looks torn.
        if (!clean && addr >= last && addr < last + 2)
            continue;
        if (found.fault == ES_OK)
            CHECK(same(found.extents, bench.extents()));
    }
}

TEST_CASE("a log newer than the superblock is refused", "[replay]") {
    Bench bench;
    REQUIRE(bench.append(1));
    bench.crash_and_attach();
    REQUIRE(bench.append(1));
    bench.device().zero(es_sb_addr(bench.writer().sb().generation));
    CHECK(bench.replayed().fault == ES_FAULT_EPOCH);
}

TEST_CASE("an attach after a clean detach is missed when its superblock is lost", "[replay]") {
    for (const std::uint32_t chunks : {1u, 4u}) { // in the open segment, in the next one
        for (unsigned records = 0; records < 12; ++records) {
            CAPTURE(chunks, records);
            Bench bench;
            for (unsigned i = 0; i < records; ++i)
                REQUIRE(bench.append(1));
            bench.writer().detach();
            bench.crash_and_attach();
            REQUIRE(bench.replayed().fault == ES_OK);
            REQUIRE(bench.append(chunks));
            bench.device().zero(es_sb_addr(bench.writer().sb().generation));
            CHECK(bench.replayed().fault == ES_FAULT_EPOCH);
        }
    }
}

TEST_CASE("a record that leaves no room for the summary is refused", "[replay]") {
    Bench bench;
    REQUIRE(bench.append(8)); // header and payload fill all but the summary's block
    bench.check_complete();
    es_sb sb = bench.writer().sb();
    const std::vector<es_extent> extents{make_extent(100, 9, Bench::start(0) + 1)};
    es_block head = sample_block(sb, ES_BLOCK_RECORD, Bench::start(0), extents);
    head.seq = 1;
    head.prev_crc = 0;
    bench.device().overwrite(Bench::start(0), encode(head, extents));
    CHECK(bench.replayed().fault == ES_FAULT_COUNT);
}

TEST_CASE("a summary that ends before its segment began is refused", "[replay]") {
    Bench bench;
    for (int i = 0; i < 4; ++i)
        REQUIRE(bench.append(2));
    const es_sb sb = bench.writer().sb();
    const std::vector<es_extent> extents{make_extent(100, 1, Bench::start(1) + 1)};
    es_block head = sample_block(sb, ES_BLOCK_SUMMARY, bench.footer(1), extents);
    head.seq = 2;
    bench.device().overwrite(bench.footer(1), encode(head, extents));
    CHECK(bench.replayed().fault == ES_FAULT_SEQUENCE);
}
