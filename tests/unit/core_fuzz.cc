// SPDX-License-Identifier: GPL-2.0-only
//
// The fuzz targets over a small random corpus, always the same: they abort when a promise
// is broken.

#include <vector>

#include <catch2/catch.hpp>

#include "fuzz/fuzz.h"

using namespace esnap::test;

namespace {

using Target = void (*)(const std::uint8_t *data, std::size_t size);

void run(Target target, unsigned inputs) {
    for (std::uint64_t seed = 1; seed <= inputs; ++seed) {
        Rng rng(seed);
        // Short ones damage little, so that more of the rest is reached.
        const std::uint64_t size = rng.chance(70) ? rng.below(40) : rng.below(5000);
        std::vector<std::uint8_t> data(size);
        for (std::uint8_t &byte : data)
            byte = static_cast<std::uint8_t>(rng.chance(30) ? rng.below(4) : rng.bits());
        target(data.data(), data.size());
    }
    SUCCEED();
}

} // namespace

TEST_CASE("fuzz corpus: superblock", "[fuzz]") {
    run(fuzz_superblock, 5000);
}

TEST_CASE("fuzz corpus: block", "[fuzz]") {
    run(fuzz_block, 5000);
}

TEST_CASE("fuzz corpus: index", "[fuzz]") {
    run(fuzz_index, 5000);
}

TEST_CASE("fuzz corpus: replay", "[fuzz]") {
    run(fuzz_replay, 2000);
}

TEST_CASE("fuzz corpus: a journal's superblock", "[fuzz]") {
    run(fuzz_jsb, 5000);
}

TEST_CASE("fuzz corpus: a journal's record", "[fuzz]") {
    run(fuzz_jrec, 5000);
}

TEST_CASE("fuzz corpus: a journal's walk", "[fuzz]") {
    run(fuzz_jwalk, 2000);
}
