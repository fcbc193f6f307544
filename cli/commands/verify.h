// SPDX-License-Identifier: GPL-2.0-only
//
// What check and scrub have in common.
#pragma once

#include "command.h"
#include "offline/device.h"

namespace esnap {

/**
 * Verifies the store or journal on @device, which is read through @source, and prints the result.
 * Returns the exit code.
 */
int verify(const Device &device, const BlockSource &source, bool is_json, const Context &context);

} // namespace esnap
