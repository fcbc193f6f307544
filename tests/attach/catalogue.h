// SPDX-License-Identifier: GPL-2.0-only
//
// What lies where in a base: blocks by kind, and the records of each log in their order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bases.h"

namespace attach {

enum class Kind { superblock, journal_superblock, record, summary, index, ring_record, payload };

const char *name_of(Kind kind);

/** Where a block of @kind has the checksum of itself; payload has none. */
esnap::test::Field crc_of(Kind kind);
/** Its fields, for changes that are more than noise. */
const std::vector<esnap::test::Field> &fields_of(Kind kind);

struct Record {
    Place header;
    std::uint64_t seq = 0;
    std::uint64_t blocks = 0; /**< payload that follows */

    bool has(const Place &place) const {
        return place.first == header.first && place.second >= header.second &&
               place.second <= header.second + blocks;
    }
};

struct Catalogue {
    explicit Catalogue(const Base &base);

    std::map<Place, Kind> kinds; /**< blocks that are not all zero */
    std::vector<Place> metadata, payload;
    /** Those of a part whose end counts at an attach, oldest first. */
    std::map<std::size_t, std::vector<Record>> logs;

private:
    void look_at(const Base &base, std::size_t part);
};

} // namespace attach
