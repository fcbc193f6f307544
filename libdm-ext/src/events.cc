// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/events.h"

#include <algorithm>

namespace dmext {

EventWaiter::EventWaiter(Device device)
    : device_(std::move(device)), source_(device_.api().open_events()),
      last_(device_.existing().event_number) {}

/*
 * 1. arm: from here on any event ends the wait;
 * 2. look at the device's own counter: what came before 1 is seen here;
 * 3. wait: what comes after 1 is seen here, and 2 tells whose it was.
 */
std::optional<std::uint32_t> EventWaiter::wait(std::chrono::milliseconds timeout) {
    using Clock = std::chrono::steady_clock;
    const bool is_limited = timeout.count() >= 0;
    const auto end = Clock::now() + (is_limited ? timeout : std::chrono::milliseconds(0));

    for (;;) {
        source_->arm();
        const std::uint32_t now = device_.existing().event_number;
        if (now != last_)
            return last_ = now;
        auto left = std::chrono::milliseconds(-1);
        if (is_limited)
            left = std::max(std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()),
                            std::chrono::milliseconds(0));
        if (source_->wait(left) != EventSource::Wake::event)
            return std::nullopt;
    }
}

} // namespace dmext
