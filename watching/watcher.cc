// SPDX-License-Identifier: GPL-2.0-only
#include "watching/watcher.h"

#include <fmt/format.h>

namespace esnap {

namespace {

using Severity = WatchedWorld::Severity;
using Sample = WatchedWorld::Sample;

constexpr std::uint64_t sectors_per_mib = 2048;

} // namespace

/*
 * The area is looked at again right after an extension: the event of what was written meanwhile
 * has come and gone, and the next one may be that it is full.
 */
void Watcher::look() {
    std::optional<Sample> sample = world_.look();

    for (int round = 0; sample && round < most_rounds; round++) {
        if (!watch_.wants_extension(sample->reading, world_.now()))
            break;
        sample = extend(*sample);
    }
    if (!sample)
        return;
    if (const auto warning = watch_.warning(sample->reading))
        world_.log(Severity::warning, fmt::format("{}: {}", sample->volume, *warning));
}

std::optional<Sample> Watcher::extend(const Sample &before) {
    const WatchedWorld::Outcome outcome = world_.extend(before.volume);
    const std::optional<Sample> after = world_.look();

    if (!after)
        return {};
    watch_.extended(before.reading, after->reading, !outcome.is_done, world_.now());
    if (after->reading.total > before.reading.total) {
        last_failure_.clear();
        world_.log(Severity::info, fmt::format("{}: extended from {} to {} MiB{}", after->volume,
                                               before.reading.total / sectors_per_mib,
                                               after->reading.total / sectors_per_mib,
                                               before.reading.state == policy::Reading::State::full
                                                   ? "; it was full, and writes had to wait"
                                                   : ""));
    }
    if (!outcome.is_done)
        log_failure(after->volume, outcome.output);
    return after;
}

/* Each reason once, however often it is tried again. */
void Watcher::log_failure(const std::string &volume, const std::string &output) {
    if (output == last_failure_)
        return;
    last_failure_ = output;
    world_.log(Severity::error,
               fmt::format("{}: cannot be extended as its policy wants: {}", volume, output));
}

} // namespace esnap
