// SPDX-License-Identifier: GPL-2.0-only
//
// The checksum every record rests on, against published values (RFC 3720, B.4).

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>

#include <catch2/catch.hpp>

#include "es_env.h"

TEST_CASE("crc32c of the RFC 3720 examples", "[crc32c]") {
    std::array<unsigned char, 32> bytes{};
    CHECK(es_checksum(bytes.data(), bytes.size()) == 0x8a9136aa);
    bytes.fill(0xff);
    CHECK(es_checksum(bytes.data(), bytes.size()) == 0x62a8ab43);
    std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(0));
    CHECK(es_checksum(bytes.data(), bytes.size()) == 0x46dd794e);
    const std::string digits = "123456789";
    CHECK(es_checksum(digits.data(), digits.size()) == 0xe3069283);
}

TEST_CASE("crc32c in steps equals crc32c at once", "[crc32c]") {
    std::array<unsigned char, 61> bytes{};
    std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(7));
    const std::uint32_t whole = es_crc32c(1, bytes.data(), bytes.size());
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        const std::uint32_t head = es_crc32c(1, bytes.data(), cut);
        CHECK(es_crc32c(head, bytes.data() + cut, bytes.size() - cut) == whole);
    }
}
