// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/autoextend.h"

#include <fmt/format.h>

#include "dm-ext/device.h"
#include "dm-ext/status.h"
#include "error.h"
#include "volumes/live.h"

namespace esnap {

namespace {

constexpr const char *extend = "extend";

policy::Wish wish_of(const Volume &volume) {
    const std::string where = "read the tags of " + volume.volume_name().text();
    const std::string threshold = volume.store.tag_value(tag::threshold);
    const std::string percent = volume.store.tag_value(tag::percent);
    policy::Wish wish;

    if (!threshold.empty())
        wish.threshold = policy::parse_threshold(where, threshold);
    if (!percent.empty())
        wish.percent = policy::parse_percent(where, percent);
    return wish;
}

/* lvmconfig prints past LVM's log function: the lines come as messages. */
policy::Wish wish_of_lvm(LvmApi &lvm) {
    if (!lvm.may_configure("snapshot_autoextend_threshold"))
        return {}; // its default is never
    const LvmReply reply =
        lvm.run({"lvmconfig", "--type", "full", "activation/snapshot_autoextend_threshold",
                 "activation/snapshot_autoextend_percent"});
    std::string text = reply.output;

    for (const std::string &line : reply.messages)
        text += line + "\n";
    return policy::parse_lvmconfig(text);
}

bool says_all(const policy::Wish &a, const policy::Wish &b) {
    return (a.threshold || b.threshold) && (a.percent || a.extents || b.percent || b.extents);
}

dmext::AreaStatus status_of(System &system, const Volume &volume) {
    if (!is_live(system, volume))
        throw Error(extend, volume.volume_name().text(),
                    "it is not active: nobody knows how full it is",
                    fmt::format("run esnap vgchange -ay {}, or say with -L how large it shall be",
                                volume.vg));
    const dmext::Table status = dmext::Device(system.dm, volume.device()).status();
    return dmext::parse_area_status(status.at(0));
}

std::string size_words(const AutoExtension &e) {
    return fmt::format("{:.1f} % full", e.room.percent_used());
}

std::string summary_of(const VolumeName &volume, const AutoExtension &e) {
    const std::string full = size_words(e);
    const std::string name = volume.text();

    switch (e.decision.verdict) {
    case policy::Verdict::off:
        return fmt::format("{} is {}; it is never extended (threshold 100, {})", name, full,
                           to_string(e.policy.threshold_from));
    case policy::Verdict::enough:
        return fmt::format("{} is {}, below the threshold of {} % ({}): nothing to do", name, full,
                           e.policy.threshold, to_string(e.policy.threshold_from));
    case policy::Verdict::grow:
        return fmt::format("{} is {}: {} extents more", name, full, e.decision.extents);
    case policy::Verdict::grow_less:
        return fmt::format("{} is {}: {} extents more, the last ones of group {} ({} were wanted)",
                           name, full, e.decision.extents, volume.vg, e.decision.wanted);
    case policy::Verdict::no_room:
        return fmt::format("{} is {}, and group {} has no free extent", name, full, volume.vg);
    }
    return name;
}

} // namespace

policy::Policy policy_of(System &system, const Volume &volume) {
    const policy::Wish own = wish_of(volume);
    const policy::Wish lvm =
        says_all(own, system.conf.wish) ? policy::Wish{} : wish_of_lvm(system.lvm);

    return policy::choose_policy(own, system.conf.wish, lvm);
}

AutoExtension decide_extension(System &system, const Vg &vg, const Found &found) {
    if (!found.volume)
        throw Error(extend, found.chain.volume_name().text(),
                    "it is an origin: it has no area that fills",
                    "name one of its snapshots or views, or say with -L how large it shall be");
    const Volume &volume = *found.volume;
    AutoExtension e;

    if (!found.chain.can_fill(volume)) {
        e.summary = fmt::format("{} is not the newest snapshot of {}: nothing is added to it, and "
                                "it needs no room",
                                volume.volume_name().text(), found.chain.name);
        return e;
    }
    const dmext::AreaStatus status = status_of(system, volume);
    if (status.state == dmext::AreaState::invalid || status.state == dmext::AreaState::failed)
        throw Error(
            extend, volume.volume_name().text(),
            fmt::format("it is {}: room does not help it any more", to_string(status.state)),
            "remove it; the kernel log says what has happened");
    e.policy = policy_of(system, volume);
    e.room = {.used = status.used,
              .total = status.total,
              .is_full = status.state == dmext::AreaState::full,
              .is_low =
                  status.state == dmext::AreaState::low && status.low_water == e.policy.threshold,
              .extent = vg.extent_bytes / 512,
              .free_extents = vg.free_extents};
    e.decision = policy::decide(e.policy, e.room);
    e.summary = summary_of(volume.volume_name(), e);
    return e;
}

void set_low_water(System &system, const Volume &volume, const policy::Policy &policy) {
    const dmext::AreaStatus status = status_of(system, volume);

    if (status.low_water && *status.low_water != policy.threshold)
        dmext::Device(system.dm, volume.device())
            .message(fmt::format("low_water {}", policy.threshold));
}

} // namespace esnap
