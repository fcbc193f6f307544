// SPDX-License-Identifier: GPL-2.0-only
//
// esnap check: verify a store completely.
#include "command.h"
#include "commands/verify.h"
#include "options.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Verifies the store or write journal on DEVICE completely and writes nothing: both\n"
    "superblocks, every record header, summary and payload checksum, that no chunk is stored\n"
    "twice, and the index of a sealed store; of a journal all that it keeps. Every fault is\n"
    "named with its byte on the device.\n"
    "Exit code 0: clean; 5: faults were found, or not all could be verified. What a power cut\n"
    "may leave behind is a note and no fault. A store in use may be checked; what changes\n"
    "meanwhile is read again, and named if that did not help.";

po::options_description declare() {
    po::options_description options("Options");
    add_json_option(options);
    return options;
}

int run(const po::variables_map &arguments, const Context &context) {
    const Device device = Device::open_to_read(text_of(arguments, "DEVICE"));

    return verify(device, device, arguments["json"].as<bool>(), context);
}

} // namespace

Command check_command() {
    return {.name = "check",
            .summary = "verify a store or journal completely, without writing",
            .details = details,
            .positionals = {{"DEVICE", "store of a snapshot or view, or a journal", What::file}},
            .options = declare(),
            .examples = {{"esnap check /dev/mapper/vg-monday_ecow",
                          "is the store of vg/monday sound? It may be in use"}},
            .run = run};
}

} // namespace esnap
