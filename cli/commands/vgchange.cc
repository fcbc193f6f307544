// SPDX-License-Identifier: GPL-2.0-only
//
// esnap vgchange: activate and deactivate every chain of volume groups.
#include <algorithm>

#include "command.h"
#include "commands/activate.h"
#include "commands/live.h"
#include "error.h"
#include "options.h"
#include "volumes/chain.h"

namespace esnap {

namespace {

constexpr const char *details =
    "-a y makes every chain live: origins with their snapshots and views. What a killed command\n"
    "left unfinished is finished or taken back. -a n takes them down; nothing of them may be\n"
    "mounted. Without a VG: all groups that have chains. Other volumes are LVM's.";

po::options_description declare() {
    po::options_description options("Options");
    add_activation_options(options);
    return options;
}

/* Boot names groups that may have nothing of ours. */
std::vector<std::string> groups_with_chains() {
    std::vector<std::string> names;

    with_system([&](System &system) {
        for (const Vg &vg : read_vgs(system.lvm))
            if (!find_chains(vg).empty() || !find_orphans(vg).empty())
                names.push_back(vg.name);
    });
    return names;
}

int run(const po::variables_map &arguments, const Context &context) {
    const bool active = wants_active(arguments);
    std::vector<std::string> names = words_of(arguments, "VG");
    int code = exit_done;

    for (std::string &name : names) {
        const VolumeName group = parse_name(name);
        if (!group.lv.empty())
            throw UsageError(fmt::format("'{}' is a volume: esnap lvchange is for those", name));
        name = group.vg;
    }
    if (names.empty())
        names = groups_with_chains();
    for (const std::string &name : names)
        code = std::max(code, activate_group(context, arguments["test"].as<bool>(), active, name));
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
