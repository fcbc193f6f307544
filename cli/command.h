// SPDX-License-Identifier: GPL-2.0-only
//
// What a command is, the list of all of them, and how a command line is run.
//
// A command declares its arguments and options once; parsing, the check for missing ones, help,
// manual pages and the completion of a shell (help/) come from that declaration.
#pragma once

#include <functional>
#include <map>
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

/** What an argument or an option's value names. A shell completes it accordingly. */
enum class What {
    text,       /**< anything */
    file,       /**< a device, or a file */
    group,      /**< a volume group */
    volume,     /**< an origin, a snapshot or a view */
    any_volume, /**< a volume, of LVM's too */
    place,      /**< a volume group, or an origin, a snapshot or a view */
    command,    /**< a command of esnap */
    list,       /**< a comma-separated list of known words */
};

/** An argument without a dash. */
struct Positional {
    enum class Count { one, optional, any, some };

    std::string name;
    std::string help;
    What what;
    /** How often it is given; only the last one of a command may be other than `one`. */
    Count count = Count::one;

    bool is_repeated() const { return count == Count::any || count == Count::some; }
    bool is_required() const { return count == Count::one || count == Count::some; }
};

/** What an option's value names, where its name (as "y|n") does not tell. */
struct OptionValue {
    What what = What::text;
    std::vector<std::string> words = {}; /**< of a list */
};

struct Example {
    std::string line; /**< as one types it */
    std::string help; /**< what it does */
};

struct Command {
    std::string name;
    std::string summary; /**< one line for the list of commands */
    std::string details; /**< what help says about it, before the options */
    std::vector<Positional> positionals;
    po::options_description options{"Options"};
    std::map<std::string, OptionValue> values = {}; /**< by an option's long name */
    std::vector<Example> examples = {};
    /** Returns an ExitCode or throws Error or UsageError. */
    std::function<int(const po::variables_map &, const Context &)> run;
};

/** All commands, in the order of the help (registry.cc). */
std::span<const Command> all_commands();
/** The one of this name. Throws UsageError. */
const Command &require_command(const std::string &name);

/**
 * Runs one command line, without the program's name: chooses the command, parses, runs,
 * and turns errors into text on @err and an exit code. Throws nothing.
 */
int run_command_line(const std::vector<std::string> &words, std::ostream &out, std::ostream &err);

// One file each in commands/.
Command check_command();
Command dump_command();
Command format_command();
Command help_command();
Command lvchange_command();
Command lvcreate_command();
Command lvdisplay_command();
Command lvextend_command();
Command lvremove_command();
Command lvrename_command();
Command lvs_command();
Command monitor_command();
Command repair_command();
Command scrub_command();
Command vgchange_command();

} // namespace esnap
