// SPDX-License-Identifier: GPL-2.0-only
#include "policy/watch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace esnap::policy {

namespace {

double percent_of(const Reading &reading) {
    return reading.total == 0
               ? 100.0
               : 100.0 * static_cast<double>(reading.used) / static_cast<double>(reading.total);
}

/* The first step above @percent, so that the same fill does not count twice. */
double step_above(double percent, double least) {
    double next = least;

    while (next <= percent)
        next += Watch::step;
    return next;
}

} // namespace

/* An area of another size is another area. */
void Watch::see_size(const Reading &reading) {
    if (reading.total == total_)
        return;
    total_ = reading.total;
    next_check_ = first_check;
    next_warning_ = first_warning;
    told_full_ = false;
    full_since_.reset();
    pause_ = std::chrono::seconds{0};
    not_before_ = {};
    has_failed_ = false;
}

bool Watch::wants_extension(const Reading &reading, Clock::time_point now) {
    const double percent = percent_of(reading);
    const Reading::State before = last_;

    see_size(reading);
    last_ = reading.state;
    /* Hysteresis: a whole step below the last one, and that one counts again. */
    if (percent < next_check_ - 2 * step)
        next_check_ = step_above(percent, first_check);
    if (reading.state == Reading::State::lost)
        return false;
    const bool is_news = reading.state != before && reading.state != Reading::State::ok;
    const bool is_due =
        is_news || has_failed_ || reading.state == Reading::State::full || percent >= next_check_;
    if (!is_due)
        return false;
    /* Writes that have just begun to wait are worth one more try, whatever failed before. */
    return now >= not_before_ || (is_news && reading.state == Reading::State::full);
}

/* Writes to a full area wait, and not for ever (queue_timeout): it is asked for room often at
 * first. */
void Watch::set_pause(bool is_full, Clock::time_point now) {
    using std::chrono::seconds;

    if (!is_full) {
        full_since_.reset();
        pause_ = std::clamp(2 * pause_, first_pause, longest_pause);
        return;
    }
    full_since_ = full_since_.value_or(now);
    pause_ = std::clamp(std::chrono::duration_cast<seconds>((now - *full_since_) / 4), first_pause,
                        longest_pause);
}

void Watch::extended(const Reading &before, const Reading &after, bool failed,
                     Clock::time_point now) {
    const bool has_grown = after.total > before.total;

    see_size(after);
    next_check_ = step_above(percent_of(after), first_check);
    if (has_grown) {
        /* Still low or full: that counts as news, and the next look asks again at once. */
        last_ = Reading::State::ok;
        return;
    }
    last_ = after.state;
    has_failed_ = failed;
    if (!failed && after.state != Reading::State::full)
        return; /* below the threshold, or not wanted: the next step asks again */
    set_pause(after.state == Reading::State::full, now);
    not_before_ = now + pause_;
}

std::optional<std::string> Watch::warning(const Reading &reading) {
    const double percent = percent_of(reading);

    see_size(reading);
    if (reading.state == Reading::State::lost) {
        if (std::exchange(told_lost_, true))
            return {};
        return "it is lost: invalid or failed";
    }
    if (reading.state == Reading::State::full) {
        if (std::exchange(told_full_, true))
            return {};
        next_warning_ = step_above(percent, first_warning);
        return "it is full, and writes that need room wait";
    }
    told_full_ = false;
    if (percent < next_warning_ - 2 * step)
        next_warning_ = step_above(percent, first_warning);
    if (percent < next_warning_)
        return {};
    next_warning_ = step_above(percent, first_warning);
    return fmt::format("it is {:.1f} % full", percent);
}

/* Dashes inside names are doubled; the only single one is between the group and the volume. */
std::string volume_of_device(const std::string &device) {
    std::string parts[2];
    std::size_t part = 0;

    for (std::size_t i = 0; i < device.size(); i++) {
        if (device[i] != '-') {
            parts[part] += device[i];
        } else if (i + 1 < device.size() && device[i + 1] == '-') {
            parts[part] += '-';
            i++;
        } else if (++part > 1) {
            return {};
        }
    }
    return parts[0].empty() || parts[1].empty() ? std::string{} : parts[0] + "/" + parts[1];
}

} // namespace esnap::policy
