// SPDX-License-Identifier: GPL-2.0-only
//
// The commands of esnap-rack and their options.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "points.h"

namespace rack {

struct Options {
    std::string data_disk;    /**< record, recover: the disk that is cut into regions */
    std::string log;          /**< the log of the run: device or file */
    std::string recovery_log; /**< recover: a disk for the log of a recovery */
    std::uint64_t seed = 1;   /**< record: of the workload; else: of the choice of points */
    std::uint64_t writes = 1500;
    bool with_journal = false; /**< record: writes to the origin go to a journal */
    std::uint64_t points = 1000;
    std::uint64_t check_every = 50; /**< sweep: esnap check at every so many points */
    std::int64_t point = -1;        /**< look at this one only */
    std::uint64_t variant = 0;
    std::uint64_t failures = 3; /**< end after so many */
};

/** The points that the options ask for: one, or as many as they say. */
std::vector<Point> wanted_points(const Options &options, const Run &run);

/** Records a workload; in a guest. */
int command_record(const Options &options);
/** Judges many points by recovering in user space. */
int command_sweep(const Options &options);
/** Judges points by recovering with the module, twice each; in a guest. */
int command_recover(const Options &options);

} // namespace rack
