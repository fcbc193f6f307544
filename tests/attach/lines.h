// SPDX-License-Identifier: GPL-2.0-only
//
// Table lines and messages by chance: some right, most of them wrong in a word, some nothing
// but noise. A line is refused, or what it brings up is right.
#pragma once

#include <string>
#include <vector>

#include "bases.h"

namespace attach {

struct LineCounts {
    std::uint64_t lines = 0, accepted = 0, resumed = 0, messages = 0, understood = 0;
};

/** One line; throws when it brings up something wrong. @line: what it was */
void try_line(Lab &lab, const Base &base, esmodel::Rng &rng, LineCounts &counts, std::string &line);

/** @messages of them to a chain, an image and a view that are up, which must be right afterwards.
 */
void try_messages(Lab &lab, const Base &base, esmodel::Rng &rng, unsigned messages,
                  LineCounts &counts, std::string &line);

} // namespace attach
