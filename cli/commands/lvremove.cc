// SPDX-License-Identifier: GPL-2.0-only
//
// esnap lvremove: remove snapshots and views.
#include "ask.h"
#include "command.h"
#include "commands/live.h"
#include "error.h"
#include "options.h"
#include "volumes/journal.h"
#include "volumes/remove.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Removes views, and snapshots from the oldest on: older ones need what newer ones hold.\n"
    "What is mounted or has views stays. A write journal (NAME_ejrnl) is emptied first: writers\n"
    "wait for that; it goes before the last snapshot does. The origin is not touched; without "
    "snapshots it is an\n"
    "ordinary volume of LVM again as soon as it is not in use.";

po::options_description declare() {
    po::options_description options("Options");
    options.add_options()("yes,y", po::bool_switch(), "do not ask")("force,f", po::bool_switch(),
                                                                    "the same");
    add_test_option(options);
    return options;
}

void require_consent(const po::variables_map &arguments, const Context &context,
                     const VolumeName &name) {
    if (arguments["yes"].as<bool>() || arguments["force"].as<bool>() ||
        arguments["test"].as<bool>())
        return;
    require_yes(context, "remove", name.text());
}

int run(const po::variables_map &arguments, const Context &context) {
    std::vector<VolumeName> names;
    const bool is_test = arguments["test"].as<bool>();

    for (const std::string &word : words_of(arguments, "VG/NAME"))
        names.push_back(parse_volume(word));
    for (const VolumeName &name : names) {
        require_consent(arguments, context, name);
        change_group(context, is_test, name, [&](System &system, const Vg &vg) {
            if (const auto chain = find_journal(vg, name))
                return remove_journal(system, *chain);
            return remove_volume(system, find_volume(vg, name));
        });
        // The last one gone, the origin may be given back: not a part of the removal, which is
        // done; should it fail, the next command tries again.
        if (!is_test)
            change_group(context, false, name,
                         [&](System &, const Vg &) { return dmext::Plan("settle", name.vg); });
        context.say("  \"{}\" {}.", name.lv, is_test ? "would be removed (--test)" : "removed");
    }
    return exit_done;
}

} // namespace

Command lvremove_command() {
    return {.name = "lvremove",
            .summary = "remove snapshots, views and journals",
            .details = details,
            .positionals = {{"VG/NAME", "what is to be removed", What::volume,
                             Positional::Count::some}},
            .options = declare(),
            .examples = {{"esnap lvremove -y vg/try vg/monday",
                          "remove a view, and then the oldest snapshot, without being asked"}},
            .run = run};
}

} // namespace esnap
