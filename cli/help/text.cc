// SPDX-License-Identifier: GPL-2.0-only
#include "help/text.h"

#include "help/declared.h"
#include "options.h"

namespace esnap {

void print_overview(std::ostream &out) {
    out << "Usage: esnap COMMAND [OPTION]... ARGUMENT...\n\nCommands:\n";
    for (const Command &command : all_commands())
        out << fmt::format("  {:<10} {}\n", command.name, command.summary);
    out << '\n' << global_options();
    out << "\nExit codes: 0 done, 3 bad command line, 5 failed.\n";
}

void print_help(const Command &command, std::ostream &out) {
    out << fmt::format("Usage: esnap {} [OPTION]...", command.name);
    for (const Positional &positional : command.positionals)
        out << ' ' << usage_of(positional);
    out << fmt::format("\n\n{}\n\nArguments:\n", command.details);
    for (const Positional &positional : command.positionals)
        out << fmt::format("  {:<22} {}\n", positional.name, positional.help);
    out << '\n' << command.options << '\n' << global_options();
    out << "\nExamples:\n";
    for (const Example &example : command.examples)
        out << fmt::format("  {}\n      {}\n", example.line, example.help);
}

} // namespace esnap
