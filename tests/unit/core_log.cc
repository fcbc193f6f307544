// SPDX-License-Identifier: GPL-2.0-only
//
// Log positions against a naive model that keeps a list of blocks in use.

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "es_log.h"
#include "support/core_values.h"

using namespace esnap::test;

namespace {

es_sb geometry(std::uint32_t chunk_blocks, std::uint32_t segment_blocks, std::uint64_t blocks) {
    es_sb sb = sample_sb();
    sb.chunk_sectors = chunk_blocks * ES_BLOCK_SECTORS;
    sb.segment_blocks = segment_blocks;
    sb.device_blocks = blocks;
    REQUIRE(decode(encode(sb)) == ES_OK);
    return sb;
}

es_log new_log(const es_sb &sb) {
    es_log log{};
    es_log_init(&log, &sb);
    return log;
}

/** Writes records and summaries into a map of blocks: nothing may be used twice. */
class Filler {
public:
    explicit Filler(const es_sb &sb) : sb_(sb), log_(new_log(sb)), used_(sb.device_blocks) {
        std::fill_n(used_.begin(), ES_DATA_BLOCK, true);
    }

    void use(std::uint64_t addr, std::uint64_t nr) {
        REQUIRE(addr + nr <= used_.size());
        for (std::uint64_t i = 0; i < nr; ++i) {
            REQUIRE_FALSE(used_[addr + i]);
            used_[addr + i] = true;
        }
    }

    /** A record with @nr extents of which the first has @chunks of payload. */
    void append(std::uint32_t nr, std::uint32_t chunks) {
        std::vector<es_extent> extents(nr, make_extent(1, 1, 123, 0, ES_EXT_ZERO));
        if (chunks != 0)
            extents[0] = make_extent(1, chunks);
        Block header;
        const es_log before = log_;
        const std::uint64_t addr = es_log_append(&log_, extents.data(), nr, header.data());
        use(addr, 1 + chunks * log_.chunk_blocks);
        check_record(before, addr, extents, header);
        open_.insert(open_.end(), extents.begin(), extents.end());
        payload_ += chunks * log_.chunk_blocks;
        check_totals();
    }

    void close() {
        const auto blocks = static_cast<std::uint32_t>(es_table_blocks(log_.nr_open));
        std::vector<es_extent> found;
        for (std::uint32_t pos = 0; pos < blocks; ++pos) {
            Block block;
            const std::uint64_t addr = es_log_summary(&log_, open_.data(), pos, block.data());
            use(addr, 1);
            es_block head{};
            std::vector<es_extent> some;
            REQUIRE(decode(block, ES_BLOCK_SUMMARY, sb_, addr, &head, &some) == ES_OK);
            REQUIRE(head.pos == pos);
            REQUIRE(head.nr_blocks == blocks);
            REQUIRE(head.seq == log_.seq - 1);
            REQUIRE(head.prev_crc == log_.prev_crc);
            if (pos + 1 == blocks)
                REQUIRE(addr + 1 == es_log_segment_start(&log_, log_.segment) +
                                        es_log_segment_len(&log_, log_.segment));
            found.insert(found.end(), some.begin(), some.end());
        }
        REQUIRE(same(found, open_));
        open_.clear();
        es_log_next_segment(&log_);
    }

    const es_log &log() const { return log_; }
    bool done() const { return log_.segment >= es_log_segments(&log_); }

private:
    void check_record(const es_log &before, std::uint64_t addr,
                      const std::vector<es_extent> &extents, const Block &header) {
        es_block head{};
        std::vector<es_extent> found;
        REQUIRE(decode(header, ES_BLOCK_RECORD, sb_, addr, &head, &found) == ES_OK);
        REQUIRE(same(found, extents));
        REQUIRE(head.seq == before.seq);
        REQUIRE(head.prev_crc == before.prev_crc);
        REQUIRE(head.epoch == sb_.epoch);
        REQUIRE(log_.seq == before.seq + 1);
        REQUIRE(log_.prev_crc == head.crc);
    }

    void check_totals() const {
        REQUIRE(log_.nr_open == open_.size());
        REQUIRE(log_.payload_blocks == payload_);
        REQUIRE(log_.used + es_table_blocks(log_.nr_open) <=
                es_log_segment_len(&log_, log_.segment));
    }

    es_sb sb_;
    es_log log_;
    std::vector<bool> used_;
    std::vector<es_extent> open_;
    std::uint64_t payload_ = 0;
};

void fill_at_random(std::uint64_t seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const auto chunk_blocks = static_cast<std::uint32_t>(1u << rng.below(4));
    const auto segment =
        static_cast<std::uint32_t>(rng.between(2 * chunk_blocks + 2, 2 * chunk_blocks + 60));
    const es_sb sb =
        geometry(chunk_blocks, segment, es_min_device_blocks(8 * chunk_blocks) + rng.below(300));
    Filler filler(sb);
    while (!filler.done()) {
        const auto nr = static_cast<std::uint32_t>(rng.between(1, rng.chance(30) ? 168 : 4));
        const std::int64_t room = es_log_room(&filler.log(), nr);
        if (room < 0 || rng.chance(5)) {
            if (filler.log().nr_open != 0)
                filler.close();
            continue;
        }
        const std::uint64_t most = static_cast<std::uint64_t>(room) / chunk_blocks;
        filler.append(nr, static_cast<std::uint32_t>(rng.chance(20) ? most : rng.below(most + 1)));
    }
    CHECK(es_log_room(&filler.log(), 1) == -1);
    CHECK_FALSE(es_log_has_next(&filler.log()));
    CHECK(es_log_used_blocks(&filler.log()) == sb.device_blocks);
    CHECK(es_log_free_blocks(&filler.log()) == 0);
}

} // namespace

TEST_CASE("records and summaries never share a block and always fit", "[log]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed)
        fill_at_random(seed);
}

TEST_CASE("segments of a store, the last one short", "[log]") {
    const std::uint32_t chunk = 4;
    for (std::uint64_t rest = 0; rest < 12; ++rest) {
        CAPTURE(rest);
        const es_sb sb = geometry(chunk, 12, ES_DATA_BLOCK + 36 + rest);
        const es_log log = new_log(sb);
        const bool short_one = rest >= chunk + 2;
        REQUIRE(es_log_segments(&log) == (short_one ? 4u : 3u));
        CHECK(es_log_segment_start(&log, 3) == ES_DATA_BLOCK + 36);
        CHECK(es_log_segment_len(&log, 2) == 12);
        if (short_one)
            CHECK(es_log_segment_len(&log, 3) == rest);
    }
}

TEST_CASE("an empty segment has room for a chunk", "[log]") {
    for (std::uint32_t chunk = 1; chunk <= 256; chunk *= 2) {
        const es_sb smallest = geometry(chunk, 2 * chunk + 2, es_min_device_blocks(8 * chunk));
        const es_log log = new_log(smallest);
        CHECK(es_log_segments(&log) == 1);
        CHECK(es_log_room(&log, 1) == chunk);
        CHECK_FALSE(es_log_has_next(&log));
    }
}

TEST_CASE("room counts the summary that the extents will need", "[log]") {
    es_log log = new_log(geometry(1, 64, 1024));
    CHECK(es_log_room(&log, 1) == 62);
    CHECK(es_log_room(&log, 168) == 62);
    log.nr_open = 167;
    CHECK(es_log_room(&log, 1) == 62);
    CHECK(es_log_room(&log, 2) == 61);
    log.used = 62;
    CHECK(es_log_room(&log, 1) == 0);
    CHECK(es_log_room(&log, 2) == -1);
    log.used = 63;
    CHECK(es_log_room(&log, 1) == -1);
}

TEST_CASE("an open segment's extents are bounded", "[log]") {
    es_log log = new_log(geometry(1, ES_MAX_SEGMENT_BLOCKS, 1u << 20));
    log.nr_open = ES_LOG_MAX_OPEN - 3;
    CHECK(es_log_room(&log, 3) > 0);
    CHECK(es_log_room(&log, 4) == -1);
}

TEST_CASE("extents without payload get no address", "[log]") {
    es_log log = new_log(geometry(1, 64, 1024));
    std::vector<es_extent> extents{make_extent(1, 1, 99), make_extent(2, 1, 99, 0, ES_EXT_ZERO),
                                   make_extent(3, 2, 99)};
    Block header;
    const std::uint64_t addr = es_log_append(&log, extents.data(), 3, header.data());
    CHECK(addr == ES_DATA_BLOCK);
    CHECK(extents[0].addr == ES_DATA_BLOCK + 1);
    CHECK(extents[1].addr == 0);
    CHECK(extents[2].addr == ES_DATA_BLOCK + 2);
    CHECK(log.used == 4);
}

TEST_CASE("an index goes behind the log, into whole segments", "[log]") {
    es_log log = new_log(geometry(1, 64, ES_DATA_BLOCK + 200));
    CHECK(es_log_index_addr(&log, 200) == ES_DATA_BLOCK); // nothing written
    CHECK(es_log_index_addr(&log, 201) == 0);
    log.used = 1;
    CHECK(es_log_index_addr(&log, 136) == ES_DATA_BLOCK + 64);
    CHECK(es_log_index_addr(&log, 137) == 0);
    log.segment = 1;
    log.used = 0;
    CHECK(es_log_index_addr(&log, 136) == ES_DATA_BLOCK + 64);
    log.segment = 3; // the short one: 8 blocks
    CHECK(es_log_index_addr(&log, 8) == ES_DATA_BLOCK + 192);
    log.used = 1;
    CHECK(es_log_index_addr(&log, 1) == 0);
    log.segment = 4;
    log.used = 0;
    CHECK(es_log_index_addr(&log, 1) == 0);
}

TEST_CASE("sizes of tables", "[log]") {
    CHECK(es_table_blocks(0) == 1);
    CHECK(es_table_blocks(1) == 1);
    CHECK(es_table_blocks(168) == 1);
    CHECK(es_table_blocks(169) == 2);
    CHECK(es_table_blocks(~0ull) == ~0ull / 168 + 1);
}
