// SPDX-License-Identifier: GPL-2.0-only
//
// esnap lvcreate: make a snapshot of a volume, a view of a snapshot, or a journal.
#include "command.h"
#include "commands/live.h"
#include "error.h"
#include "options.h"
#include "volumes/create.h"
#include "volumes/journal.h"

namespace esnap {

namespace {

constexpr const char *details =
    "--esnapshot takes a snapshot of a volume, which may be mounted: its file system is frozen\n"
    "for the moment of the switch. /dev/VG/NAME shows it, read-only. --esnapview makes a view of\n"
    "a snapshot: /dev/VG/NAME can be written, the snapshot stays as it is.\n"
    "--esnapjrnl makes a write journal for a volume with snapshots: writes are acknowledged from\n"
    "there, and written in place behind. It is the LV NAME_ejrnl, by default the volume's name.\n"
    "SIZE is the room for what differs: a number and a unit b s k m g t p e, without one MiB.";

po::options_description declare() {
    po::options_description options("Options");
    auto add = options.add_options();
    add("esnapshot", po::bool_switch(), "a snapshot of the volume VG/NAME");
    add("esnapview", po::bool_switch(), "a view of the snapshot VG/NAME");
    add("esnapjrnl", po::bool_switch(), "a write journal for the origin VG/NAME");
    add("name,n", po::value<std::string>()->value_name("NAME"), "what it shall be called");
    add_size_options(options, "how much room it has for what differs");
    add("chunksize,c", po::value<std::string>()->value_name("CHUNKSIZE"),
        "unit of copying, a power of two from 4k to 1m, the same for all snapshots of a volume; "
        "default 64k");
    add("yes,y", po::bool_switch(), "do not ask; esnap never does, LVM's scripts say it");
    add_test_option(options);
    return options;
}

bool given(const po::variables_map &arguments, const char *name) {
    return arguments[name].as<bool>();
}

void require_one_kind(const po::variables_map &arguments) {
    int kinds = 0;
    for (const char *kind : {"esnapshot", "esnapview", "esnapjrnl"})
        kinds += given(arguments, kind) ? 1 : 0;
    if (kinds != 1)
        throw UsageError("give exactly one of --esnapshot, --esnapview and --esnapjrnl");
    if (text_of(arguments, "name").empty() && !given(arguments, "esnapjrnl"))
        throw UsageError("give it a name with -n");
    if (arguments.count("chunksize") && !given(arguments, "esnapshot"))
        throw UsageError("--chunksize goes with --esnapshot only; a view has its snapshot's");
}

std::uint64_t bytes_of(const Vg &vg, const std::string &name) {
    const Lv *lv = vg.find(name);
    if (lv == nullptr)
        lv = vg.find(name + origin_suffix);
    return lv == nullptr ? 0 : lv->bytes;
}

dmext::Plan plan_for(const po::variables_map &arguments, System &system, const Vg &vg,
                     const VolumeName &base) {
    NewVolume wanted;
    wanted.name = text_of(arguments, "name");
    wanted.chunk_bytes = size_of(arguments, "chunksize", Unit::kib);
    if (given(arguments, "esnapshot")) {
        wanted.size = size_words(arguments, false, bytes_of(vg, base.lv), vg.extent_bytes);
        return create_snapshot(system, vg, base.lv, wanted);
    }
    const Found found = find_volume(vg, base);
    wanted.size = size_words(arguments, false, found.chain.origin.bytes, vg.extent_bytes);
    if (given(arguments, "esnapjrnl"))
        return create_journal(system, vg, found, wanted);
    return create_view(system, vg, found, wanted);
}

int run(const po::variables_map &arguments, const Context &context) {
    require_one_kind(arguments);
    const VolumeName base = parse_volume(text_of(arguments, "VG/NAME"));
    const std::string name = text_of(arguments, "name");
    const bool is_test = given(arguments, "test");

    if (arguments["size"].empty() && arguments["extents"].empty())
        throw UsageError("say with -L or -l how much room it shall have");
    if (given(arguments, "esnapshot"))
        size_words(arguments, false, 1, 1);
    change_group(context, is_test, base, [&](System &system, const Vg &vg) {
        return plan_for(arguments, system, vg, base);
    });
    const bool is_journal = given(arguments, "esnapjrnl");
    context.say("  {} \"{}\" {}.",
                is_journal                      ? "Journal"
                : given(arguments, "esnapview") ? "View"
                                                : "Snapshot",
                is_journal ? (name.empty() ? base.lv : name) + journal_suffix : name,
                is_test ? "would be created (--test)" : "created");
    return exit_done;
}

} // namespace

Command lvcreate_command() {
    return {.name = "lvcreate",
            .summary = "make a snapshot of a volume, a view of a snapshot, or a journal",
            .details = details,
            .positionals = {{"VG/NAME", "the volume, or the snapshot", What::any_volume}},
            .options = declare(),
            .examples = {{"esnap lvcreate --esnapshot -L 1G -n monday vg/data",
                          "take a snapshot of vg/data, which may be mounted"},
                         {"esnap lvcreate --esnapview -L 500M -n try vg/monday",
                          "make a copy of the snapshot that can be written"},
                         {"esnap lvcreate --esnapjrnl -L 256M vg/data",
                          "let writes to vg/data be acknowledged from a journal"}},
            .run = run};
}

} // namespace esnap
