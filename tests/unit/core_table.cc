// SPDX-License-Identifier: GPL-2.0-only
//
// Location tables against a std::map of single chunks: thousands of random insertions with
// the merges a caller does, and look-ups that must say the same, as far as they say it.

#include <algorithm>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "es_table.h"
#include "support/core_values.h"

using namespace esnap::test;

namespace {

/** A table with memory of its own, merged as a caller merges it. */
class Table {
public:
    Table(std::uint32_t run_size, std::uint32_t chunk_blocks)
        : run_size_(run_size), chunk_blocks_(chunk_blocks) {
        add_run();
    }

    void insert(const es_extent &e) {
        while (!es_run_insert(&table_.run[table_.nr_runs - 1], &e, chunk_blocks_)) {
            while (es_table_merge_due(&table_))
                merge_last_two();
            add_run();
        }
    }

    void flatten() {
        while (table_.nr_runs > 1)
            merge_last_two();
    }

    es_piece lookup(std::uint64_t chunk, std::uint64_t max) const {
        es_piece piece{};
        es_table_lookup(&table_, chunk, max, chunk_blocks_, &piece);
        return piece;
    }

    void check_runs() const {
        REQUIRE(table_.nr_runs <= ES_TABLE_MAX_RUNS);
        for (std::uint32_t r = 0; r < table_.nr_runs; ++r) {
            const es_run &run = table_.run[r];
            REQUIRE(run.nr <= run.cap);
            for (std::uint32_t i = 0; i < run.nr; ++i) {
                REQUIRE(run.e[i].nr != 0);
                if (i != 0)
                    REQUIRE(es_extent_end(&run.e[i - 1]) <= run.e[i].chunk);
            }
        }
    }

    std::uint32_t nr_runs() const { return table_.nr_runs; }

private:
    void add_run() {
        REQUIRE(table_.nr_runs < ES_TABLE_MAX_RUNS);
        memory_.emplace_back(run_size_);
        table_.run[table_.nr_runs++] = {memory_.back().data(), 0, run_size_};
    }

    void merge_last_two() {
        const es_run &newer = table_.run[table_.nr_runs - 1];
        es_run &older = table_.run[table_.nr_runs - 2];
        const u32 counted = es_run_merge(&newer, &older, nullptr, chunk_blocks_);
        std::vector<es_extent> merged(counted + 1, make_extent(77, 77));
        const u32 nr = es_run_merge(&newer, &older, merged.data(), chunk_blocks_);
        REQUIRE(nr == counted);
        REQUIRE(same(merged[counted], make_extent(77, 77)));
        memory_.pop_back();
        memory_.back() = merged;
        older = {memory_.back().data(), nr, nr};
        --table_.nr_runs;
    }

    es_table table_{};
    std::vector<std::vector<es_extent>> memory_;
    std::uint32_t run_size_;
    std::uint32_t chunk_blocks_;
};

struct Place {
    std::uint64_t addr;
    unsigned flags;
    bool operator==(const Place &) const = default;
};

/** The same, chunk by chunk. */
class Model {
public:
    explicit Model(std::uint32_t chunk_blocks) : chunk_blocks_(chunk_blocks) {}

    void insert(const es_extent &e) {
        for (std::uint32_t i = 0; i < e.nr; ++i)
            places_[e.chunk + i] = {es_extent_has_payload(&e) ? e.addr + i * chunk_blocks_ : 0,
                                    static_cast<unsigned>(e.flags)};
    }

    void check(std::uint64_t chunk, std::uint64_t max, const es_piece &piece) const {
        CAPTURE(chunk, max, piece.nr, piece.addr, piece.flags, piece.found);
        REQUIRE(piece.nr >= 1);
        REQUIRE(piece.nr <= max);
        for (std::uint64_t i = 0; i < piece.nr; ++i) {
            const auto it = places_.find(chunk + i);
            REQUIRE(piece.found == (it != places_.end()));
            if (!piece.found)
                continue;
            const bool payload = (piece.flags & (ES_EXT_ZERO | ES_EXT_BAD)) == 0;
            const std::uint64_t addr = payload ? piece.addr + i * chunk_blocks_ : 0;
            REQUIRE(it->second == Place{addr, piece.flags});
        }
    }

private:
    std::map<std::uint64_t, Place> places_;
    std::uint32_t chunk_blocks_;
};

es_extent random_extent(Rng &rng, std::uint64_t chunks, std::uint32_t chunk_blocks,
                        std::uint64_t &next_addr) {
    const auto nr = static_cast<std::uint32_t>(rng.between(1, rng.chance(10) ? 40 : 5));
    const std::uint64_t chunk = rng.below(chunks);
    if (rng.chance(30))
        return make_extent(chunk, nr, 0, 0, rng.chance(80) ? ES_EXT_ZERO : ES_EXT_BAD);
    const std::uint64_t addr = next_addr;
    next_addr += nr * chunk_blocks + rng.below(2);
    return make_extent(chunk, nr, addr, 0, rng.chance(50) ? ES_EXT_NO_CRC : 0);
}

void run_against_model(std::uint64_t seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const auto chunk_blocks = static_cast<std::uint32_t>(1u << rng.below(9));
    const auto run_size = static_cast<std::uint32_t>(rng.between(2, 40));
    const std::uint64_t chunks = rng.between(20, 600);
    std::uint64_t next_addr = 17;
    Table table(run_size, chunk_blocks);
    Model model(chunk_blocks);

    for (int op = 0; op < 400; ++op) {
        const es_extent e = random_extent(rng, chunks, chunk_blocks, next_addr);
        table.insert(e);
        model.insert(e);
        const std::uint64_t chunk = rng.below(chunks + 10);
        const std::uint64_t max = rng.chance(20) ? 1 : rng.between(1, 100);
        model.check(chunk, max, table.lookup(chunk, max));
        if (op % 50 == 0)
            table.check_runs();
        if (op % 200 == 150)
            table.flatten();
    }
    for (std::uint64_t chunk = 0; chunk < chunks + 50; ++chunk)
        model.check(chunk, 1000, table.lookup(chunk, 1000));
    table.flatten();
    table.check_runs();
    for (std::uint64_t chunk = 0; chunk < chunks + 50; ++chunk)
        model.check(chunk, 1000, table.lookup(chunk, 1000));
}

} // namespace

TEST_CASE("a table says what a map of chunks says", "[table]") {
    for (std::uint64_t seed = 1; seed <= 150; ++seed)
        run_against_model(seed);
}

TEST_CASE("an empty table holds nothing", "[table]") {
    const Table table(4, 1);
    const es_piece piece = table.lookup(5, 9);
    CHECK_FALSE(piece.found);
    CHECK(piece.nr == 9);
    CHECK(piece.addr == 0);
    CHECK(piece.flags == 0);
}

TEST_CASE("extents that follow each other are one piece", "[table]") {
    Table table(16, 4);
    table.insert(make_extent(10, 2, 100));
    table.insert(make_extent(12, 1, 108));
    table.insert(make_extent(13, 1, 113)); // adjoins in the origin only
    table.insert(make_extent(14, 1, 0, 0, ES_EXT_ZERO));
    table.insert(make_extent(15, 3, 0, 0, ES_EXT_ZERO));
    CHECK(table.lookup(10, 100).nr == 3);
    CHECK(table.lookup(11, 100).nr == 2);
    CHECK(table.lookup(11, 100).addr == 104);
    CHECK(table.lookup(11, 1).nr == 1);
    CHECK(table.lookup(13, 100).nr == 1);
    CHECK(table.lookup(14, 100).nr == 4);
    CHECK(table.lookup(9, 100).nr == 1);
    CHECK_FALSE(table.lookup(9, 100).found);
}

TEST_CASE("an insertion may split an extent, and is refused without room for that", "[table]") {
    std::vector<es_extent> memory(4);
    es_run run{memory.data(), 0, 4};
    const es_extent whole = make_extent(0, 10, 100);
    const es_extent middle = make_extent(4, 2, 500);
    REQUIRE(es_run_insert(&run, &whole, 2));
    REQUIRE(es_run_insert(&run, &middle, 2));
    CHECK(run.nr == 3);
    CHECK(same(memory[0], make_extent(0, 4, 100)));
    CHECK(same(memory[1], middle));
    CHECK(same(memory[2], make_extent(6, 4, 112)));
    const std::vector<es_extent> before = memory;
    CHECK_FALSE(es_run_insert(&run, &middle, 2));
    CHECK(run.nr == 3);
    CHECK(same(memory, before));
}

TEST_CASE("the number of runs stays logarithmic", "[table]") {
    Table table(8, 1);
    Rng rng(1);
    std::uint32_t most = 0;
    for (std::uint64_t i = 0; i < 30000; ++i) {
        table.insert(make_extent(rng.below(1u << 20), 1, 17 + i));
        most = std::max(most, table.nr_runs());
    }
    CHECK(most <= 14);
}
