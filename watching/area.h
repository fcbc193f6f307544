// SPDX-License-Identifier: GPL-2.0-only
//
// From a status line to what a Watcher looks at, and the command that extends.
#pragma once

#include <optional>
#include <string>

#include "dm-ext/status.h"
#include "watching/watcher.h"

namespace esnap {

/** Nothing: @device is of no volume, or @line of no area. Throws dmext::Error. */
std::optional<WatchedWorld::Sample> sample_of(const std::string &device, const dmext::Target &line);

/** Runs "@program lvextend --use-policies @volume", for at most two minutes. */
WatchedWorld::Outcome extend_area(const std::string &program, const std::string &volume);

} // namespace esnap
