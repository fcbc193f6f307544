// SPDX-License-Identifier: GPL-2.0-only
//
// Growing an origin: first its LV, then the device that users see.
#pragma once

#include "dm-ext/plan.h"
#include "lvm/api.h"
#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/** Whether a live chain's origin is shorter than its LV: growing it was not finished. */
bool is_short(System &system, const Chain &chain);

/** Lets the origin of a live chain become as long as its LV. */
dmext::Step grow_origin_step(System &system, const Chain &chain);

/**
 * Extends the origin's LV by @size, LVM's words, and its device with it, in use or not. Throws
 * Error if the LV is not where the kernel has it.
 */
dmext::Plan extend_origin(System &system, const Chain &chain, const Words &size);

} // namespace esnap
