// SPDX-License-Identifier: GPL-2.0-only
//
// Having whole groups watched, or not.
#pragma once

#include <string>
#include <vector>

#include "command.h"

namespace esnap {

/** The groups that have chains, or LVs of ours that belong to none. Throws Error. */
std::vector<std::string> groups_with_chains();

/**
 * Has what is live in group @name watched, if it wants to be, or nothing of it. Says on @context
 * what cannot be had, and returns an ExitCode. Throws Error.
 */
int monitor_group(const Context &context, bool is_test, bool wanted, const std::string &name);

} // namespace esnap
