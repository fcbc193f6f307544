// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/grow.h"

#include <fmt/format.h>

#include "dm-ext/device.h"
#include "dm-ext/recipes.h"
#include "error.h"
#include "lvm/segments.h"
#include "volumes/live.h"

namespace esnap {

namespace {

constexpr const char *operation = "extend";

Words with_size(Words words, const Words &size, const std::string &path) {
    words.insert(words.end(), size.begin(), size.end());
    words.push_back(path);
    return words;
}

/* The public device is not LVM's to load: only metadata is changed. */
dmext::Step extend_live_lv_step(System &system, const Chain &chain, const Words &size) {
    const std::string path = lvm_path(chain.vg, chain.name),
                      real = dmext::real_name(chain.device());
    const Words back{
        "lvreduce", "-y", "-f", "--driverloaded", "n", "-L", fmt::format("{}b", chain.origin.bytes),
        path};
    dmext::Step step = lvm_step(system, operation, chain.volume_name(),
                                with_size({"lvextend", "-y", "--driverloaded", "n"}, size, path));

    step.undo = [=, &lvm = system.lvm](dmext::PlanContext &c) {
        c.udev.wait();
        for (const std::string &name : {chain.device(), real})
            if (dmext::size_of(dmext::Device(c.api, name).table()) > chain.origin.bytes / 512)
                throw Error("shrink", path, fmt::format("{} has grown already", name),
                            "it stays as long as it is now: its end may be in use");
        run_lvm(lvm, "shrink", path, back);
    };
    return step;
}

dmext::Step extend_stacked_lv_step(System &system, const Chain &chain, const Words &size) {
    dmext::Step step =
        lvm_step(system, operation, chain.volume_name(),
                 with_size({"lvextend", "-y"}, size, lvm_path(chain.vg, chain.origin.name)));
    step.is_final = true; // shrinking it again would be no undo
    return step;
}

/* LVM could have moved the LV (pvmove after a deactivation of esnap's): then we know too little. */
void require_known_place(System &system, const Chain &chain) {
    const dmext::Device real(system.dm, dmext::real_name(chain.device()));
    const dmext::Table own = real.table(), lvm = lvm_table(system.lvm, chain.vg, chain.name);

    if (!dmext::is_continuation(own, lvm))
        throw Error(operation, chain.volume_name().text(),
                    fmt::format("LVM has it at another place than {}", real.name()),
                    fmt::format("unmount it, run esnap vgchange -an {0} and esnap vgchange -ay {0}",
                                chain.vg));
}

void grow_stacked(System &system, const Chain &chain, dmext::PlanContext &c) {
    const dmext::Device below(c.api, dm_name(chain.vg, chain.origin.name));

    require_live_org(system, operation, chain);
    dmext::grow_stacked_origin(c.api, chain.device(), dmext::size_of(below.table())).run(c.api);
}

} // namespace

bool is_short(System &system, const Chain &chain) {
    return dmext::size_of(dmext::Device(system.dm, chain.device()).table()) <
           chain.origin.bytes / 512;
}

dmext::Step grow_origin_step(System &system, const Chain &chain) {
    System *s = &system;

    return {fmt::format("let {} grow", chain.volume_name().text()), [=](dmext::PlanContext &c) {
                if (chain.is_stacked)
                    grow_stacked(*s, chain, c);
                else
                    dmext::grow_inserted_origin(c.api, chain.device(),
                                                lvm_table(s->lvm, chain.vg, chain.name))
                        .run(c.api);
            }};
}

dmext::Plan extend_origin(System &system, const Chain &chain, const Words &size) {
    dmext::Plan plan(operation, chain.volume_name().text());

    if (chain.is_stacked) {
        plan.add(extend_stacked_lv_step(system, chain, size));
    } else {
        require_live_org(system, operation, chain);
        require_known_place(system, chain);
        plan.add(extend_live_lv_step(system, chain, size));
    }
    if (live_org(system, chain))
        plan.add(grow_origin_step(system, chain));
    return plan;
}

} // namespace esnap
