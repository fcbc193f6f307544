// SPDX-License-Identifier: GPL-2.0-only
//
// Replay, one situation at a time: what is normal after a crash and what is corruption.

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "support/core_values.h"
#include "support/crash_device.h"
#include "support/log_writer.h"
#include "support/replay_bench.h"

using namespace esnap::test;

TEST_CASE("replay of an empty store", "[replay]") {
    Bench bench;
    const Replayed found = bench.replayed();
    CHECK(found.fault == ES_OK);
    CHECK(found.extents.empty());
    CHECK(found.log.seq == 1);
    CHECK(found.log.segment == 0);
    CHECK(found.log.used == 0);
}

TEST_CASE("replay walks the open segment and reads summaries of closed ones", "[replay]") {
    Bench bench;
    for (int i = 0; i < 9; ++i)
        REQUIRE(bench.append(2));
    bench.check_complete();
    CHECK(bench.writer().log().segment == 2);
}

TEST_CASE("replay of a store that was never attached", "[replay]") {
    Bench bench(ES_DATA_BLOCK + 10 * 100);
    REQUIRE(bench.append(2));
    es_sb sb = bench.writer().sb();
    sb.epoch = 0;
    sb.flags = 0;
    sb.tail_seq = 0;
    // A superblock that is older than the log: its first record says so.
    CHECK(replay(sb, bench.device()).fault == ES_FAULT_EPOCH);
    bench.device().zero(bench.start(0));
    const Replayed found = replay(sb, bench.device());
    CHECK(found.fault == ES_OK);
    CHECK(found.log.seq == 1);
    CHECK(found.reads <= 3); // production waits for it
}

TEST_CASE("replay hints at what it will read next", "[replay]") {
    Bench bench(ES_DATA_BLOCK + 10 * 100);
    while (bench.append(2))
        continue;
    const Replayed found = bench.replayed();
    CHECK(found.log.segment >= 99);
    CHECK(found.reads >= 99);
    // One for every 16 summaries, and some for the first and for the end.
    CHECK(found.surprises <= 99 / 16 + 4);
}

TEST_CASE("replay may begin where the chunk map says", "[replay]") {
    Bench bench(ES_DATA_BLOCK + 100);
    for (int i = 0; i < 13; ++i)
        REQUIRE(bench.append(2));
    bench.writer().detach_with_map();
    const Replayed all = bench.replayed();
    REQUIRE(all.log.segment >= 3);

    SECTION("it ends where a replay of all ends") {
        const Replayed found = replay_skipping(bench.writer().sb(), bench.device());
        CHECK(found.fault == ES_OK);
        CHECK(found.log.segment == all.log.segment);
        CHECK(found.log.used == all.log.used);
        CHECK(found.log.seq == all.log.seq);
        CHECK(found.log.prev_crc == all.log.prev_crc);
        CHECK(found.log.nr_open == all.log.nr_open);
        CHECK(found.log.nr_extents == all.log.nr_extents);
        CHECK(found.log.payload_blocks == all.log.payload_blocks);
        CHECK(same(found.open, all.open));
        CHECK(found.extents.size() < all.extents.size());
    }
    SECTION("it gives up where the summary before the end is missing") {
        bench.device().zero(bench.footer(bench.writer().sb().map.segment));
        CHECK(replay_skipping(bench.writer().sb(), bench.device()).fault == ES_FAULT_SEQUENCE);
        bench.check_complete();
    }
    SECTION("it gives up where the segment is not the one") {
        es_sb sb = bench.writer().sb();
        sb.map.segment = GENERATE(5u, 9u);
        CHECK(replay_skipping(sb, bench.device()).fault == ES_FAULT_SEQUENCE);
    }
}

TEST_CASE("replay finds its way without summaries", "[replay]") {
    Bench bench;
    for (int i = 0; i < 11; ++i)
        REQUIRE(bench.append(2));
    bench.device().zero(bench.footer(0));
    bench.device().zero(bench.footer(1));
    bench.check_complete();
}

TEST_CASE("replay finds its way with a summary of which one block is torn", "[replay]") {
    Bench bench(ES_DATA_BLOCK + 30);
    std::vector<es_extent> zeroes;
    for (std::uint64_t i = 0; i < 150; ++i)
        zeroes.push_back(make_extent(2 * i, 1, 0, 0, ES_EXT_ZERO));
    REQUIRE(bench.append(zeroes));
    for (es_extent &e : zeroes)
        e.chunk += 1000;
    REQUIRE(bench.append(zeroes));
    REQUIRE(bench.append(3));
    REQUIRE(bench.append(3)); // in the next segment
    REQUIRE(bench.writer().log().segment == 1);
    bench.check_complete();
    const std::uint64_t addr = bench.footer(0) - GENERATE(0u, 1u);
    bench.device().zero(addr);
    bench.check_complete();
}

TEST_CASE("a full store is replayed", "[replay]") {
    const bool close = GENERATE(false, true);
    const std::uint64_t blocks = ES_DATA_BLOCK + GENERATE(40u, 36u, 33u, 32u);
    Bench bench(blocks);
    while (bench.append(1))
        ;
    if (close)
        bench.writer().close_segment();
    bench.check_complete();
    const Replayed found = bench.replayed();
    CHECK(found.log.used == bench.writer().log().used);
    CHECK(es_log_room(&found.log, 1) < 1);
}

TEST_CASE("growth finds the log where it was", "[replay]") {
    const bool close = GENERATE(false, true);
    const std::uint64_t more = GENERATE(2u, 4u, 10u, 17u);
    Bench bench(ES_DATA_BLOCK + 36);
    while (bench.append(1))
        ;
    if (close)
        bench.writer().close_segment();
    bench.writer().grow(ES_DATA_BLOCK + 36 + more);
    bench.check_complete();
    const bool appended = bench.append(1);
    bench.check_complete();
    bench.crash_and_attach();
    if (!appended) // a segment closed when it was short is open again after an attach
        CHECK(bench.append(1));
    while (bench.append(1))
        ;
    bench.check_complete();
}

TEST_CASE("a torn last record is forgotten", "[replay]") {
    Bench bench;
    REQUIRE(bench.append(1));
    bench.torn_append(2);
    const Replayed found = bench.replayed();
    CHECK(found.fault == ES_OK);
    CHECK(same(found.extents, bench.extents()));
    CHECK(found.log.seq == 2);
    CHECK(found.log.used == 2);
    bench.crash_and_attach();
    REQUIRE(bench.append(1));
    bench.check_complete();
}

TEST_CASE("a torn header is forgotten", "[replay]") {
    Bench bench;
    REQUIRE(bench.append(1));
    bench.torn_append(2);
    Block header = bench.device().read(Bench::start(0) + 2);
    header.bytes[3 * 512 + 5] ^= 1;
    bench.device().overwrite(Bench::start(0) + 2, header);
    bench.crash_and_attach();
}

TEST_CASE("a clean detach behind a torn record that was forgotten", "[replay]") {
    // Its header is still there, whole, where the next record would go.
    Bench bench;
    REQUIRE(bench.append(1));
    bench.torn_append(2);
    bench.crash_and_attach();
    bench.writer().detach();
    bench.crash_and_attach();
}

TEST_CASE("a record forgotten as torn does not come back when the next segment goes on",
          "[replay]") {
    // Epoch 1 leaves a torn record with a good header at the end of segment 0. The first
    // record of epoch 2 does not fit there and begins segment 1; the summary of segment 0
    // is lost. The stale header has the number and the predecessor that the walk wants.
    Bench bench;
    REQUIRE(bench.append(1));
    bench.torn_append(2);
    bench.crash_and_attach();

    REQUIRE(bench.append(7));
    REQUIRE(bench.writer().log().segment == 1);
    bench.device().zero(bench.footer(0));
    SECTION("with one record of the new epoch") {
        bench.check_complete();
    }
    SECTION("with more of them") {
        REQUIRE(bench.append(1));
        REQUIRE(bench.append(1));
        bench.check_complete();
    }
    SECTION("after a clean detach") {
        bench.writer().detach();
        bench.check_complete();
    }
    SECTION("in a live log whose next record is damaged") {
        bench.device().zero(Bench::start(1));
        CHECK(bench.replayed(bench.writer().log().seq).fault == ES_FAULT_SEQUENCE);
    }
    SECTION("in a live log that is read up to the last durable record") {
        const Replayed found = bench.replayed(bench.writer().log().seq);
        CHECK(found.fault == ES_OK);
        CHECK(same(found.extents, bench.extents()));
    }
}

TEST_CASE("a forgotten record whose replacement in the next segment is torn as well", "[replay]") {
    Bench bench;
    REQUIRE(bench.append(1));
    bench.torn_append(2);
    bench.crash_and_attach();
    bench.torn_append(7);
    REQUIRE(bench.writer().log().segment == 1);
    bench.device().zero(bench.footer(0));
    bench.crash_and_attach();
    CHECK(bench.writer().log().segment == 1);
    REQUIRE(bench.append(1));
    bench.check_complete();
}

TEST_CASE("records of an older epoch behind the end are not replayed", "[replay]") {
    Bench bench;
    REQUIRE(bench.append(1));
    const Block old_header = bench.device().read(Bench::start(0));
    REQUIRE(bench.append(1));
    bench.crash_and_attach();
    REQUIRE(bench.append(1));
    // The bytes of record 2 again, where record 4 would go: another address.
    bench.device().overwrite(Bench::start(0) + 6, bench.device().read(Bench::start(0) + 2));
    bench.check_complete();
    bench.device().overwrite(Bench::start(0) + 6, old_header);
    bench.check_complete();
}

TEST_CASE("a record that does not follow is not replayed", "[replay]") {
    Bench bench;
    bench.crash_and_attach();
    REQUIRE(bench.append(1));
    const es_log &log = bench.writer().log();
    const es_sb &sb = bench.writer().sb();
    const std::vector<es_extent> extents{make_extent(100, 1, 0, 0, ES_EXT_ZERO)};
    es_block head = sample_block(sb, ES_BLOCK_RECORD, Bench::start(0) + log.used, extents);
    head.seq = log.seq;
    head.prev_crc = log.prev_crc;

    SECTION("behind another predecessor") {
        head.prev_crc ^= 1;
    }
    SECTION("from an older epoch") {
        head.epoch = sb.epoch - 1;
    }
    SECTION("with a number that is used") {
        head.seq -= 1;
    }
    bench.device().overwrite(head.addr, encode(head, extents));
    bench.check_complete();
}

TEST_CASE("a record that follows is replayed", "[replay]") {
    Bench bench;
    REQUIRE(bench.append(1));
    const std::size_t before = bench.replayed().extents.size();
    REQUIRE(bench.append({make_extent(100, 1, 0, 0, ES_EXT_ZERO)}));
    CHECK(bench.replayed().extents.size() == before + 1);
}

TEST_CASE("blocks of two summaries do not make one", "[replay]") {
    Bench bench(ES_DATA_BLOCK + 10);
    std::vector<es_extent> zeroes;
    for (std::uint64_t i = 0; i < 168; ++i)
        zeroes.push_back(make_extent(2 * i, 1, 0, 0, ES_EXT_ZERO));
    REQUIRE(bench.append(zeroes));
    REQUIRE(bench.append(1));
    const es_log log = bench.writer().log();
    bench.writer().close_segment();
    const std::vector<es_extent> others(168, make_extent(5000, 1, 0, 0, ES_EXT_ZERO));
    es_block head =
        sample_block(bench.writer().sb(), ES_BLOCK_SUMMARY, bench.footer(0) - 1, others);
    head.seq = log.seq - 2; // the last record covered is one before
    head.prev_crc = log.prev_crc;
    head.nr_blocks = 2;
    bench.device().overwrite(head.addr, encode(head, others));
    bench.check_complete();
}

TEST_CASE("a torn summary cannot be completed by a second one that is torn", "[replay]") {
    // Both summaries of segment 3, the last one, begin with the same extents. Only the first
    // sectors of the first one arrive; then a record more goes into the segment, which is
    // closed again; of the second summary all but the first sectors arrive.
    Bench bench(ES_DATA_BLOCK + 10);
    std::vector<es_extent> zeroes;
    for (std::uint64_t i = 0; i < 100; ++i)
        zeroes.push_back(make_extent(2 * i, 1, 0, 0, ES_EXT_ZERO));
    REQUIRE(bench.append(zeroes));
    bench.writer().close_segment();
    const Block first = bench.device().read(bench.footer(0));
    Block torn = first;
    std::fill(torn.bytes.begin() + 512, torn.bytes.end(), std::uint8_t{0xa5});
    bench.device().overwrite(bench.footer(0), torn);

    CHECK(bench.replayed().wipe_addr == bench.footer(0));
    bench.crash_and_attach();
    CHECK(bench.device().read(bench.footer(0)) == Block{});
    CHECK(bench.replayed().wipe_addr == 0);

    REQUIRE(bench.append(1));
    bench.writer().close_segment();
    Block second = bench.device().read(bench.footer(0));
    std::fill(second.bytes.begin(), second.bytes.begin() + 512, std::uint8_t{0});
    bench.device().overwrite(bench.footer(0), second);
    bench.crash_and_attach();
}

TEST_CASE("a live log is read up to a given record", "[replay]") {
    Bench bench;
    std::vector<std::size_t> extents_before{0, 0};
    for (int i = 0; i < 9; ++i) {
        REQUIRE(bench.append(2));
        extents_before.push_back(bench.extents().size());
    }
    for (std::uint64_t s = 0; s < 4; ++s)
        if (s < bench.writer().log().segment)
            bench.device().zero(bench.footer(s));
    for (std::uint64_t stop = 2; stop < extents_before.size(); ++stop) {
        const Replayed found = bench.replayed(stop);
        CHECK(found.fault == ES_OK);
        CHECK(found.extents.size() == extents_before[stop]);
    }
    CHECK(bench.replayed(extents_before.size()).fault == ES_FAULT_SEQUENCE);
}

TEST_CASE("a view's last record needs no proof of its payload", "[replay]") {
    Bench bench(ES_DATA_BLOCK + 40, ES_KIND_VIEW);
    REQUIRE(bench.append(2));
    bench.device().zero(bench.extents().back().addr); // overwritten in place meanwhile
    bench.check_complete();
}
