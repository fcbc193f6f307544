// SPDX-License-Identifier: GPL-2.0-only
#include <vector>

#include <catch2/catch.hpp>

#include "pattern.h"

using namespace esmodel;
using Catch::Matchers::Contains;

namespace {

constexpr WriteOrigin some_write{.salt = 77, .device = 65, .op = 123456, .sub = 8193};

std::vector<std::byte> pattern(WriteId id, Sector first, Sector count = 1) {
    std::vector<std::byte> data(count * sector_bytes);

    fill_pattern(data, id, first);
    return data;
}

} // namespace

TEST_CASE("a write id gives back what it was made of") {
    const WriteOrigin back = split_id(make_id(some_write));

    CHECK(back.salt == some_write.salt);
    CHECK(back.device == some_write.device);
    CHECK(back.op == some_write.op);
    CHECK(back.sub == some_write.sub);
}

TEST_CASE("a pattern matches its write and its sector only") {
    const WriteId id = make_id(some_write);
    const auto data = pattern(id, 40, 2);

    CHECK(matches(data.data(), id, 40));
    CHECK(matches(data.data() + sector_bytes, id, 41));
    CHECK_FALSE(matches(data.data(), id, 41));
    CHECK_FALSE(matches(data.data(), id + 1, 40));
    CHECK_FALSE(matches(data.data(), zero_id, 40));
}

TEST_CASE("a flip of any byte is noticed") {
    const WriteId id = make_id(some_write);
    auto data = pattern(id, 7);

    for (std::size_t i = 0; i < sector_bytes; i++) {
        data[i] ^= std::byte{0x10};
        CHECK_FALSE(matches(data.data(), id, 7));
        data[i] ^= std::byte{0x10};
    }
    CHECK(matches(data.data(), id, 7));
}

TEST_CASE("a flip in a zero sector is noticed") {
    auto data = pattern(zero_id, 7);

    CHECK(matches(data.data(), zero_id, 7));
    data[511] = std::byte{1};
    CHECK_FALSE(matches(data.data(), zero_id, 7));
}

TEST_CASE("a description names the write, the sector it was meant for, and damage") {
    const WriteId id = make_id(some_write);
    auto data = pattern(id, 40);

    CHECK_THAT(describe_sector(data.data(), 40), Contains("#8193 of op 123456"));
    CHECK_THAT(describe_sector(data.data(), 40), Contains("view 1 of chain 1"));
    CHECK_THAT(describe_sector(data.data(), 40), !Contains("SECTOR"));
    CHECK_THAT(describe_sector(data.data(), 41), Contains("SECTOR 40"));
    data[256] ^= std::byte{1};
    CHECK_THAT(describe_sector(data.data(), 40), Contains("DAMAGED from byte 256"));
    data[0] ^= std::byte{1};
    CHECK_THAT(describe_sector(data.data(), 40), Contains("foreign"));
    CHECK(describe_sector(pattern(zero_id, 1).data(), 1) == "zeros");
}
