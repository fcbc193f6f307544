// SPDX-License-Identifier: GPL-2.0-only
#include "commands/activate.h"

#include <boost/program_options/value_semantic.hpp>

#include "commands/live.h"
#include "error.h"
#include "lvm/file_lock.h"
#include "options.h"
#include "volumes/assemble.h"
#include "volumes/watching.h"

namespace esnap {

namespace {

void deactivate(System &system, const Context &context, const Chain &chain) {
    const auto tell = [&](const std::string &text) { context.err << text << '\n'; };

    forget_chain(system, chain, tell);
    try {
        disassemble(system, chain);
    } catch (...) {
        sync_watching(system, read_vg(system.lvm, chain.vg), tell);
        throw;
    }
}

/* Returns whether it worked. */
bool activate_chain(System &system, const Context &context, bool active, const Chain &chain) {
    const std::string name = chain.volume_name().text();
    bool is_whole = true;

    try {
        if (active)
            assemble(system, chain.vg, chain.origin.uuid, [&](News news, const std::string &text) {
                is_whole = is_whole && news == News::mended;
                context.err << text << '\n';
            });
        else
            deactivate(system, context, chain);
        context.detail("{} {}", name, active ? "activated" : "deactivated");
    } catch (const std::exception &error) {
        context.err << fmt::format("{}: {}\n", name, error.what());
        return false;
    }
    return is_whole;
}

/* That nobody watches is no failure of the activation. */
void watch_group(System &system, const Context &context, const std::string &vg) {
    sync_watching(system, read_vg(system.lvm, vg),
                  [&](const std::string &text) { context.err << text << '\n'; });
}

bool report_orphans(const Context &context, const Vg &vg) {
    const std::vector<Lv> orphans = find_orphans(vg);

    for (const Lv &lv : orphans)
        context.err << fmt::format("{}/{}: it is tagged as a store, but no LV of the group is "
                                   "tagged as its origin (uuid {})\n",
                                   vg.name, lv.name, lv.tag_value(tag::origin));
    return orphans.empty();
}

} // namespace

void add_activation_options(po::options_description &options) {
    options.add_options()("activate,a", po::value<std::string>()->value_name("y|n"),
                          "make snapshots and their origin available, or not");
    add_test_option(options);
}

bool wants_active(const po::variables_map &arguments) {
    const std::string text = text_of(arguments, "activate");

    if (text == "y" || text == "ay")
        return true;
    if (text == "n")
        return false;
    throw UsageError(text.empty() ? "say -a y or -a n"
                                  : fmt::format("-a {}: want y, ay or n", text));
}

int activate_group(const Context &context, bool is_test, bool active, const std::string &vg_name,
                   const std::string &origin) {
    bool is_done = true;

    with_system([&](System &system) {
        const FileLock lock(esnap_lock_path(vg_name));
        const auto tell = [&](News news, const std::string &text) {
            if (news == News::mended) // of what is missing the activation tells
                context.say("{}", text);
        };
        system.conf = conf_or_defaults(context);
        const Vg vg =
            active && !is_test ? settle(system, {vg_name, {}}, tell) : read_vg(system.lvm, vg_name);
        bool is_found = origin.empty();
        const Chains chains = read_chains(vg);
        for (const Chain &chain : chains.sound) {
            if (!origin.empty() && chain.name != origin)
                continue;
            is_found = true;
            if (is_test)
                context.say("would {} {}", active ? "activate" : "deactivate",
                            chain.volume_name().text());
            else
                is_done = activate_chain(system, context, active, chain) && is_done;
        }
        if (!is_found) {
            find_volume(vg, {vg_name, origin}); // says what it is, if it is not ours
            throw Error("activate", vg_name + "/" + origin, "it is no origin of snapshots",
                        "name the origin, or the whole group");
        }
        if (active && !is_test)
            watch_group(system, context, vg_name);
        if (origin.empty())
            is_done = report_bad(context, chains) && is_done;
        if (active && origin.empty())
            is_done = report_orphans(context, vg) && is_done;
    });
    return is_done ? exit_done : exit_failed;
}

} // namespace esnap
