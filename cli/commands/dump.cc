// SPDX-License-Identifier: GPL-2.0-only
//
// esnap dump: print what a store holds.
#include "command.h"
#include "error.h"
#include "offline/device.h"
#include "offline/dumper.h"
#include "offline/journal_dump.h"
#include "options.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Prints the superblock, the segments and records of the log, and the index of the store\n"
    "on DEVICE, and writes nothing. What is damaged is shown as such; esnap check says more\n"
    "about it. Addresses are bytes on the device in text, and blocks of 4096 bytes in the\n"
    "JSON key addr.\n"
    "Of a write journal: the superblock, and every record that it keeps with its entries, by\n"
    "age: number (lsn), time, sector, length, operation, and whether its payload matches its\n"
    "checksum (ok, bad; none: it has no payload). Times are UTC.";

po::options_description declare() {
    po::options_description options("Options");
    add_json_option(options);
    options.add_options()("extents", po::bool_switch(), "also print every extent");
    return options;
}

int run(const po::variables_map &arguments, const Context &context) {
    const Device device = Device::open_to_read(text_of(arguments, "DEVICE"));
    if (is_journal(device)) {
        if (arguments["json"].as<bool>())
            dump_journal_json(device, context.out);
        else
            dump_journal_text(device, context.out);
        return exit_done;
    }
    const bool with_extents = arguments["extents"].as<bool>();
    const auto writer = arguments["json"].as<bool>() ? make_json_dump(context.out, with_extents)
                                                     : make_text_dump(context.out, with_extents);
    dump_store(device, *writer);
    return exit_done;
}

} // namespace

Command dump_command() {
    return {.name = "dump",
            .summary = "print what a store or journal holds",
            .details = details,
            .positionals = {{"DEVICE", "store of a snapshot or view, or a journal", What::file}},
            .options = declare(),
            .examples = {{"esnap dump --json --extents /dev/mapper/vg-monday_ecow",
                          "everything that is in the store of vg/monday, for a program"}},
            .run = run};
}

} // namespace esnap
