// SPDX-License-Identifier: GPL-2.0-only
//
// Plans that grow and rename what is there.
#pragma once

#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/**
 * Grows a snapshot's or view's store, or the origin, while they are in use. @size: LVM's option
 * and value. Writes that waited for room go on.
 */
dmext::Plan extend_volume(System &system, const Found &found, const Words &size);

/** Renames a snapshot, a view or an origin, whether live or not. */
dmext::Plan rename_volume(System &system, const Vg &vg, const Found &found,
                          const std::string &new_name);

} // namespace esnap
