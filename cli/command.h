// SPDX-License-Identifier: GPL-2.0-only
//
// What a command is, the list of all of them, and how a command line is run.
//
// A command declares its arguments and options once; parsing, help and the check for
// missing ones come from that declaration.
#pragma once

#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <fmt/format.h>

namespace esnap {

namespace po = boost::program_options;

/** Where a command writes, and how much. */
struct Context {
    std::ostream &out; /**< the data asked for */
    std::ostream &err; /**< everything else */
    int verbosity = 0; /**< -1: quiet */

    /** A message that is no error; not with -q. */
    template <typename... Args>
    void say(fmt::format_string<Args...> format, Args &&...args) const {
        if (verbosity >= 0)
            err << fmt::format(format, std::forward<Args>(args)...) << '\n';
    }

    /** A message for those who ask for more with -v. */
    template <typename... Args>
    void detail(fmt::format_string<Args...> format, Args &&...args) const {
        if (verbosity > 0)
            err << fmt::format(format, std::forward<Args>(args)...) << '\n';
    }
};

/** An argument without a dash. */
struct Positional {
    enum class Count { one, optional, any, some };

    std::string name;
    std::string help;
    /** How often it is given; only the last one of a command may be other than `one`. */
    Count count = Count::one;

    bool is_repeated() const { return count == Count::any || count == Count::some; }
    bool is_required() const { return count == Count::one || count == Count::some; }
};

struct Command {
    std::string name;
    std::string summary; /**< one line for the list of commands */
    std::string details; /**< what help says about it, before the options */
    std::vector<Positional> positionals;
    po::options_description options{"Options"};
    /** Returns an ExitCode or throws Error or UsageError. */
    std::function<int(const po::variables_map &, const Context &)> run;
};

/** All commands, in the order of the help (registry.cc). */
std::span<const Command> all_commands();

/**
 * Runs one command line, without the program's name: chooses the command, parses, runs,
 * and turns errors into text on @err and an exit code. Throws nothing.
 */
int run_command_line(const std::vector<std::string> &words, std::ostream &out, std::ostream &err);

// One file each in commands/.
Command check_command();
Command dump_command();
Command format_command();
Command lvchange_command();
Command lvcreate_command();
Command lvdisplay_command();
Command lvextend_command();
Command lvremove_command();
Command lvrename_command();
Command lvs_command();
Command vgchange_command();

} // namespace esnap
