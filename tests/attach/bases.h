// SPDX-License-Identifier: GPL-2.0-only
//
// What is damaged: chains in several states, made with the module itself, and what each image
// of them must read, as the writer knows it.
//
// The last record of the newest store, of the view's and of the ring repeats what is there
// already. A record at the end that is damaged cannot be told from a torn one; so forgetting it
// is as right as using it, and nothing else is.
#pragma once

#include <string>
#include <vector>

#include "lab.h"
#include "rng.h"

namespace attach {

struct Base {
    std::string name;
    bool has_journal = false;
    bool is_clean = false; /**< detached, so that nothing at the end of a log can be torn */
    Disks disks;
    Content origin; /**< what esnapshot-org must read */
    std::array<Content, nr_stores> snapshots;
    Content view;
};

std::vector<Base> make_bases(Lab &lab, std::uint64_t seed);

} // namespace attach
