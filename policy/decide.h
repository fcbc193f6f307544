// SPDX-License-Identifier: GPL-2.0-only
//
// From how full an area is to by how much it grows.
#pragma once

#include <cstdint>

#include "policy/settings.h"

namespace esnap::policy {

/** An area, in any unit, and the group it can grow in. */
struct Room {
    std::uint64_t used = 0;
    std::uint64_t total = 0;
    bool is_full = false; /**< writes wait: what is free in it is not enough for them */
    bool is_low = false;  /**< it will be beyond the threshold when what is under way is in it */
    std::uint64_t extent = 0; /**< the size of one, in the same unit */
    std::uint64_t free_extents = 0;

    double percent_used() const;
};

enum class Verdict {
    off,       /**< the policy says never */
    enough,    /**< below the threshold */
    grow,      /**< by Decision::extents */
    grow_less, /**< the same, but the group has less than the policy wants */
    no_room,   /**< the group has nothing left */
};

struct Decision {
    Verdict verdict = Verdict::enough;
    std::uint64_t extents = 0;
    std::uint64_t wanted = 0; /**< what the policy asks for, were there room */
};

/**
 * Grows in steps of the policy until the area is below the threshold; by at least one extent.
 * One that is full, although it was watched, filled faster than steps of this size can follow:
 * by percent it grows by at least its size then.
 *
 * What the group cannot give is not asked for: the last extents are better than none.
 */
Decision decide(const Policy &policy, const Room &room);

} // namespace esnap::policy
