// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/remove.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dm-ext/recipes.h"
#include "error.h"
#include "volumes/live.h"
#include "volumes/protect.h"
#include "volumes/watching.h"

namespace esnap {

namespace {

constexpr const char *operation = "remove";

dmext::Step mark_step(System &system, const Volume &volume) {
    const std::string path = lvm_path(volume.vg, volume.store.name);

    return lvm_step(system, "mark as being removed", volume.volume_name(),
                    {"lvchange", "--addtag", tag::removing, path},
                    {"lvchange", "--deltag", tag::removing, path});
}

dmext::Step remove_store_step(System &system, const Volume &volume) {
    dmext::Step step = lvm_step(system, "remove the store of", volume.volume_name(),
                                {"lvremove", "-y", "-f", lvm_path(volume.vg, volume.store.name)});

    step.is_final = true;
    return step;
}

void require_unused(System &system, const Volume &volume) {
    if (is_live(system, volume) && stays_open(system, volume.device()))
        throw Error(operation, volume.volume_name().text(), "it is in use",
                    "unmount it, or end the program that has it open");
}

std::string names_of(const std::vector<const Volume *> &volumes) {
    std::vector<std::string> names;

    for (const Volume *volume : volumes)
        names.push_back(volume->name);
    return fmt::format("{}", fmt::join(names, ", "));
}

dmext::Plan remove_view(System &system, const Volume &view) {
    dmext::Plan plan(operation, view.volume_name().text());

    require_unused(system, view);
    plan.add(mark_step(system, view));
    if (system.monitor != nullptr)
        plan.add(forget_step(system, view, wants_watching(system, view)));
    if (is_live(system, view))
        plan.append(dmext::take_down(system.dm, {view.device()}));
    plan.add(remove_store_step(system, view));
    return plan;
}

void require_removable(System &system, const Chain &chain, const Volume &snapshot) {
    const std::string name = snapshot.volume_name().text();
    const auto views = chain.views_of(snapshot);

    if (!views.empty())
        throw Error(operation, name, fmt::format("it has views: {}", names_of(views)),
                    "remove those first");
    if (chain.snapshots.front().store_uuid != snapshot.store_uuid)
        throw Error(operation, name,
                    fmt::format("older snapshots of {} need what is in it, and {} is the oldest",
                                chain.name, chain.snapshots.front().name),
                    "snapshots are removed from the oldest on");
    if (chain.snapshots.size() == 1 && chain.journal)
        throw Error(
            operation, name,
            fmt::format("it is the last snapshot of {}, whose write journal needs one", chain.name),
            fmt::format("remove the journal first: esnap lvremove {}/{}", chain.vg,
                        chain.journal->lv.name));
    require_unused(system, snapshot);
}

dmext::Plan remove_snapshot(System &system, const Chain &chain, const Volume &snapshot) {
    dmext::Plan plan(operation, snapshot.volume_name().text());

    require_removable(system, chain, snapshot);
    const dmext::EsnapshotOrg org = require_live_org(system, operation, chain);
    plan.add(mark_step(system, snapshot));
    if (system.monitor != nullptr && chain.can_fill(snapshot))
        plan.add(forget_step(system, snapshot, wants_watching(system, snapshot)));
    if (is_in_table(system, org, snapshot)) {
        std::vector<std::string> images;
        if (is_live(system, snapshot))
            images.push_back(snapshot.device());
        plan.append(dmext::drop_oldest_store(system.dm, chain.device(), images));
    } else if (is_live(system, snapshot)) {
        plan.append(dmext::take_down(system.dm, {snapshot.device()}));
    }
    plan.add(remove_store_step(system, snapshot));
    return plan;
}

dmext::Step release_step(System &system, const Chain &chain, const std::string &lv) {
    return lvm_step(system, "give back to LVM", chain.volume_name(),
                    release_lv(lvm_path(chain.vg, lv), user_flags(chain.origin)));
}

} // namespace

dmext::Plan remove_volume(System &system, const Found &found) {
    if (!found.volume)
        throw Error(
            operation, found.chain.volume_name().text(),
            found.chain.snapshots.empty()
                ? "it is an origin in use, without snapshots by now"
                : fmt::format("it is the origin of {} snapshots", found.chain.snapshots.size()),
            "remove its snapshots; then it is LVM's, and lvremove removes it");
    if (found.volume->kind == Volume::Kind::view)
        return remove_view(system, *found.volume);
    return remove_snapshot(system, found.chain, *found.volume);
}

dmext::Plan dissolve(System &system, const Chain &chain) {
    dmext::Plan plan("give back to LVM", chain.volume_name().text());
    const bool is_up = live_org(system, chain).has_value();

    if (!chain.volumes().empty() || chain.journal ||
        (is_up && open_count(system, chain.device()) > 0))
        return plan;
    if (!chain.is_stacked) {
        if (is_up)
            plan.append(dmext::take_out_origin(system.dm, chain.device()));
        plan.add(release_step(system, chain, chain.origin.name));
        return plan;
    }
    const std::string hidden = lvm_path(chain.vg, chain.origin.name);
    if (is_up)
        plan.append(dmext::take_down(system.dm, {chain.device()}));
    plan.add(lvm_step(system, "deactivate the LV of", chain.volume_name(),
                      {"lvchange", "-an", hidden}, {"lvchange", "-ay", "-K", hidden}));
    plan.add(lvm_step(system, "rename the LV of", chain.volume_name(),
                      {"lvrename", chain.vg, chain.origin.name, chain.name},
                      {"lvrename", chain.vg, chain.name, chain.origin.name}));
    plan.add(release_step(system, chain, chain.name));
    if (is_up)
        plan.add(lvm_step(system, "activate", chain.volume_name(),
                          {"lvchange", "-ay", "-K", chain.volume_name().text()}));
    return plan;
}

} // namespace esnap
