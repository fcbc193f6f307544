// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rule for snapshots that are made under load: a prefix of each writer's
 * writes, the last of them torn at most.
 */
#include <vector>

#include <catch2/catch.hpp>

#include "model.h"

using namespace esmodel;

namespace {

constexpr WriteId base_id = 500;
constexpr Range region{8, 8};

/* Three writes that overlap: 1 on sectors 8..11, 2 on 10..13, 3 on 8..9. */
WriterLog three_writes(std::size_t completed_before, std::size_t issued_before) {
    return {region, {{{8, 4}, 1}, {{10, 4}, 2}, {{8, 2}, 3}}, completed_before, issued_before};
}

/* The region as a list of write ids, one per sector. */
std::vector<std::byte> read_as(const std::vector<WriteId> &ids) {
    std::vector<std::byte> data(ids.size() * sector_bytes);

    for (std::size_t i = 0; i < ids.size(); i++)
        fill_pattern(Bytes(data).subspan(i * sector_bytes, sector_bytes), ids[i], region.first + i);
    return data;
}

constexpr WriteId b = base_id;
const std::vector<std::byte> after_none = read_as({b, b, b, b, b, b, b, b});
const std::vector<std::byte> after_one = read_as({1, 1, 1, 1, b, b, b, b});
const std::vector<std::byte> after_two = read_as({1, 1, 2, 2, 2, 2, b, b});
const std::vector<std::byte> after_three = read_as({3, 3, 2, 2, 2, 2, b, b});

Image base_image() {
    Image image(24);

    image.write({0, 24}, base_id);
    return image;
}

bool is_allowed(const WriterLog &log, const std::vector<std::byte> &data) {
    Image snapshot = base_image();

    return !adopt_prefix(log, data, snapshot).has_value();
}

} // namespace

TEST_CASE("every whole prefix within the limits is right") {
    CHECK(is_allowed(three_writes(0, 3), after_none));
    CHECK(is_allowed(three_writes(0, 3), after_one));
    CHECK(is_allowed(three_writes(1, 3), after_two));
    CHECK(is_allowed(three_writes(3, 3), after_three));
}

TEST_CASE("a write that was completed before must be there") {
    CHECK_FALSE(is_allowed(three_writes(1, 3), after_none));
    CHECK_FALSE(is_allowed(three_writes(3, 3), after_two));
}

TEST_CASE("a write that was issued after must not be there") {
    CHECK_FALSE(is_allowed(three_writes(0, 2), after_three));
    CHECK_FALSE(is_allowed(three_writes(0, 0), after_one));
}

TEST_CASE("only the last write may be torn") {
    CHECK(is_allowed(three_writes(1, 2), read_as({1, 1, 2, 1, 2, b, b, b})));
    CHECK_FALSE(is_allowed(three_writes(2, 2), read_as({1, 1, 2, 1, 2, b, b, b})));
    /* write 3 is there, so write 2 must be whole */
    CHECK_FALSE(is_allowed(three_writes(0, 3), read_as({3, 3, 2, 1, 2, 2, b, b})));
}

TEST_CASE("a later write without an earlier one is wrong") {
    CHECK_FALSE(is_allowed(three_writes(0, 3), read_as({b, b, 2, 2, 2, 2, b, b})));
}

TEST_CASE("foreign data is wrong") {
    CHECK_FALSE(is_allowed(three_writes(0, 3), read_as({1, 1, 1, 1, b, b, b, 77})));
}

TEST_CASE("what was adopted is expected from then on") {
    Image snapshot = base_image();

    REQUIRE_FALSE(adopt_prefix(three_writes(1, 2), read_as({1, 1, 2, 1, 2, b, b, b}), snapshot));
    CHECK(snapshot.id(10) == 2);
    CHECK(snapshot.id(11) == 1);
    CHECK(snapshot.id(12) == 2);
    CHECK(snapshot.id(13) == base_id);
    CHECK(snapshot.check(region.first, after_two).has_value());
}
