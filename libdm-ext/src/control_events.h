// SPDX-License-Identifier: GPL-2.0-only
//
// Events through poll() on device-mapper's control node.
#pragma once

#include <memory>
#include <string>

#include "dm-ext/api.h"

namespace dmext {

/** @control: "/dev/mapper/control". Throws Error. */
std::unique_ptr<EventSource> open_control_events(const std::string &control);

} // namespace dmext
