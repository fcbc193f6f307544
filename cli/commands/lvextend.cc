// SPDX-License-Identifier: GPL-2.0-only
//
// esnap lvextend: give a snapshot or view more room, or grow an origin.
#include "command.h"
#include "commands/live.h"
#include "error.h"
#include "options.h"
#include "volumes/autoextend.h"
#include "volumes/change.h"
#include "volumes/live.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Gives a snapshot or view more room, or makes an origin larger; all of it while they are in\n"
    "use. Writes that waited for room go on. Snapshots keep the size that the origin had.\n"
    "With --use-policies a snapshot or view that is fuller than its threshold gets as much more\n"
    "room as its policy says; see esnap lvchange and /etc/esnap/esnap.conf.";

po::options_description declare() {
    po::options_description options("Options");
    add_size_options(options, "the new size, or with a + by how much");
    options.add_options()("use-policies", po::bool_switch(),
                          "extend if the volume is fuller than its threshold");
    add_test_option(options);
    return options;
}

/*
 * esnap's lock of the group is not taken: a store must be able to grow while another command
 * waits, with the origin suspended, for writes that wait for this very room. For the same reason
 * LVM must not wait for suspended devices.
 */
void with_extendable(const VolumeName &name,
                     const std::function<void(System &, const Vg &, const Found &)> &use) {
    with_system(
        [&](System &system) {
            const Vg vg = read_vg(system.lvm, name.vg);
            use(system, vg, find_volume(vg, name));
        },
        LvmKind::beside_suspended);
}

int run_by_policy(const Context &context, bool is_test, const VolumeName &name) {
    int code = exit_done;

    with_extendable(name, [&](System &system, const Vg &vg, const Found &found) {
        system.conf = conf_or_defaults(context);
        const AutoExtension e = decide_extension(system, vg, found);
        if (e.decision.verdict == policy::Verdict::no_room)
            throw Error("extend", name.text(), e.summary,
                        "give the group another disk with vgextend, or remove what is not needed");
        context.say("  {}.", e.summary);
        if (e.is_extension())
            run_plan(context, is_test, system,
                     extend_volume(system, found, {"-l", fmt::format("+{}", e.decision.extents)}));
        if (!is_test && found.chain.can_fill(*found.volume))
            set_low_water(system, *found.volume, e.policy);
        if (e.decision.verdict == policy::Verdict::grow_less)
            code = exit_failed;
    });
    return code;
}

/* An origin's growth frees no room, and loads tables: it waits for other commands. */
int run_by_size(const Context &context, bool is_test, const VolumeName &name,
                const po::variables_map &arguments) {
    bool is_origin = false;
    const auto plan_for = [&](System &system, const Vg &vg, const Found &found) {
        return extend_volume(
            system, found, size_words(arguments, true, found.chain.origin.bytes, vg.extent_bytes));
    };

    with_extendable(name, [&](System &system, const Vg &vg, const Found &found) {
        is_origin = !found.volume;
        if (!is_origin)
            run_plan(context, is_test, system, plan_for(system, vg, found));
    });
    if (is_origin)
        change_group(context, is_test, name, [&](System &system, const Vg &vg) {
            return plan_for(system, vg, find_volume(vg, name));
        });
    context.say("  \"{}\" {}.", name.lv, is_test ? "would be extended (--test)" : "extended");
    return exit_done;
}

int run(const po::variables_map &arguments, const Context &context) {
    const VolumeName name = parse_volume(text_of(arguments, "VG/NAME"));
    const bool is_test = arguments["test"].as<bool>();
    const bool has_size = !size_words(arguments, true, 1, 1).empty();
    const bool by_policy = arguments["use-policies"].as<bool>();

    if (has_size == by_policy)
        throw UsageError(by_policy ? "give --use-policies or a size, not both"
                                   : "say with -L or -l how large it shall be");
    return by_policy ? run_by_policy(context, is_test, name)
                     : run_by_size(context, is_test, name, arguments);
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
                          "let the origin have what is left in the group"},
                         {"esnap lvextend --use-policies vg/monday",
                          "give it more room if it is fuller than its threshold"}},
            .run = run};
}

} // namespace esnap
