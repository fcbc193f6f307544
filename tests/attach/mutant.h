// SPDX-License-Identifier: GPL-2.0-only
//
// Damage to a base, by chance.
//
// Most of it is left as a disk would leave it: bits, sectors and blocks that are wrong, gone,
// or in the wrong place. What comes of that must be refused, right, or an I/O error. Some of
// it is sealed again with the right checksum. That is a store that says something else, for
// which nobody can say what right is: it must be survived.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalogue.h"

namespace attach {

struct Mutant {
    Changes changes;
    struct Cut {
        std::size_t part;
        std::uint64_t sectors;
    };
    std::optional<Cut> cut;
    std::set<Place> noise; /**< changed, and not sealed again */
    std::vector<std::string> what;
    bool is_judged = true; /**< is it known what must be read? */
};

Mutant make_mutant(const Base &base, const Catalogue &catalogue, esmodel::Rng &rng);

} // namespace attach
