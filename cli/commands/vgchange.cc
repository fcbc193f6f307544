// SPDX-License-Identifier: GPL-2.0-only
//
// esnap vgchange: activate and deactivate every chain of volume groups.
#include <algorithm>

#include "command.h"
#include "commands/activate.h"
#include "commands/monitoring.h"
#include "error.h"
#include "options.h"
#include "volumes/names.h"

namespace esnap {

namespace {

constexpr const char *details =
    "-a y makes every chain live: origins with their snapshots and views. What a killed command\n"
    "left unfinished is finished or taken back. -a n takes them down; nothing of them may be\n"
    "mounted. Without a VG: all groups that have chains. Other volumes are LVM's.\n"
    "--monitor y has dmeventd watch what is live and wants to be, for instance after dmeventd was\n"
    "killed; n ends that until the next activation.";

po::options_description declare() {
    po::options_description options("Options");
    add_activation_options(options);
    options.add_options()("monitor", po::value<std::string>()->value_name("y|n"),
                          "have dmeventd watch how full snapshots and views are, or not");
    return options;
}

bool wants_monitor(const po::variables_map &arguments) {
    const std::string text = text_of(arguments, "monitor");

    if (text != "y" && text != "n")
        throw UsageError(fmt::format("--monitor {}: want y or n", text));
    if (arguments.count("activate"))
        throw UsageError("give -a or --monitor, not both: -a y watches, too");
    return text == "y";
}

int run(const po::variables_map &arguments, const Context &context) {
    const bool is_monitor = arguments.count("monitor") > 0;
    const bool wanted = is_monitor ? wants_monitor(arguments) : wants_active(arguments);
    const bool is_test = arguments["test"].as<bool>();
    std::vector<std::string> names = words_of(arguments, "VG");
    int code = exit_done;

    for (std::string &name : names) {
        const VolumeName group = parse_name(name);
        if (!group.lv.empty())
            throw UsageError(fmt::format("'{}' is a volume: esnap lvchange is for those", name));
        name = group.vg;
    }
    if (names.empty())
        names = groups_with_chains(is_monitor ? LvmKind::beside_suspended : LvmKind::library);
    if (is_monitor && wanted && !is_test)
        watch_without_lock(names);
    const auto change = [&](const std::string &name) {
        return is_monitor ? monitor_group(context, is_test, wanted, name)
                          : activate_group(context, is_test, wanted, name);
    };
    if (names.size() == 1)
        return change(names.front());
    /* What is wrong with one group is no reason to leave the others as they are. */
    for (const std::string &name : names) {
        try {
            code = std::max(code, change(name));
        } catch (const Error &error) {
            context.err << error.what() << '\n';
            code = exit_failed;
        }
    }
    return code;
}

} // namespace

Command vgchange_command() {
    return {.name = "vgchange",
            .summary = "activate and deactivate all chains of volume groups",
            .details = details,
            .positionals = {{"VG", "volume group", What::group, Positional::Count::any}},
            .options = declare(),
            .examples = {{"esnap vgchange -ay", "make everything available, in all groups"},
                         {"esnap vgchange -an vg", "take down every chain of one group"}},
            .run = run};
}

} // namespace esnap
