// SPDX-License-Identifier: GPL-2.0-only
//
// Where LVM has put a linear or striped volume, as a device-mapper table.
#pragma once

#include <string>

#include "dm-ext/types.h"
#include "lvm/api.h"

namespace esnap {

/**
 * The table that LVM would load for an LV, with devices as major:minor. Throws Error, also for a
 * volume of another kind than linear or striped, and for one with a disk that is missing.
 */
dmext::Table lvm_table(LvmApi &lvm, const std::string &vg, const std::string &lv);

/**
 * The same of the two reports that it is made of (JSON; sizes in sectors): the LV's segments,
 * and the group's disks.
 */
dmext::Table table_from_reports(const std::string &segments, const std::string &disks);

} // namespace esnap
