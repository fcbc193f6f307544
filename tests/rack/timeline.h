// SPDX-License-Identifier: GPL-2.0-only
//
// The log in the order in which things were complete, as far as that can be known.
//
// dm-log-writes holds a write without FUA back until a flush is sent, to any region, and
// records it when that flush has completed. Two corrections:
//
//   1. A write of the workload was complete when it was acknowledged: it is moved to its
//      mark, if that comes first. With a journal it is the ring's record that was.
//   2. Two flushes may be under way at once. The first one sent, A, takes all writes with it
//      into the log; should B, sent later to another region, complete before A, then B's
//      region looks as if its writes had come after B. What the kernel wrote to slots is
//      moved before the last flush of its region, if that came shortly before, and no FUA write
//      to it since: A does not take as long as a flush and a write one after the other. This is
//      kind to the product in that rare case: such a write counts as durable. Summaries stay where
//      they are: nothing depends on them.
#pragma once

#include <vector>

#include "layout.h"
#include "log.h"

namespace rack {

struct Step {
    enum class Kind { write, flush, mark };

    Kind kind = Kind::mark;
    bool fua = false;
    std::uint32_t region = 0;
    std::size_t entry = 0; /**< in the log */
};

std::vector<Step> make_timeline(const Log &log, const SectorPool &pool, const Layout &layout);

/** Layout of the run: what its first mark says. Throws when there is none. */
Layout layout_of(const Log &log);

} // namespace rack
