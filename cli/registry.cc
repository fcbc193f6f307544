// SPDX-License-Identifier: GPL-2.0-only
//
// The table of contents: every command of esnap.
#include "command.h"

#include <algorithm>

#include "error.h"

namespace esnap {

std::span<const Command> all_commands() {
    static const std::vector<Command> commands = {
        lvcreate_command(),  // make a snapshot or view
        lvremove_command(),  // remove one
        lvextend_command(),  // grow one, or an origin
        lvrename_command(),  // rename one, or an origin
        lvchange_command(),  // activate and deactivate a chain
        vgchange_command(),  // the same, for whole groups
        lvs_command(),       // list them
        lvdisplay_command(), // say all about them
        monitor_command(),   // have areas grow by themselves without dmeventd
        format_command(),    // write a fresh store
        check_command(),     // verify a store
        scrub_command(),     // the same in use, slowly
        dump_command(),      // print a store
        repair_command(),    // mend one
        help_command(),      // say more about the others
    };
    return commands;
}

const Command &require_command(const std::string &name) {
    const auto commands = all_commands();
    const auto found = std::ranges::find(commands, name, &Command::name);
    if (found == commands.end())
        throw UsageError(fmt::format("there is no command '{}'", name));
    return *found;
}

} // namespace esnap
