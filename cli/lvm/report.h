// SPDX-License-Identifier: GPL-2.0-only
//
// Volume groups and logical volumes as LVM reports them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lvm/api.h"

namespace esnap {

struct Lv {
    std::string name;
    std::string uuid;
    /** Of LVM's device for it: a copied group (vgimportclone) has LVs of the same uuids. */
    std::string device_uuid;
    std::uint64_t bytes = 0;
    /** "linear", "striped", "raid,raid1", ... */
    std::string layout;
    std::vector<std::string> tags;
    bool is_internal = false; /**< a part of another volume */
    bool is_active = false;
    bool is_open = false;
    /** Not activated by vgchange -ay. */
    bool is_skipped = false;
    /** Activated when its devices appear (vgchange -aay). */
    bool is_autoactivated = true;
    std::string created; /**< as LVM prints it */

    bool has_tag(const std::string &tag) const;
    /** What follows @prefix in the tag that begins with it; empty if there is none. */
    std::string tag_value(const std::string &prefix) const;
};

struct Vg {
    std::string name;
    std::string uuid;
    std::uint64_t extent_bytes = 0;
    std::uint64_t extents = 0;
    std::uint64_t free_extents = 0;
    bool is_shared = false;
    bool is_exported = false;
    bool is_partial = false;
    std::vector<Lv> lvs;

    const Lv *find(const std::string &lv_name) const;
};

/** All volume groups, or the one named; hidden volumes included. Throws Error. */
std::vector<Vg> read_vgs(LvmApi &lvm, const std::string &vg = {});
/** The one volume group; throws Error if it is not there or is one we keep our hands off. */
Vg read_vg(LvmApi &lvm, const std::string &vg);

/** Reads the report's JSON. Throws Error for whatever is not as it should be. */
std::vector<Vg> parse_vgs(const std::string &json);

} // namespace esnap
