// SPDX-License-Identifier: GPL-2.0-only
//
// Extending an area by policy: what the settings are, how full it is, what follows.
#pragma once

#include <string>

#include "policy/decide.h"
#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/**
 * What holds for the volume: its tags, system.conf, LVM's settings (asked for only if those two
 * leave something open), the defaults. Throws Error or policy::SettingError.
 */
policy::Policy policy_of(System &system, const Volume &volume);

struct AutoExtension {
    policy::Policy policy = {};
    policy::Room room = {};
    policy::Decision decision = {};
    std::string summary; /**< one sentence on what is done, or why nothing is */

    bool is_extension() const { return decision.extents > 0; }
};

/**
 * Looks at the area and decides. Throws Error if there is nothing to look at: an origin, or a
 * volume that is not active. An older snapshot has enough, since nothing is added to it.
 */
AutoExtension decide_extension(System &system, const Vg &vg, const Found &found);

/** Tells the kernel from which fill on the area is low: at the policy's threshold. */
void set_low_water(System &system, const Volume &volume, const policy::Policy &policy);

} // namespace esnap
