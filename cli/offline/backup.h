// SPDX-License-Identifier: GPL-2.0-only
//
// What a repair is about to overwrite, in a file, and the way back.
//
// The file: a line of text, a line of JSON (uuid, bytes: size of the device, blocks: addresses,
// saved, mended: checksums of what was there and of what is, left_out: how many blocks could not be
// read), then the blocks, 4096 bytes each.
#pragma once

#include <string>

#include "offline/repair.h"

namespace esnap {

/**
 * Writes what lies where @plan will write to the new file @path, durably. A block that cannot be
 * read is left out. Returns how many those are. Throws Error, also if there is such a file.
 */
std::size_t save_backup(const BlockSource &source, const RepairPlan &plan, const std::string &path);

struct Restored {
    std::size_t blocks = 0;
    std::size_t left_out = 0; /**< could not be read before the repair, and stay as it wrote them */
};

/**
 * Puts back what is in the file @path. Throws Error, with nothing written, if the file is damaged
 * or of another store or journal, or if that is not any more as the repair left it.
 */
Restored restore_backup(Device &device, const std::string &path);

} // namespace esnap
