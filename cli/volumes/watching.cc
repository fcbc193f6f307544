// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/watching.h"

#include <fmt/format.h>

#include "dm-ext/device.h"
#include "volumes/live.h"

namespace esnap {

namespace {

using Tell = std::function<void(const std::string &)>;

/* Runs @action; false, and told, if it failed. */
bool attempt(const Tell &tell, const std::function<void()> &action) {
    try {
        action();
        return true;
    } catch (const std::exception &error) {
        tell(fmt::format("WARNING: {}", error.what()));
        return false;
    }
}

std::string why_unwatched(const VolumeName &volume, const std::string &cause) {
    return fmt::format("WARNING: {} is not watched and will not grow by itself: {}; esnap lvextend "
                       "gives it room",
                       volume.text(), cause);
}

/* The only older snapshot that can be watched is the one that was the newest until now. */
bool may_be_left_over(const Chain &chain, const Volume &volume) {
    const std::size_t count = chain.snapshots.size();

    return count > 1 && chain.snapshots[count - 2].store_uuid == volume.store_uuid;
}

} // namespace

bool wants_watching(const System &system, const Volume &volume) {
    const std::string own = volume.store.tag_value(tag::monitor);

    return own.empty() ? system.conf.monitoring : own == "y";
}

dmext::Step watch_step(System &system, const VolumeName &volume, const std::string &device_uuid) {
    MonitorApi *monitor = system.monitor;

    return {fmt::format("watch how full {} is", volume.text()), [=](dmext::PlanContext &c) {
                try {
                    c.udev.wait();
                    monitor->watch(device_uuid, volume.text());
                } catch (const std::exception &error) {
                    c.api.report(why_unwatched(volume, error.what()));
                }
            }};
}

dmext::Step forget_step(System &system, const Volume &volume, bool wanted) {
    MonitorApi *monitor = system.monitor;
    const std::string uuid = volume.device_uuid(), name = volume.volume_name().text();
    dmext::Step step;

    step.what = fmt::format("stop watching {}", name);
    step.run = [=](dmext::PlanContext &c) {
        attempt([&](const std::string &text) { c.api.report(text); },
                [&] { monitor->forget(uuid, name); });
    };
    if (wanted)
        step.undo = [=](dmext::PlanContext &c) {
            attempt([&](const std::string &text) { c.api.report(text); },
                    [&] { monitor->watch(uuid, name); });
        };
    return step;
}

bool sync_watching(System &system, const Vg &vg, const Tell &tell) {
    bool is_done = true;

    if (system.monitor == nullptr)
        return true;
    for (const Chain &chain : read_chains(vg).sound) {
        for (const Volume *volume : chain.volumes()) {
            const std::string uuid = volume->device_uuid(), name = volume->volume_name().text();
            const bool can_fill = chain.can_fill(*volume);
            if ((!can_fill && !may_be_left_over(chain, *volume)) || !is_live(system, *volume))
                continue;
            const bool wanted = can_fill && wants_watching(system, *volume);
            is_done = attempt(tell,
                              [&] {
                                  if (!wanted)
                                      system.monitor->forget(uuid, name);
                                  else if (!system.monitor->is_watched(uuid))
                                      system.monitor->watch(uuid, name);
                              }) &&
                      is_done;
        }
    }
    return is_done;
}

void forget_chain(System &system, const Chain &chain, const Tell &tell) {
    if (system.monitor == nullptr)
        return;
    for (const Volume *volume : chain.volumes())
        if (chain.can_fill(*volume))
            attempt(tell, [&] {
                system.monitor->forget(volume->device_uuid(), volume->volume_name().text());
            });
}

} // namespace esnap
