// SPDX-License-Identifier: GPL-2.0-only
//
// Devices whose volumes were renamed by somebody else: LVM does not know that they go with its
// LVs, and a command of ours may have been killed half-way.
#pragma once

#include "dm-ext/tree.h"
#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/**
 * Gives the devices of @chain the names that go with its LVs' (lvrename, vgrename), while they
 * are in use. Called before anything asks for a device by its name. @tree: all devices, as they are
 * but for other chains' names. Throws Error for an origin that is live under a name which its LV no
 * longer tells, and for one whose devices are a copy's.
 */
void follow_names(System &system, const dmext::Tree &tree, const Chain &chain);

} // namespace esnap
