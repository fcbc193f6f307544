// SPDX-License-Identifier: GPL-2.0-only
//
// The journal of format version 1 against its golden images.

#include <vector>

#include <catch2/catch.hpp>

#include "golden/golden_image.h"
#include "support/journal_values.h"

using namespace esnap::test;

namespace {

void check_superblock(const es_jsb &values, const char *image) {
    const Block golden = parse_image(image);
    es_jsb found{};
    CHECK(first_difference(encode(values), golden) == "");
    REQUIRE(decode(golden, &found) == ES_OK);
    CHECK(same(found, values));
}

void check_record(const es_jrec &values, const std::vector<es_jentry> &entries, const char *image) {
    const Block golden = parse_image(image);
    es_jrec found{};
    std::vector<es_jentry> found_entries;
    CHECK(first_difference(encode(values, entries), golden) == "");
    REQUIRE(decode(golden, sample_jsb(), values.addr, &found, &found_entries) == ES_OK);
    CHECK(same(found, values));
    CHECK(same(found_entries, entries));
}

} // namespace

TEST_CASE("golden superblock of a journal", "[golden]") {
    check_superblock(sample_jsb(), golden::journal_superblock);
}

TEST_CASE("golden superblock of a failed journal", "[golden]") {
    es_jsb sb = fresh_jsb();
    sb.state = ES_JOURNAL_FAILED;
    sb.generation = 7;
    sb.epoch = 1;
    sb.origin_lbs = 4096;
    check_superblock(sb, golden::journal_superblock_failed);
}

TEST_CASE("golden record of a journal", "[golden]") {
    check_record(sample_jrec(sample_entries()), sample_entries(), golden::journal_record);
}

TEST_CASE("golden padding of a journal", "[golden]") {
    check_record(sample_pad(), {}, golden::journal_padding);
}
