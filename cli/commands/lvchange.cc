// SPDX-License-Identifier: GPL-2.0-only
//
// esnap lvchange: activate and deactivate one chain.
#include "command.h"
#include "commands/activate.h"
#include "error.h"
#include "options.h"
#include "volumes/names.h"

namespace esnap {

namespace {

constexpr const char *details =
    "-a y makes an origin with all its snapshots and views available, -a n takes them down.";

po::options_description declare() {
    po::options_description options("Options");
    add_activation_options(options);
    options.add_options()("monitor", po::value<std::string>()->value_name("y|n"),
                          "watch how full it is (not supported yet)");
    return options;
}

int run(const po::variables_map &arguments, const Context &context) {
    const VolumeName name = parse_volume(text_of(arguments, "VG/ORIGIN"));

    if (arguments.count("monitor"))
        throw Error("monitor", name.text(), "there is no plugin for dmeventd yet",
                    "esnap lvs shows how full it is, esnap lvextend gives it room");
    return activate_group(context, arguments["test"].as<bool>(), wants_active(arguments), name.vg,
                          name.lv);
}

} // namespace

Command lvchange_command() {
    return {.name = "lvchange",
            .summary = "activate and deactivate an origin with its snapshots",
            .details = details,
            .positionals = {{"VG/ORIGIN", "the origin", What::origin}},
            .options = declare(),
            .examples = {{"esnap lvchange -an vg/data",
                          "take vg/data down, with its snapshots and views"},
                         {"esnap lvchange -ay vg/data", "make them available again"}},
            .run = run};
}

} // namespace esnap
