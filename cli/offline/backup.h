// SPDX-License-Identifier: GPL-2.0-only
//
// What a repair is about to overwrite, in a file, and the way back.
//
// The file: a line of text, a line of JSON (uuid, bytes: size of the device, blocks: addresses),
// then the blocks, 4096 bytes each.
#pragma once

#include <string>

#include "offline/repair.h"

namespace esnap {

/**
 * Writes what lies where @plan will write to the new file @path, durably. A block that cannot be
 * read is left out. Throws Error, also if there is such a file.
 */
void save_backup(const BlockSource &source, const RepairPlan &plan, const std::string &path);

/**
 * Puts back what is in the file @path. Throws Error, with nothing written, if it is damaged or
 * of another device. Returns how many blocks there were.
 */
std::size_t restore_backup(Device &device, const std::string &path);

} // namespace esnap
