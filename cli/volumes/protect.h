// SPDX-License-Identifier: GPL-2.0-only
//
// LVM must not activate an origin by itself, without its snapshots: its LV is tagged, and skipped
// by vgchange -ay and at boot. What its user had set of that is kept in a tag, and comes back.
#pragma once

#include <string>

#include "lvm/api.h"
#include "lvm/report.h"

namespace esnap {

/** What the user of an LV has set about its activation. */
struct ActivationFlags {
    bool is_skipped = false;      /**< lvchange --setactivationskip y */
    bool is_autoactivated = true; /**< lvchange --setautoactivation y */
};

/** @lv: protected, or not (yet). */
ActivationFlags user_flags(const Lv &lv);

/** The one command that protects the LV at @path. */
Words protect_lv(const std::string &path, const ActivationFlags &users);
/** The one command that gives it back as it was. */
Words release_lv(const std::string &path, const ActivationFlags &users);

} // namespace esnap
