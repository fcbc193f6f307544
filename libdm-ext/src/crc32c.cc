// SPDX-License-Identifier: GPL-2.0-only
//
// User land's es_crc32c (see dm-target/core/es_env.h): one raw CRC-32C step, no inversion
// before or after, like the kernel's crc32c(). Eight bytes a time by tables: fast enough
// for the offline tools on every processor.

#include <array>
#include <cstddef>
#include <cstdint>

extern "C" std::uint32_t es_crc32c(std::uint32_t crc, const void *buf, std::size_t len);

namespace {

constexpr std::uint32_t polynomial = 0x82f63b78; // Castagnoli, bits reversed

using tables = std::array<std::array<std::uint32_t, 256>, 8>;

// t[k][b]: what byte b contributes after k more bytes have passed.
constexpr tables make_tables() {
    tables t{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
        t[0][byte] = crc;
    }
    for (std::size_t k = 1; k < t.size(); ++k)
        for (std::size_t byte = 0; byte < 256; ++byte)
            t[k][byte] = (t[k - 1][byte] >> 8) ^ t[0][t[k - 1][byte] & 0xff];
    return t;
}

constexpr tables table = make_tables();

} // namespace

std::uint32_t es_crc32c(std::uint32_t crc, const void *buf, std::size_t len) {
    const auto *p = static_cast<const unsigned char *>(buf);

    for (; len >= 8; len -= 8, p += 8) {
        std::uint32_t next = 0;
        for (std::size_t i = 0; i < 8; ++i) {
            const std::size_t byte = p[i] ^ (i < 4 ? (crc >> (8 * i)) & 0xff : 0);
            next ^= table[7 - i][byte];
        }
        crc = next;
    }
    for (; len > 0; --len, ++p)
        crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xff];
    return crc;
}
