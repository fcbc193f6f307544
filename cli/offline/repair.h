// SPDX-License-Identifier: GPL-2.0-only
//
// Mending what can be proven: copies of what the log says, where the log itself is whole.
//
//   superblock  a copy that is lost or damaged is written again from the one that counts, as the
//               next commit would
//   summary     of a closed segment, from the segment's records; that of the open one, where only
//               the remains of a torn one can be, is cleared if it cannot be read
//   index       of a sealed store, from the extents of the log
//   chunk map   of a detached store, from the same, if that has the checksum the superblock says
//
// What is stored once cannot be mended: a record's header, payload. A torn end of the log is no
// damage: attaching a store cuts it off.
//
// Each mend is right by itself, and writes over what nothing can be read from; so one that is
// broken off is made again. The superblock goes last.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "offline/block_source.h"
#include "offline/device.h"
#include "offline/findings.h"

namespace esnap {

/** Whole blocks that are to be written at block @addr. */
struct Mend {
    Area area = Area::device;
    std::uint64_t addr = 0;
    std::vector<std::byte> data;
    std::string what;
    bool is_unreadable = false; /**< what lies there cannot be kept, because it cannot be read */
};

struct RepairPlan {
    std::string uuid; /**< of the store or journal */
    FindingList before;
    std::vector<Mend> mends; /**< in the order in which they are to be made */
    FindingList after;       /**< what a check will find then */
};

/** Looks at the store or journal; writes nothing. Throws Error if it is neither. */
RepairPlan plan_repair(const BlockSource &source);

/** Makes the mends, durably. Throws Error. */
void repair(Device &device, const RepairPlan &plan);

// --- between the files of it ---

std::vector<Mend> mend_store(const BlockSource &source, const FindingList &faults);
std::vector<Mend> mend_journal(const BlockSource &source, const FindingList &faults);

} // namespace esnap
