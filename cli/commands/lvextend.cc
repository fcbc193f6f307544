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

/*
 * esnap's lock of the group is not taken: a store must be able to grow while another command
 * waits, with the origin suspended, for writes that wait for this very room.
 */
int run(const po::variables_map &arguments, const Context &context) {
    const VolumeName name = parse_volume(text_of(arguments, "VG/NAME"));
    const bool is_test = arguments["test"].as<bool>();
    const Words size = size_words(arguments, true, 1, 1);

    if (size.empty())
        throw UsageError("say with -L or -l how large it shall be");
    with_system([&](System &system) {
        const Vg vg = read_vg(system.lvm, name.vg);
        const Found found = find_volume(vg, name);
        const dmext::Plan plan = extend_volume(
            system, found, size_words(arguments, true, found.chain.origin.bytes, vg.extent_bytes));
        for (const std::string &line : plan.listing()) {
            if (is_test)
                context.say("would {}", line);
            else
                context.detail("{}", line);
        }
        if (!is_test)
            plan.run(system.dm);
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
