// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/change.h"

#include <fmt/format.h>

#include "dm-ext/device.h"
#include "error.h"
#include "volumes/grow.h"
#include "volumes/live.h"

namespace esnap {

namespace {

constexpr const char *extend = "extend";

/* A suspend would do as well, but a command that is killed in it leaves the volume suspended. */
dmext::Step notice_step(const Volume &volume) {
    return {fmt::format("let {} notice its room", volume.volume_name().text()),
            [device = volume.device()](dmext::PlanContext &c) {
                const dmext::Device target(c.api, device);

                if (target.info().exists)
                    target.message("grown");
            }};
}

dmext::Step extend_step(System &system, const VolumeName &volume, const Words &size,
                        const std::string &lv) {
    Words words{"lvextend", "-y", "-A", "n"}; // writes may wait: the backup comes after

    words.insert(words.end(), size.begin(), size.end());
    words.push_back(lvm_path(volume.vg, lv));
    dmext::Step step = lvm_step(system, extend, volume, words);
    step.is_final = true; // shrinking it again would be no undo
    return step;
}

/* What LVM does by itself after a change, but here nobody waits for it any more. */
dmext::Step backup_step(System &system, const std::string &vg) {
    return {fmt::format("keep a backup of the metadata of {}", vg),
            [&lvm = system.lvm, vg](dmext::PlanContext &c) {
                for (const std::string &message : lvm.run({"vgcfgbackup", vg}).messages)
                    c.api.report(message);
            }};
}

dmext::Step rename_device_step(const std::string &from, const std::string &to, bool is_shown) {
    const auto visibility = is_shown ? dmext::Visibility::normal : dmext::Visibility::unprobed;
    const auto rename = [=](const std::string &a, const std::string &b) {
        return
            [=](dmext::PlanContext &c) { dmext::Device(c.api, a, visibility).rename(b, &c.udev); };
    };

    return {fmt::format("rename the device {} to {}", from, to), rename(from, to),
            rename(to, from)};
}

} // namespace

dmext::Plan extend_volume(System &system, const Found &found, const Words &size) {
    if (!found.volume)
        return extend_origin(system, found.chain, size);
    const VolumeName name = found.volume->volume_name();
    dmext::Plan plan(extend, name.text());

    plan.add(extend_step(system, name, size, found.volume->store.name));
    plan.add(notice_step(*found.volume));
    plan.add(backup_step(system, name.vg));
    return plan;
}

dmext::Plan rename_volume(System &system, const Vg &vg, const Found &found,
                          const std::string &new_name) {
    constexpr const char *operation = "rename";
    const VolumeName old = found.volume ? found.volume->volume_name() : found.chain.volume_name();
    const std::string suffix = found.volume ? store_suffix : origin_suffix;
    const std::string from = dm_name(old.vg, old.lv), to = dm_name(old.vg, new_name);
    const bool is_up =
        found.volume ? is_live(system, *found.volume) : live_org(system, found.chain).has_value();
    dmext::Plan plan(operation, old.text());

    require_good_name(new_name);
    if (is_name_taken(vg, new_name))
        throw Error(operation, old.text(), fmt::format("there is a volume {} already", new_name));
    if (!found.volume && !found.chain.is_stacked)
        throw Error(operation, old.text(),
                    "it was taken over while in use, and keeps its name until it has been "
                    "deactivated once",
                    fmt::format("unmount it, run esnap vgchange -an {0} and esnap vgchange -ay {0}",
                                old.vg));
    plan.add(lvm_step(system, operation, old,
                      {"lvrename", old.vg, old.lv + suffix, new_name + suffix},
                      {"lvrename", old.vg, new_name + suffix, old.lv + suffix}));
    if (is_up)
        plan.add(rename_device_step(from, to, !found.volume));
    return plan;
}

} // namespace esnap
