// SPDX-License-Identifier: GPL-2.0-only
//
// Whether the kernel has the targets that this library speaks to.
#pragma once

#include "dm-ext/api.h"

namespace dmext {

/** The interface (tables, messages, status lines) that this library was written for. */
inline constexpr std::uint32_t target_major = 1;

/**
 * Throws Error unless the kernel has all three targets, each with the interface target_major. To
 * be called once, before anything is changed; the module is loaded by the caller.
 */
void require_targets(DmApi &api);

} // namespace dmext
