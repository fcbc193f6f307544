// SPDX-License-Identifier: GPL-2.0-only
//
// How the one disk is cut: the origin, then slots of equal size for stores of snapshots and
// views, and for a journal. A flush covers the region that it was sent to and no other.
//
// Units: sectors of the disk.
#pragma once

#include <optional>

#include "content.h"
#include "event.h"

namespace rack {

struct Region {
    Sector first = 0;
    Sector sectors = 0;
};

struct Layout {
    std::uint64_t salt = 0;
    Sector origin_sectors = 0;
    std::uint32_t chunk_sectors = 0;
    Sector slot_sectors = 0; /**< what a slot can grow to */
    std::uint32_t slots = 0;
    bool has_journal = false; /**< in the last slot */

    static constexpr Sector alignment = 2048;
    static constexpr Sector journal_sectors = 8192;
    static constexpr std::uint64_t journal_bit = std::uint64_t{1} << 32;

    static Layout from(const Event &begin) {
        return {.salt = begin.v[0],
                .origin_sectors = begin.v[1],
                .chunk_sectors = static_cast<std::uint32_t>(begin.v[2]),
                .slot_sectors = begin.v[3],
                .slots = static_cast<std::uint32_t>(begin.v[4]),
                .has_journal = (begin.v[4] & journal_bit) != 0};
    }
    Event begin() const {
        return {EventKind::begin,
                {salt, origin_sectors, chunk_sectors, slot_sectors,
                 slots | (has_journal ? journal_bit : 0)}};
    }

    Region origin() const { return {0, origin_sectors}; }
    Region slot(std::uint32_t number, Sector sectors) const {
        return {slots_first() + number * slot_sectors, sectors};
    }
    std::uint32_t journal_slot() const { return slots - 1; }
    Region journal() const { return slot(journal_slot(), journal_sectors); }
    Sector slots_first() const { return (origin_sectors + alignment - 1) / alignment * alignment; }
    Sector disk_sectors() const { return slots_first() + slots * slot_sectors; }

    /** 0 is the origin, 1 + n is slot n. */
    std::uint32_t regions() const { return slots + 1; }
    std::uint32_t region_of(Sector sector) const {
        if (sector < slots_first())
            return 0;
        return static_cast<std::uint32_t>((sector - slots_first()) / slot_sectors) + 1;
    }
    std::uint64_t chunks() const { return (origin_sectors + chunk_sectors - 1) / chunk_sectors; }
};

} // namespace rack
