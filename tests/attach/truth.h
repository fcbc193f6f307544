// SPDX-License-Identifier: GPL-2.0-only
//
// What may be read of a damaged base: what the writer wrote, an I/O error, or damage to users'
// data that nothing reads before it is served. The last is told by content, not by maps: a sector
// may be wrong only where one that held it in the base was damaged, and only as that one is.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "mutant.h"

namespace attach {

class Truth {
public:
    Truth(const Base &base, const Catalogue &catalogue);

    /** May @got be read from block @number of an image, where @expected was? */
    bool allows(const Mutant &mutant, std::uint64_t number, const Block &expected,
                const Block &got) const;
    /** Where the base has this content. */
    std::string places_of(const Block &content) const;

private:
    bool allows_sector(const Mutant &mutant, std::uint64_t number, std::size_t sector,
                       const Block &expected, const Block &got) const;
    bool is_verified(const Place &place) const;

    const Base &base_;
    const Catalogue &catalogue_;
    /** By the hash of a sector's content; none for zeros: the blocks that have it there. */
    std::unordered_multimap<std::size_t, Place> places_;
};

} // namespace attach
