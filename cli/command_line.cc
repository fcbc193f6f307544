// SPDX-License-Identifier: GPL-2.0-only
//
// From words to a command and its arguments.
#include "command.h"

#include <algorithm>
#include <exception>

#include <boost/program_options/errors.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/value_semantic.hpp>

#include "error.h"
#include "es_format.h"
#include "help/text.h"
#include "options.h"
#include "version.h"

namespace esnap {

namespace {

using Words = std::vector<std::string>;

// No guessing of abbreviations: a script that uses one would break with the next option.
constexpr int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;

void print_version(std::ostream &out) {
    out << fmt::format("esnap {} (disk format {})\n", version, ES_FORMAT_VERSION);
}

// Keeps the first of several -v, as the library wants an option once; returns their number.
int take_verbosity(po::parsed_options &parsed) {
    int count = 0;
    std::erase_if(parsed.options, [&](const po::option &option) {
        return option.string_key == "verbose" && ++count > 1;
    });
    return count;
}

struct Parsed {
    po::variables_map values;
    int verbosity = 0;

    bool has(const char *name) const { return values[name].as<bool>(); }
};

Parsed parse(const Words &words, const po::options_description &options,
             const std::vector<Positional> &positionals) {
    po::options_description all;
    po::positional_options_description places;
    all.add(options).add(global_options());
    for (const Positional &positional : positionals) {
        if (positional.is_repeated())
            all.add_options()(positional.name.c_str(), po::value<Words>());
        else
            all.add_options()(positional.name.c_str(), po::value<std::string>());
        places.add(positional.name.c_str(), positional.is_repeated() ? -1 : 1);
    }
    auto parsed = po::command_line_parser(words).options(all).positional(places).style(style).run();
    Parsed result;
    result.verbosity = take_verbosity(parsed);
    po::store(parsed, result.values);
    po::notify(result.values);
    if (result.has("quiet"))
        result.verbosity = -1;
    return result;
}

int run_without_command(const Words &words, std::ostream &out, std::ostream &err) {
    const Parsed parsed = parse(words, po::options_description{}, {});
    if (parsed.has("version")) {
        print_version(out);
        return exit_done;
    }
    const bool asked = parsed.has("help");
    print_overview(asked ? out : err);
    return asked ? exit_done : exit_usage;
}

/* An empty word names nothing. */
bool is_missing(const po::variables_map &values, const Positional &positional) {
    if (!positional.is_repeated())
        return positional.is_required() && text_of(values, positional.name).empty();
    const Words words = words_of(values, positional.name);
    return (positional.is_required() && words.empty()) ||
           std::ranges::find(words, "") != words.end();
}

int run_named(const Command &command, const Words &words, std::ostream &out, std::ostream &err) {
    const Parsed parsed = parse(words, command.options, command.positionals);
    if (parsed.has("help")) {
        print_help(command, out);
        return exit_done;
    }
    if (parsed.has("version")) {
        print_version(out);
        return exit_done;
    }
    for (const Positional &positional : command.positionals)
        if (is_missing(parsed.values, positional))
            throw UsageError(fmt::format("{} is missing ({})", positional.name, positional.help));
    return command.run(parsed.values, Context{out, err, parsed.verbosity});
}

// The first word without a dash is the command; none of the global options takes a value.
int run_words(Words words, std::string &named, std::ostream &out, std::ostream &err) {
    const auto is_option = [](const std::string &word) { return word.starts_with('-'); };
    const auto name = std::ranges::find_if_not(words, is_option);
    if (name == words.end())
        return run_without_command(words, out, err);
    const std::string command = *name;
    words.erase(name);
    const Command &found = require_command(command);
    named = command;
    return run_named(found, words, out, err);
}

} // namespace

int run_command_line(const Words &words, std::ostream &out, std::ostream &err) {
    std::string named; // the command, once it is known
    const auto usage = [&](const char *what) {
        err << fmt::format("esnap{}{}: {} (see esnap help{}{})\n", named.empty() ? "" : " ", named,
                           what, named.empty() ? "" : " ", named);
        return exit_usage;
    };
    try {
        const int code = run_words(words, named, out, err);
        out.flush();
        if (!out)
            throw Error("write", "the standard output", "not everything could be written");
        return code;
    } catch (const UsageError &error) {
        return usage(error.what());
    } catch (const po::error &error) {
        return usage(error.what());
    } catch (const std::exception &error) {
        err << fmt::format("esnap: {}\n", error.what());
        return exit_failed;
    }
}

} // namespace esnap
