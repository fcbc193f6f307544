// SPDX-License-Identifier: GPL-2.0-only
//
// What things are called: volumes as users name them, the LVs beneath, devices, nodes.
#pragma once

#include <string>

namespace esnap {

inline constexpr const char *origin_suffix = "_eorig";
inline constexpr const char *store_suffix = "_ecow";
inline constexpr const char *journal_suffix = "_ejrnl";

/** A volume as users name it; lv may be empty where a command takes a whole group. */
struct VolumeName {
    std::string vg;
    std::string lv;

    std::string text() const { return lv.empty() ? vg : vg + "/" + lv; }
};

/** VG/LV, /dev/VG/LV, and VG or /dev/VG alone. Throws UsageError. */
VolumeName parse_name(const std::string &word);
/** The same, and both parts must be there. */
VolumeName parse_volume(const std::string &word);

/** Throws UsageError unless it can be the name of a new volume. */
void require_good_name(const std::string &lv);

/** Does a name belong to an LV beneath one of ours? */
bool is_hidden_name(const std::string &lv);
/** @name without @suffix; empty if it does not end so. */
std::string without_suffix(const std::string &name, const std::string &suffix);

/** "vg-lv", with LVM's doubling of dashes inside names. */
std::string dm_name(const std::string &vg, const std::string &lv);
/** "/dev/mapper/vg-lv" */
std::string node_of(const std::string &vg, const std::string &lv);

} // namespace esnap
