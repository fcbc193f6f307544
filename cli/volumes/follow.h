// SPDX-License-Identifier: GPL-2.0-only
//
// Devices whose volumes were renamed by somebody else: LVM does not know that they go with its
// LVs, and a command of ours may have been killed half-way.
#pragma once

#include <vector>

#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/**
 * Gives the devices of @chains the names that go with their LVs' (lvrename, vgrename), while they
 * are in use. Called before anything asks for a device by its name. Throws Error for an origin
 * that is live under a name which its LV no longer tells.
 */
void follow_names(System &system, const std::vector<Chain> &chains);

} // namespace esnap
