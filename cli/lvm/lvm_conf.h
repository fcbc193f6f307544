// SPDX-License-Identifier: GPL-2.0-only
//
// A first look at LVM's configuration, to spare a run of lvmconfig.
#pragma once

#include <filesystem>
#include <string>

namespace esnap {

/** Where LVM reads its configuration: $LVM_SYSTEM_DIR, or /etc/lvm. */
std::filesystem::path lvm_conf_directory();

/**
 * Whether a file of @directory says anything about @word outside of comments. If not, LVM's default
 * holds; if so, or if a file cannot be read, ask LVM what.
 */
bool lvm_conf_mentions(const std::filesystem::path &directory, const std::string &word);

} // namespace esnap
