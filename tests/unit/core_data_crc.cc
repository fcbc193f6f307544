// SPDX-License-Identifier: GPL-2.0-only
//
// The checksum of users' data, which may contain CRC-32C itself.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include <catch2/catch.hpp>

#include "es_types.h"

namespace {

constexpr std::size_t sector_size = 512;

struct alignas(8) Data {
    std::array<std::uint8_t, 2 * ES_BLOCK_SIZE> bytes{};

    std::uint32_t plain() const { return es_checksum(bytes.data(), bytes.size()); }
    std::uint32_t checksum() const { return es_data_checksum(bytes.data(), 2); }
    std::span<std::uint8_t> sector(std::size_t i) {
        return std::span(bytes).subspan(i * sector_size, sector_size);
    }
};

/** A sector that ends in its own CRC-32C, without the final inversion as ext4 has it. */
void fill(std::span<std::uint8_t> sector, std::uint8_t with) {
    std::ranges::fill(sector, with);
    const std::uint32_t crc = htole32(es_crc32c(~0U, sector.data(), sector_size - 4));
    std::memcpy(sector.data() + sector_size - 4, &crc, 4);
}

Data sectors_with_their_own_crc() {
    Data data;
    for (std::size_t i = 0; i < data.bytes.size() / sector_size; ++i)
        fill(data.sector(i), static_cast<std::uint8_t>(i));
    return data;
}

} // namespace

TEST_CASE("a sector with its own crc32c in place of another one is seen", "[crc32c]") {
    const Data data = sectors_with_their_own_crc();
    for (std::size_t i = 0; i < data.bytes.size() / sector_size; ++i) {
        Data torn = data;
        fill(torn.sector(i), 0x77);
        CHECK(torn.plain() == data.plain()); // why CRC-32C alone is not enough
        CHECK(torn.checksum() != data.checksum());
    }
}

TEST_CASE("two sectors with their own crc32c that have changed places are seen", "[crc32c]") {
    const Data data = sectors_with_their_own_crc();
    for (std::size_t i = 1; i < data.bytes.size() / sector_size; ++i) {
        Data mixed = data;
        std::ranges::swap_ranges(mixed.sector(i - 1), mixed.sector(i));
        CHECK(mixed.plain() == data.plain());
        CHECK(mixed.checksum() != data.checksum());
    }
}

TEST_CASE("every changed byte is seen by the data checksum", "[crc32c]") {
    Data data = sectors_with_their_own_crc();
    const std::uint32_t checksum = data.checksum();
    for (std::size_t i = 0; i < data.bytes.size(); i += 7) {
        data.bytes[i] ^= 0x10;
        CHECK(data.checksum() != checksum);
        data.bytes[i] ^= 0x10;
    }
    CHECK(data.checksum() == checksum);
}

TEST_CASE("the data checksum is what format.md says", "[crc32c]") {
    Data data;
    std::array<std::uint64_t, ES_BLOCK_SIZE / 8> words;
    for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = htole64(i * 0x9e3779b97f4a7c15ULL);
    std::memcpy(data.bytes.data(), words.data(), ES_BLOCK_SIZE);
    std::uint64_t a = 0, b = 0;
    for (const std::uint64_t word : words) {
        a += le64toh(word);
        b += a;
    }
    const std::array sums{htole64(a), htole64(b)};
    std::uint32_t crc = es_crc32c(~0U, data.bytes.data(), ES_BLOCK_SIZE);
    crc = es_crc32c(crc, sums.data(), sizeof(sums));
    CHECK(es_data_checksum(data.bytes.data(), 1) == (crc ^ ~0U));
}
