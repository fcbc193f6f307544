// SPDX-License-Identifier: GPL-2.0-only
#include "help/completion.h"

#include <set>

#include <fmt/ranges.h>

#include "help/declared.h"
#include "options.h"

namespace esnap {

namespace {

// Names are asked for when they are needed. Who may not ask (no root) gets none, and no message.
constexpr const char *helpers = R"sh(# SPDX-License-Identifier: GPL-2.0-only
# Made by "esnap help --completion".

_esnap_words() { mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur"); }

# A list in which each word may be followed by a comma and another one; a plus may precede it.
_esnap_list() {
    local before=''
    [[ $cur != +* ]] || before=+
    [[ $cur != *,* ]] || before=${cur%,*},
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$*" -- "${cur#"$before"}")
}

_esnap_file() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

_esnap_group() { _esnap_words "$(vgs --noheadings -o vg_name 2>/dev/null)"; }

_esnap_named() { esnap -q lvs --noheadings --separator / -o vg_name,lv_name 2>/dev/null; }

_esnap_volume() { _esnap_words "$(_esnap_named)"; }

_esnap_place() { _esnap_words "$(vgs --noheadings -o vg_name 2>/dev/null)" "$(_esnap_named)"; }

# What lies beneath the volumes of esnap is not for users.
_esnap_any_volume() {
    local names
    names=$(lvs --noheadings --separator / -o vg_name,lv_name 2>/dev/null |
        sed -e '/_eorig$/d' -e '/_ecow$/d' -e '/_ejrnl$/d')
    _esnap_words "$names" "$(_esnap_named)"
}

# Into prev: the option that the word at the cursor is the value of, if it is one's.
_esnap_look_back() {
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = && $COMP_CWORD -gt 1 ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
}

)sh";

constexpr const char *main_head = R"sh(_esnap() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev command='' i
    COMPREPLY=()
    _esnap_look_back
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -* ]] || {
            command=${COMP_WORDS[i]}
            break
        }
    done
    case $command in
)sh";

constexpr const char *main_tail = R"sh(    esac
}

complete -F _esnap esnap
)sh";

std::string command_names() {
    std::vector<std::string> names;

    for (const Command &command : all_commands())
        names.push_back(command.name);
    return fmt::format("{}", fmt::join(names, " "));
}

/* The call that completes such a word; empty: nothing is known of it. */
std::string call_for(What what, const std::vector<std::string> &words) {
    switch (what) {
    case What::text:
        return "";
    case What::file:
        return "_esnap_file";
    case What::group:
        return "_esnap_group";
    case What::volume:
        return "_esnap_volume";
    case What::any_volume:
        return "_esnap_any_volume";
    case What::place:
        return "_esnap_place";
    case What::command:
        return "_esnap_words " + command_names();
    case What::list:
        return fmt::format("_esnap_list {}", fmt::join(words, " "));
    }
    return "";
}

std::string value_call(const Command &command, const DeclaredOption &option) {
    if (!option.choices.empty())
        return fmt::format("_esnap_words {}", fmt::join(option.choices, " "));
    const auto found = command.values.find(option.long_name);
    return found == command.values.end() ? "" : call_for(found->second.what, found->second.words);
}

std::string option_words(const std::vector<DeclaredOption> &options) {
    std::vector<std::string> words;

    for (const DeclaredOption &option : options) {
        words.push_back("--" + option.long_name);
        if (!option.short_name.empty())
            words.push_back("-" + option.short_name);
    }
    return fmt::format("{}", fmt::join(words, " "));
}

/* After an option that takes a value comes this, and nothing else. */
void print_values(const Command &command, const std::vector<DeclaredOption> &options,
                  std::ostream &out) {
    for (const DeclaredOption &option : options) {
        if (option.value.empty())
            continue;
        const std::string call = value_call(command, option);
        const std::string names =
            option.short_name.empty()
                ? "--" + option.long_name
                : fmt::format("--{} | -{}", option.long_name, option.short_name);
        out << fmt::format("        {}) {}return ;;\n", names, call.empty() ? "" : call + "; ");
    }
}

std::string positional_call(const Command &command) {
    for (const Positional &positional : command.positionals) {
        const std::string call = call_for(positional.what, {});
        if (!call.empty())
            return call;
    }
    return ":";
}

void print_command(const Command &command, std::ostream &out) {
    std::vector<DeclaredOption> options = declared_options(command.options);

    for (DeclaredOption &option : declared_options(global_options()))
        options.push_back(std::move(option));
    out << fmt::format("    {})\n        case $prev in\n", command.name);
    print_values(command, options, out);
    out << fmt::format("        esac\n"
                       "        case $cur in\n"
                       "        -*) _esnap_words {} ;;\n"
                       "        /*) _esnap_file ;;\n"
                       "        *) {} ;;\n"
                       "        esac\n"
                       "        ;;\n",
                       option_words(options), positional_call(command));
}

} // namespace

void print_completion(std::ostream &out) {
    out << helpers << main_head
        << fmt::format("    '') _esnap_words {} {} ;;\n", command_names(),
                       option_words(declared_options(global_options())));
    for (const Command &command : all_commands())
        print_command(command, out);
    out << main_tail;
}

} // namespace esnap
