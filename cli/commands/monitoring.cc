// SPDX-License-Identifier: GPL-2.0-only
#include "commands/monitoring.h"

#include "error.h"
#include "lvm/file_lock.h"
#include "volumes/chain.h"
#include "volumes/watching.h"

namespace esnap {

namespace {

/* Tags that contradict each other are for the one to name who looks at that group. */
bool may_have_chains(const Vg &vg) {
    const Chains chains = read_chains(vg);

    return !chains.sound.empty() || !chains.bad.empty() || !find_orphans(vg).empty();
}

} // namespace

std::vector<std::string> groups_with_chains(LvmKind kind) {
    std::vector<std::string> names;

    with_system(
        [&](System &system) {
            for (const Vg &vg : read_vgs(system.lvm))
                if (may_have_chains(vg))
                    names.push_back(vg.name);
        },
        kind);
    return names;
}

/* Tags that are just being changed may mislead: then the lock's turn puts it right. */
void watch_without_lock(const std::vector<std::string> &names) {
    const auto tell = [](const std::string &) {};

    with_system(
        [&](System &system) {
            for (const std::string &name : names) {
                try {
                    system.conf = policy::read_conf();
                    sync_watching(system, read_vg(system.lvm, name), tell);
                } catch (const std::exception &) {
                }
            }
        },
        LvmKind::beside_suspended);
}

/* What was asked for expressly must work. */
int monitor_group(const Context &context, bool is_test, bool wanted, const std::string &name) {
    bool is_done = true;

    with_system([&](System &system) {
        const FileLock lock(esnap_lock_path(name));
        const auto tell = [&](const std::string &text) {
            is_done = false;
            context.err << text << '\n';
        };
        const Vg vg = read_vg(system.lvm, name);
        if (is_test) {
            context.say("would {} watching {}", wanted ? "begin" : "end", name);
            return;
        }
        system.conf = policy::read_conf();
        const Chains chains = read_chains(vg);
        for (const Error &error : chains.bad)
            tell(error.what());
        if (wanted)
            sync_watching(system, vg, tell);
        else
            for (const Chain &chain : chains.sound)
                forget_chain(system, chain, tell);
    });
    return is_done ? exit_done : exit_failed;
}

} // namespace esnap
