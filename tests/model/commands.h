/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of esnap-model and their options.
 *
 * Each command runs one kind of test to its end.  It throws when the test
 * fails; main() then reports and exits with 1.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace esmodel {

class Watchdog;

struct Options {
    std::string origin_disk;
    std::vector<std::string> store_disks;
    std::uint64_t seed = 0;
    unsigned seeds = 1;
    unsigned ops = 500;
    unsigned chunk_sectors = 0;       /**< 0: random */
    std::uint64_t origin_sectors = 0; /**< 0: random */
    unsigned max_stores = 12;
    unsigned rounds = 40;
    unsigned delay_ms = 150;
    unsigned stores = 1024;
    std::uint64_t store_sectors = 4096;
    unsigned stall_seconds = 120;
    bool is_verbose = false;
    bool use_standin = false;
    bool plant_fault = false;
    bool with_journal = false;
};

/** Random operations against the model. */
void command_run(const Options &options, Watchdog &watchdog);
/** Slow reads of snapshots while the origin is overwritten. */
void command_race(const Options &options, Watchdog &watchdog);
/** Snapshots of views of snapshots, three chains deep. */
void command_stacked(const Options &options, Watchdog &watchdog);
/** Very many stores on one origin. */
void command_many(const Options &options, Watchdog &watchdog);
/** Tables and devices that must be refused, and leave no trace. */
void command_bad_input(const Options &options, Watchdog &watchdog);
/** Plants wrong data in stand-in devices and sees it found. */
void command_selftest(const Options &options, Watchdog &watchdog);

} // namespace esmodel
