// SPDX-License-Identifier: GPL-2.0-only
//
// One damaged chain: attached if it can be, everything read, some written, read again,
// detached, sometimes attached once more.
#pragma once

#include <string>
#include <vector>

#include "truth.h"

namespace attach {

struct Outcome {
    bool is_refused = false;
    unsigned images = 0, refused_images = 0;
    std::uint64_t right_blocks = 0, failed_blocks = 0, damaged_blocks = 0;
    std::vector<std::string> wrong; /**< what must not be */
};

/** Throws what must not happen either: a device that cannot be removed. */
Outcome run_trial(Lab &lab, const Base &base, const Truth &truth, const Mutant &mutant,
                  esmodel::Rng &rng);

} // namespace attach
