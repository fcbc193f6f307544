// SPDX-License-Identifier: GPL-2.0-only
//
// Sectors that say what they are, and a pool in which each content has a number.
//
// A sector written by the rack names the device and the address it was meant for, its writer,
// its sequence number and its time, and ends in a CRC-32C; the rest follows from these. A
// reconstructed disk is an array of content numbers: comparing sectors is comparing integers.
//
// Units: sectors of 512 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace rack {

using Sector = std::uint64_t;
using ContentId = std::uint32_t;

inline constexpr std::size_t sector_bytes = 512;
inline constexpr ContentId zeros = 0; /**< the content that is all zero */

/** Who may be written: the origin, and view number v as first_view + v. */
inline constexpr std::uint32_t no_device = 0;
inline constexpr std::uint32_t origin_device = 1;
inline constexpr std::uint32_t first_view = 2;

/** What a sector says about itself. */
struct Stamp {
    std::uint32_t device = no_device; /**< no_device: the sector says nothing */
    std::uint32_t writer = 0;
    Sector address = 0;     /**< on that device */
    std::uint64_t seq = 0;  /**< rises from write to write in a run; 0: there from the start */
    std::uint64_t time = 0; /**< nanoseconds since the run began */
    std::uint64_t salt = 0; /**< of the run: nothing of an earlier run passes for one of this */
};

/** Fills @out, whole sectors, from @first.address on. */
void fill_sectors(std::span<std::byte> out, const Stamp &first);

/** Nothing when the sector is none of ours or its CRC is wrong. */
std::optional<Stamp> parse_sector(std::span<const std::byte, sector_bytes> sector);

/** "origin sector 12, write 34 by writer 1" and the like. */
std::string describe(const Stamp &stamp);

/** Every content seen, once. Number 0 is the zeros. */
class SectorPool {
public:
    /** Sectors of runs with another salt say nothing. */
    explicit SectorPool(std::uint64_t salt = 0);

    void set_salt(std::uint64_t salt) { salt_ = salt; }
    ContentId intern(std::span<const std::byte, sector_bytes> sector);
    std::span<const std::byte, sector_bytes> bytes(ContentId id) const;
    const Stamp &stamp(ContentId id) const { return stamps_[id]; }
    std::size_t size() const { return stamps_.size(); }

private:
    std::uint64_t salt_;
    std::vector<std::byte> data_;
    std::vector<Stamp> stamps_;
    std::unordered_multimap<std::uint64_t, ContentId> by_hash_;
};

} // namespace rack
