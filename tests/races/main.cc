// SPDX-License-Identifier: GPL-2.0-only
//
// esnap-races: see race.h. In a guest, on a disk that is overwritten.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <thread>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "race.h"

namespace po = boost::program_options;

namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 3;
constexpr unsigned stall_seconds = 120;

/* After a failure devices are left as they are: taking them down could hang. */
[[noreturn]] void end(int status) {
    std::fflush(stdout);
    std::_Exit(status);
}

/* A request that is never answered would otherwise end in a silent time-out. */
void watch(const races::Race &race, std::uint64_t seed) {
    std::uint64_t seen = 0;
    unsigned still = 0;

    for (;;) {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        const std::uint64_t pulse = race.pulse();
        still = pulse == seen ? still + 1 : 0;
        seen = pulse;
        if (still == stall_seconds) {
            fmt::print("FAILED: seed {}: nothing has moved for {} s\n", seed, stall_seconds);
            end(exit_failed);
        }
    }
}

int run(const races::RaceOptions &options) try {
    esmodel::use_private_nodes();
    races::Race race(options);
    std::thread([&] { watch(race, options.seed); }).detach();
    fmt::print("seed {}, {} s\n", options.seed, options.seconds);
    std::fflush(stdout);
    race.run();
    fmt::print("seed {}: {}\n", options.seed, race.describe());
    return 0;
} catch (const std::exception &e) {
    fmt::print("FAILED: seed {}: {}\n", options.seed, e.what());
    return exit_failed;
}

} // namespace

int main(int argc, char **argv) try {
    races::RaceOptions o;
    po::options_description text("options");
    auto add = text.add_options();
    add("disk", po::value(&o.disk)->required(), "the disk that all is on; it is overwritten");
    add("seed", po::value(&o.seed), "of everything but the times at which threads get on");
    add("seconds", po::value(&o.seconds), "how long");
    add("writers", po::value(&o.writers), "of the origin");
    add("readers", po::value(&o.readers), "of snapshots");
    add("most-delay", po::value(&o.most_delay), "of a part of the disk, in ms");
    if (argc < 2) {
        fmt::print("usage: esnap-races --disk DISK [OPTION]...\n\n{}",
                   (std::ostringstream() << text).str());
        return exit_usage;
    }
    po::variables_map values;
    po::store(po::parse_command_line(argc, argv, text), values);
    po::notify(values);
    end(run(o));
} catch (const po::error &e) {
    fmt::print(stderr, "esnap-races: {}\n", e.what());
    return exit_usage;
}
