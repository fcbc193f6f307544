// SPDX-License-Identifier: GPL-2.0-only
//
// esnap help: help, manual pages and completion, all made of the declarations of the commands.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <boost/program_options/value_semantic.hpp>

#include "command.h"
#include "error.h"
#include "help/completion.h"
#include "help/man.h"
#include "help/text.h"
#include "options.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Prints what there is to know of each COMMAND, or the list of them. The manual pages esnap(8)\n"
    "and esnap-COMMAND(8) and the completion for bash are made of the same declarations.";

po::options_description declare() {
    po::options_description options("Options");
    auto add = options.add_options();
    add("man", po::bool_switch(), "the same as a manual page, for man -l -");
    add("completion", po::bool_switch(), "print the completion for bash");
    add("write", po::value<std::string>()->value_name("DIRECTORY"),
        "write all manual pages to DIRECTORY/man8, the completion to DIRECTORY/completions");
    return options;
}

void print(const std::vector<std::string> &names, bool is_man, std::ostream &out) {
    if (names.empty())
        is_man ? print_program_page(out) : print_overview(out);
    for (const std::string &name : names)
        if (const Command &command = require_command(name); is_man)
            print_command_page(command, out);
        else
            print_help(command, out);
}

template <typename Print>
void write_file(const std::filesystem::path &path, const Print &print_to) {
    std::ofstream file(path);

    print_to(file);
    file.close();
    if (!file)
        throw Error("write", path.string(), "not everything could be written",
                    "is there room, and may you write there?");
}

void write_all(const std::filesystem::path &directory) {
    const std::filesystem::path pages = directory / "man8", completions = directory / "completions";

    for (const auto &needed : {pages, completions}) {
        std::error_code code;
        std::filesystem::create_directories(needed, code);
        if (code)
            throw Error("make the directory", needed.string(), code.message());
    }
    write_file(pages / "esnap.8", print_program_page);
    for (const Command &command : all_commands())
        write_file(pages / (page_name(command) + ".8"),
                   [&](std::ostream &out) { print_command_page(command, out); });
    write_file(completions / "esnap", print_completion);
}

int run(const po::variables_map &arguments, const Context &context) {
    const std::vector<std::string> names = words_of(arguments, "COMMAND");
    const bool is_man = arguments["man"].as<bool>(), is_write = arguments.count("write") > 0,
               is_completion = arguments["completion"].as<bool>();

    if (is_man + is_write + is_completion > 1)
        throw UsageError("give one of --man, --completion and --write, not more");
    if ((is_write || is_completion) && !names.empty())
        throw UsageError("--completion and --write are about all commands: name none");
    if (is_write)
        write_all(text_of(arguments, "write"));
    else if (is_completion)
        print_completion(context.out);
    else
        print(names, is_man, context.out);
    return exit_done;
}

} // namespace

Command help_command() {
    return {.name = "help",
            .summary = "say more about a command: esnap help COMMAND",
            .details = details,
            .positionals = {{"COMMAND", "what to say more about", What::command,
                             Positional::Count::any}},
            .options = declare(),
            .values = {{"write", {What::file}}},
            .examples = {{"esnap help lvcreate", "all about esnap lvcreate"},
                         {"esnap help --man lvcreate | man -l -", "its manual page"},
                         {"source <(esnap help --completion)",
                          "complete esnap's command lines in this shell"}},
            .run = run};
}

} // namespace esnap
