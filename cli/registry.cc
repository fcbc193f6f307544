// SPDX-License-Identifier: GPL-2.0-only
//
// The table of contents: every command of esnap.
#include "command.h"

namespace esnap {

std::span<const Command> all_commands() {
    static const std::vector<Command> commands = {
        format_command(), // write a fresh store
        check_command(),  // verify a store
        dump_command(),   // print a store
    };
    return commands;
}

} // namespace esnap
