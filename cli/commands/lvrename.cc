// SPDX-License-Identifier: GPL-2.0-only
//
// esnap lvrename: rename a snapshot, a view or an origin.
#include "command.h"
#include "commands/live.h"
#include "error.h"
#include "options.h"
#include "volumes/change.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Renames a snapshot, a view or an origin, also while it is mounted. Three words: group, old\n"
    "name, new name; or two: VG/OLD NEW.";

po::options_description declare() {
    po::options_description options("Options");
    add_test_option(options);
    return options;
}

struct Names {
    VolumeName old;
    std::string new_name;
};

Names names_from(const std::vector<std::string> &words) {
    if (words.size() == 3)
        return {parse_volume(parse_name(words[0]).vg + "/" + words[1]), words[2]};
    if (words.size() != 2)
        throw UsageError("want VG OLD NEW, or VG/OLD NEW");
    const VolumeName old = parse_volume(words[0]);
    if (words[1].find('/') == std::string::npos)
        return {old, words[1]};
    const VolumeName wanted = parse_volume(words[1]);
    if (wanted.vg != old.vg)
        throw UsageError("a volume cannot move to another group by a new name");
    return {old, wanted.lv};
}

int run(const po::variables_map &arguments, const Context &context) {
    const Names names = names_from(words_of(arguments, "VG OLD NEW"));
    const bool is_test = arguments["test"].as<bool>();

    change_group(context, is_test, names.old, [&](System &system, const Vg &vg) {
        return rename_volume(system, vg, find_volume(vg, names.old), names.new_name);
    });
    context.say("  \"{}\" {} \"{}\".", names.old.lv,
                is_test ? "would be renamed (--test) to" : "renamed to", names.new_name);
    return exit_done;
}

} // namespace

Command lvrename_command() {
    return {
        .name = "lvrename",
        .summary = "rename a snapshot, a view or an origin",
        .details = details,
        .positionals = {{"VG OLD NEW", "or VG/OLD NEW", What::place, Positional::Count::some}},
        .options = declare(),
        .examples = {{"esnap lvrename vg monday before-upgrade", "rename the snapshot vg/monday"}},
        .run = run};
}

} // namespace esnap
