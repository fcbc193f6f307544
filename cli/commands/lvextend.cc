// SPDX-License-Identifier: GPL-2.0-only
//
// esnap lvextend: give a snapshot or view more room, or grow an origin.
#include "command.h"
#include "commands/live.h"
#include "error.h"
#include "options.h"
#include "volumes/change.h"
#include "volumes/live.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Gives a snapshot or view more room, or makes an origin larger; all of it while they are in\n"
    "use. Writes that waited for room go on. Snapshots keep the size that the origin had.";

po::options_description declare() {
    po::options_description options("Options");
    add_size_options(options, "the new size, or with a + by how much");
    add_test_option(options);
    return options;
}

dmext::Plan plan_for(System &system, const Vg &vg, const po::variables_map &arguments,
                     const Found &found) {
    return extend_volume(system, found,
                         size_words(arguments, true, found.chain.origin.bytes, vg.extent_bytes));
}

/*
 * A snapshot or view, without esnap's lock of the group: it must be able to grow while another
 * command waits, with the origin suspended, for writes that wait for this very room. False: the
 * name is an origin's.
 */
bool extend_area(const Context &context, bool is_test, const po::variables_map &arguments,
                 const VolumeName &name) {
    bool is_area = false;

    with_system([&](System &system) {
        const Vg vg = read_vg(system.lvm, name.vg);
        const Found found = find_volume(vg, name);
        is_area = found.volume.has_value();
        if (is_area)
            run_plan(context, is_test, system, plan_for(system, vg, arguments, found));
    });
    return is_area;
}

int run(const po::variables_map &arguments, const Context &context) {
    const VolumeName name = parse_volume(text_of(arguments, "VG/NAME"));
    const bool is_test = arguments["test"].as<bool>();

    if (size_words(arguments, true, 1, 1).empty())
        throw UsageError("say with -L or -l how large it shall be");
    if (!extend_area(context, is_test, arguments, name))
        change_group(context, is_test, name.vg, [&](System &system, const Vg &vg) {
            return plan_for(system, vg, arguments, find_volume(vg, name));
        });
    context.say("  \"{}\" {}.", name.lv, is_test ? "would be extended (--test)" : "extended");
    return exit_done;
}

} // namespace

Command lvextend_command() {
    return {.name = "lvextend",
            .summary = "give a snapshot or view more room, or grow an origin",
            .details = details,
            .positionals = {{"VG/NAME", "what is to grow", What::volume}},
            .options = declare(),
            .examples = {{"esnap lvextend -L +1G vg/monday",
                          "give a snapshot 1 GiB more room for what differs"},
                         {"esnap lvextend -l +100%FREE vg/data",
                          "let the origin have what is left in the group"}},
            .run = run};
}

} // namespace esnap
