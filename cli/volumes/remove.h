// SPDX-License-Identifier: GPL-2.0-only
//
// Plans that remove snapshots and views. Making one changes nothing.
#pragma once

#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/**
 * Any view; of snapshots the oldest, if it has no view. Throws Error with the reason for all
 * others, and for what is in use. The store's LV is tagged esnap.removing first: killed in
 * between, the next command goes on (settle(), assemble.h).
 */
dmext::Plan remove_volume(System &system, const Found &found);

/**
 * Gives an origin without snapshots and views back to LVM, active if it is so now. The plan is
 * empty while the origin is in use: it goes on as a pass-through.
 */
dmext::Plan dissolve(System &system, const Chain &chain);

} // namespace esnap
