// SPDX-License-Identifier: GPL-2.0-only
//
// Having whole groups watched, or not.
#pragma once

#include <string>
#include <vector>

#include "command.h"
#include "commands/live.h"

namespace esnap {

/** The groups that have chains, or LVs of ours that belong to none. Throws Error. */
std::vector<std::string> groups_with_chains(LvmKind kind = LvmKind::library);

/**
 * Has watched what is live in groups @names and wants to be, as far as that can be had without
 * waiting for other commands: one that holds a group's lock may be waiting for the room that
 * only a watched area gets. What goes wrong is left to monitor_group(), which is to follow.
 */
void watch_without_lock(const std::vector<std::string> &names);

/**
 * Has what is live in group @name watched, if it wants to be, or nothing of it. Says on @context
 * what cannot be had, and returns an ExitCode. Throws Error.
 */
int monitor_group(const Context &context, bool is_test, bool wanted, const std::string &name);

} // namespace esnap
