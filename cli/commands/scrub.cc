// SPDX-License-Identifier: GPL-2.0-only
//
// esnap scrub: read a whole store again, slowly, and verify it.
#include <thread>

#include <unistd.h>

#include "command.h"
#include "commands/verify.h"
#include "offline/paced_source.h"
#include "offline/superblock.h"
#include "options.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Reads all that the store or write journal on DEVICE holds and verifies its checksums, as\n"
    "esnap check does; made for stores in use, at a rate that leaves the disk to others. What\n"
    "a disk has lost is found before somebody needs it. It writes nothing, may be interrupted\n"
    "at any time, and on a terminal says how far it is. Exit code 0: clean; 5: faults were\n"
    "found, or not all could be verified: a journal may be written faster than it is read.";

po::options_description declare() {
    po::options_description options("Options");
    options.add_options()("rate", po::value<std::string>()->value_name("SIZE"),
                          "read at most so much in a second (MiB without a unit); default: as "
                          "fast as the device is");
    add_json_option(options);
    return options;
}

PacedSource::World world_of(const Context &context, const Device &device) {
    const bool is_shown = context.verbosity >= 0 && ::isatty(STDERR_FILENO);
    const std::string name = device.name();
    std::ostream *err = &context.err;

    return {PacedSource::Clock::now,
            [](PacedSource::Clock::duration time) { std::this_thread::sleep_for(time); },
            [=](std::uint64_t bytes) {
                if (is_shown)
                    *err << fmt::format("\r{}: {} read \r", name, size_text(bytes)) << std::flush;
            }};
}

int run(const po::variables_map &arguments, const Context &context) {
    const Device device = Device::open_to_read(text_of(arguments, "DEVICE"));
    const std::uint64_t rate = size_of(arguments, "rate", Unit::mib).value_or(0);

    return verify(device, PacedSource(device, rate, world_of(context, device)),
                  arguments["json"].as<bool>(), context);
}

} // namespace

Command scrub_command() {
    return {.name = "scrub",
            .summary = "verify a store or journal in use, at a limited rate",
            .details = details,
            .positionals = {{"DEVICE", "store of a snapshot or view, or a journal", What::file}},
            .options = declare(),
            .examples = {{"esnap scrub --rate 20m /dev/mapper/vg-monday_ecow",
                          "verify a store with at most 20 MiB per second"}},
            .run = run};
}

} // namespace esnap
