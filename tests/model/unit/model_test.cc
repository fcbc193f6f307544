// SPDX-License-Identifier: GPL-2.0-only
#include <vector>

#include <catch2/catch.hpp>

#include "model.h"

using namespace esmodel;

namespace {

constexpr WriteId old_id = 1001;
constexpr WriteId new_id = 1002;

std::vector<std::byte> pattern(WriteId id, Range range) {
    std::vector<std::byte> data(range.count * sector_bytes);

    fill_pattern(data, id, range.first);
    return data;
}

/* 16 sectors of old_id. */
Image written_image() {
    Image image(16);

    image.write({0, 16}, old_id);
    return image;
}

bool reads(Image &image, Range range, WriteId id) {
    return !image.check(range.first, pattern(id, range)).has_value();
}

} // namespace

TEST_CASE("a new image is zero") {
    Image image(16);

    CHECK(reads(image, {0, 16}, zero_id));
    CHECK_FALSE(reads(image, {0, 16}, old_id));
}

TEST_CASE("a write is expected in its range only") {
    Image image = written_image();

    image.write({4, 2}, new_id);
    CHECK(reads(image, {0, 4}, old_id));
    CHECK(reads(image, {4, 2}, new_id));
    CHECK(reads(image, {6, 10}, old_id));
    CHECK_FALSE(reads(image, {4, 1}, old_id));
    CHECK_FALSE(reads(image, {5, 1}, zero_id));
}

TEST_CASE("a mismatch names the first differing sector") {
    Image image = written_image();
    auto data = pattern(old_id, {2, 8});

    data[3 * sector_bytes + 9] ^= std::byte{1};
    data[5 * sector_bytes] ^= std::byte{1};

    const auto mismatch = image.check(2, data);

    REQUIRE(mismatch);
    CHECK(mismatch->sector == 5);
}

TEST_CASE("a discarded sector keeps its data or is zero, and stays what it was found to be") {
    SECTION("kept") {
        Image image = written_image();

        image.discard({4, 4});
        CHECK(reads(image, {4, 4}, old_id));
        CHECK_FALSE(reads(image, {4, 4}, zero_id));
    }
    SECTION("zeroed") {
        Image image = written_image();

        image.discard({4, 4});
        CHECK(reads(image, {4, 4}, zero_id));
        CHECK_FALSE(reads(image, {4, 4}, old_id));
    }
    SECTION("nothing else") {
        Image image = written_image();

        image.discard({4, 4});
        CHECK_FALSE(reads(image, {4, 4}, new_id));
    }
    SECTION("written again") {
        Image image = written_image();

        image.discard({4, 4});
        image.write({4, 4}, new_id);
        CHECK_FALSE(reads(image, {4, 4}, zero_id));
        CHECK(reads(image, {4, 4}, new_id));
    }
}

TEST_CASE("a snapshot of a discarded sector may be zero though the origin was read") {
    Image origin = written_image();

    origin.discard({4, 4});
    CHECK(reads(origin, {4, 4}, old_id));

    Image snapshot = origin.frozen();

    CHECK(snapshot.is_undecided(4));
    CHECK_FALSE(origin.is_undecided(4));
    CHECK(reads(snapshot, {4, 4}, zero_id));
    CHECK_FALSE(reads(snapshot, {4, 4}, old_id));
    CHECK(reads(origin, {4, 4}, old_id));
}

TEST_CASE("a discard of the origin changes no snapshot") {
    Image origin = written_image();
    Image snapshot = origin.frozen();

    origin.discard({0, 16});
    CHECK_FALSE(reads(snapshot, {3, 1}, zero_id));
    CHECK(reads(snapshot, {0, 16}, old_id));
}

TEST_CASE("a write after a discard is in the next snapshot for certain") {
    Image origin = written_image();

    origin.discard({4, 4});
    origin.write({5, 1}, new_id);

    Image snapshot = origin.frozen();

    CHECK_FALSE(reads(snapshot, {5, 1}, zero_id));
    CHECK(snapshot.is_undecided(4));
}

TEST_CASE("undecided sectors are listed as runs") {
    Image image = written_image();

    image.discard({2, 3});
    image.discard({5, 1});
    image.discard({9, 1});

    const auto ranges = image.undecided_ranges();

    REQUIRE(ranges.size() == 2);
    CHECK(ranges[0].first == 2);
    CHECK(ranges[0].count == 4);
    CHECK(ranges[1].first == 9);
    CHECK(ranges[1].count == 1);
}
