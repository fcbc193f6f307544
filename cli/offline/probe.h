// SPDX-License-Identifier: GPL-2.0-only
//
// What is on a device that somebody wants to format? A blank device is the only good answer.
#pragma once

#include <optional>
#include <string>

#include "offline/device.h"

namespace esnap {

/**
 * Says in words what @device holds ("an ext4 file system", "data: byte 4096 is not zero"),
 * nothing if it may be overwritten: its first 64 KiB are zero and libblkid knows no
 * signature behind them either (btrfs, for one, leaves its first 64 KiB zero). Throws Error.
 */
std::optional<std::string> find_content(const Device &device);

/**
 * Wipes, durably, every signature of a file system, RAID, partition table or the like that
 * libblkid finds on @device, which must be open for writing. Throws Error.
 */
void wipe_signatures(const Device &device);

} // namespace esnap
