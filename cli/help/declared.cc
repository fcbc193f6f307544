// SPDX-License-Identifier: GPL-2.0-only
#include "help/declared.h"

#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/value_semantic.hpp>

namespace esnap {

namespace {

constexpr const char *fallback_mark = " (="; // Boost's, between a value's name and its default

std::vector<std::string> choices_in(const std::string &value) {
    std::vector<std::string> choices;
    std::size_t at = 0;

    if (value.find('|') == std::string::npos)
        return choices;
    for (;;) {
        const std::size_t end = value.find('|', at);
        choices.push_back(value.substr(at, end == std::string::npos ? end : end - at));
        if (end == std::string::npos)
            return choices;
        at = end + 1;
    }
}

DeclaredOption declared(const po::option_description &option) {
    DeclaredOption result;
    const std::string shortest =
        option.canonical_display_name(po::command_line_style::allow_dash_for_short);

    result.long_name = option.long_name();
    if (shortest.size() == 2)
        result.short_name = shortest.substr(1);
    result.help = option.description();
    if (option.semantic()->max_tokens() == 0)
        return result;
    const std::string parameter = option.format_parameter();
    const std::size_t mark = parameter.find(fallback_mark);
    result.value = parameter.substr(0, mark);
    if (mark != std::string::npos) {
        result.fallback = parameter.substr(mark + std::string_view(fallback_mark).size());
        result.fallback.pop_back(); // the closing bracket
    }
    result.choices = choices_in(result.value);
    return result;
}

} // namespace

std::vector<DeclaredOption> declared_options(const po::options_description &options) {
    std::vector<DeclaredOption> all;

    for (const auto &option : options.options())
        all.push_back(declared(*option));
    return all;
}

std::string usage_of(const Positional &positional) {
    return fmt::format("{}{}{}{}", positional.is_required() ? "" : "[", positional.name,
                       positional.is_repeated() ? "..." : "", positional.is_required() ? "" : "]");
}

const char *const program_summary = "snapshots of logical volumes in place, in chains";

const char *const program_details =
    "Takes snapshots of logical volumes that stay where they are and may be mounted meanwhile.\n"
    "The snapshots of a volume form a chain: the old content of a chunk that is overwritten is\n"
    "kept once, by the newest snapshot, and older ones find it there. A view is a copy of a\n"
    "snapshot that can be written. Volumes are named as LVM names them, VG/NAME or /dev/VG/NAME,\n"
    "and commands and options are LVM's where LVM has them.";

} // namespace esnap
