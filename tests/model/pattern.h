/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Self-describing sector contents.
 *
 * Every sector the model test writes names the write it came from and the
 * sector it was meant for, and fills the rest with a sequence derived from
 * both.  So a wrong sector tells *what* was read instead of the right data: an
 * older or newer write, another sector, another device, or a mixture.
 *
 * Units: sectors of 512 bytes everywhere.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace esmodel {

inline constexpr std::size_t sector_bytes = 512;

using Sector = std::uint64_t;
using WriteId = std::uint64_t;
using Bytes = std::span<std::byte>;
using ConstBytes = std::span<const std::byte>;

/** A run of sectors. */
struct Range {
    Sector first = 0;
    Sector count = 0;

    Sector end() const { return first + count; }
    bool overlaps(const Range &other) const { return first < other.end() && other.first < end(); }
};

/** The id of contents that are all zero. */
inline constexpr WriteId zero_id = 0;

/** The parts of a WriteId, see make_id(). */
struct WriteOrigin {
    unsigned salt = 0;   /**< 15 bits from the seed, never 0 */
    unsigned device = 0; /**< 9 bits: chain * 64 + (0 origin, else view) */
    unsigned op = 0;     /**< 20 bits: number of the operation */
    unsigned sub = 0;    /**< 20 bits: number of the write in the operation */
};

WriteId make_id(const WriteOrigin &origin);
WriteOrigin split_id(WriteId id);

/** Fills @out (whole sectors) with the contents write @id gives to the sectors from @first on. */
void fill_pattern(Bytes out, WriteId id, Sector first);

/** Is the one sector at @data what write @id gives to @sector?  zero_id: all zero? */
bool matches(const std::byte *data, WriteId id, Sector sector);

/** The write whose pattern for @sector the sector at @data claims to be; zero_id if it claims none.
 */
WriteId claimed_id(const std::byte *data);

/** One line about a write id, for people. */
std::string describe_id(WriteId id);

/** One line about the contents of one sector that was read at @sector. */
std::string describe_sector(const std::byte *data, Sector sector);

} // namespace esmodel
