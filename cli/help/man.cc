// SPDX-License-Identifier: GPL-2.0-only
#include "help/man.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "help/declared.h"
#include "options.h"
#include "version.h"

namespace esnap {

namespace {

std::string bold(const std::string &text) {
    return "\\fB" + roff(text) + "\\fP";
}

std::string italic(const std::string &text) {
    return "\\fI" + roff(text) + "\\fP";
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

void print_head(const std::string &page, const std::string &summary, std::ostream &out) {
    out << ".\\\" SPDX-License-Identifier: GPL-2.0-only\n"
        << ".\\\" Made by \"esnap help --man\".\n"
        << fmt::format(".TH {} 8 \"\" \"esnap {}\" \"System Administration\"\n", roff(upper(page)),
                       version)
        << fmt::format(".SH NAME\n{} \\- {}\n", roff(page), roff(summary));
}

/* Lines that begin with a space are a table and stay as they are; others are filled. */
void print_details(const std::string &details, std::ostream &out) {
    std::istringstream lines(details);
    bool in_table = false;

    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(' ') != in_table) {
            in_table = !in_table;
            out << (in_table ? ".PP\n.nf\n" : ".fi\n.PP\n");
        }
        out << roff(line) << '\n';
    }
    if (in_table)
        out << ".fi\n";
}

void print_item(const std::string &tag, const std::string &text, std::ostream &out) {
    out << ".TP\n" << tag << '\n' << roff(text) << '\n';
}

void print_option(const DeclaredOption &option, std::ostream &out) {
    std::string tag;

    if (!option.short_name.empty())
        tag = bold("-" + option.short_name) + ", ";
    tag += bold("--" + option.long_name);
    if (!option.value.empty())
        tag += " " + (option.choices.empty() ? italic(option.value) : bold(option.value));
    print_item(tag, option.help + (option.fallback.empty() ? "" : "; default: " + option.fallback),
               out);
}

void print_options(const po::options_description &options, std::ostream &out) {
    for (const DeclaredOption &option : declared_options(options))
        print_option(option, out);
}

void print_exit_status(std::ostream &out) {
    out << ".SH EXIT STATUS\n";
    print_item(bold("0"), "It is done.", out);
    print_item(bold("3"), "The command line is wrong; nothing was done.", out);
    print_item(bold("5"), "It failed; the message names operation, object and cause.", out);
}

void print_example(const Example &example, std::ostream &out) {
    out << ".PP\n"
        << roff(example.help) << ":\n.PP\n.RS 4\n.nf\n"
        << roff(example.line) << '\n'
        << ".fi\n.RE\n";
}

/* All of them: there are few. */
void print_see_also(const Command *self, std::ostream &out) {
    out << ".SH SEE ALSO\n";
    if (self)
        out << bold("esnap") << "(8),\n";
    for (const Command &command : all_commands())
        if (&command != self)
            out << bold(page_name(command)) << "(8),\n";
    out << bold("lvm") << "(8),\n" << bold("dmsetup") << "(8)\n";
}

} // namespace

std::string roff(const std::string &text) {
    std::string result;
    bool is_line_start = true;

    for (const char c : text) {
        if (is_line_start && (c == '.' || c == '\''))
            result += "\\&";
        is_line_start = c == '\n';
        switch (c) {
        case '\\':
            result += "\\e";
            break;
        case '-':
            result += "\\-";
            break;
        case '\'':
            result += "\\(aq";
            break;
        case '`':
            result += "\\(ga";
            break;
        case '^':
            result += "\\(ha";
            break;
        case '~':
            result += "\\(ti";
            break;
        default:
            result += c;
        }
    }
    return result;
}

std::string page_name(const Command &command) {
    return "esnap-" + command.name;
}

void print_program_page(std::ostream &out) {
    print_head("esnap", program_summary, out);
    out << ".SH SYNOPSIS\n"
        << bold("esnap") << ' ' << italic("COMMAND") << ' ' << "[" << italic("OPTION") << "]... "
        << italic("ARGUMENT") << "...\n.SH DESCRIPTION\n";
    print_details(program_details, out);
    out << ".SH COMMANDS\n";
    for (const Command &command : all_commands())
        print_item(bold(command.name), command.summary, out);
    out << ".SH OPTIONS\n";
    print_options(global_options(), out);
    print_exit_status(out);
    out << ".SH EXAMPLES\n";
    for (const Command &command : all_commands())
        print_example(command.examples.front(), out);
    print_see_also(nullptr, out);
}

void print_command_page(const Command &command, std::ostream &out) {
    print_head(page_name(command), command.summary, out);
    out << ".SH SYNOPSIS\n" << bold("esnap " + command.name) << " [" << italic("OPTION") << "]...";
    for (const Positional &positional : command.positionals)
        out << ' ' << roff(usage_of(positional));
    out << "\n.SH DESCRIPTION\n";
    print_details(command.details, out);
    out << ".SH ARGUMENTS\n";
    for (const Positional &positional : command.positionals)
        print_item(italic(positional.name), positional.help, out);
    out << ".SH OPTIONS\n";
    print_options(command.options, out);
    out << ".SS Options of every command\n";
    print_options(global_options(), out);
    print_exit_status(out);
    out << ".SH EXAMPLES\n";
    for (const Example &example : command.examples)
        print_example(example, out);
    print_see_also(&command, out);
}

} // namespace esnap
