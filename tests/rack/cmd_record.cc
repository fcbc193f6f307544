// SPDX-License-Identifier: GPL-2.0-only
//
// esnap-rack record: a workload on the real module, under dm-log-writes.
#include <fmt/format.h>

#include "commands.h"
#include "workload.h"

namespace rack {

int command_record(const Options &options) {
    fmt::print("recording seed {}\n", options.seed);
    std::fflush(stdout);
    Workload workload(
        {.seed = options.seed, .writes = options.writes, .with_journal = options.with_journal},
        {.data = options.data_disk, .log = options.log});
    workload.run();
    fmt::print("seed {}: {}\n", options.seed, workload.describe());
    return 0;
}

} // namespace rack
