// SPDX-License-Identifier: GPL-2.0-only
#include "policy/decide.h"

#include <algorithm>
#include <cmath>

namespace esnap::policy {

namespace {

/* Sizes near 2^64 would overflow a product; the nearest double is near enough for them. */
bool is_beyond(std::uint64_t used, std::uint64_t total, unsigned threshold) {
    constexpr std::uint64_t safe = UINT64_MAX / 1000;

    if (used < safe && total < safe)
        return used * 100 >= total * threshold;
    return static_cast<double>(used) * 100 >= static_cast<double>(total) * threshold;
}

std::uint64_t step_extents(const Policy &policy, const Room &room, std::uint64_t total) {
    if (policy.extents > 0)
        return policy.extents;
    const unsigned percent = room.is_full ? std::max(policy.percent, 100u) : policy.percent;
    const double bytes = static_cast<double>(total) * percent / 100;
    const double extents = std::ceil(bytes / static_cast<double>(room.extent));
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(extents));
}

std::uint64_t wanted_extents(const Policy &policy, const Room &room) {
    std::uint64_t extents = 0, total = room.total;

    do {
        extents += step_extents(policy, room, total);
        total = room.total + extents * room.extent;
    } while (is_beyond(room.used, total, policy.threshold) && extents < max_extents);
    return extents;
}

} // namespace

double Room::percent_used() const {
    return total == 0 ? 100.0 : 100.0 * static_cast<double>(used) / static_cast<double>(total);
}

Decision decide(const Policy &policy, const Room &room) {
    Decision decision;

    if (policy.is_off()) {
        decision.verdict = Verdict::off;
        return decision;
    }
    if (!room.is_full && !room.is_low && !is_beyond(room.used, room.total, policy.threshold))
        return decision;
    decision.wanted = wanted_extents(policy, room);
    decision.extents = std::min(decision.wanted, room.free_extents);
    if (decision.extents == decision.wanted)
        decision.verdict = Verdict::grow;
    else
        decision.verdict = decision.extents > 0 ? Verdict::grow_less : Verdict::no_room;
    return decision;
}

} // namespace esnap::policy
