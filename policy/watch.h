// SPDX-License-Identifier: GPL-2.0-only
//
// What the one that watches an area keeps in mind between two looks at it: when to ask for an
// extension, when to leave it for a while, and what has been said already.
//
// It does not know the volume's threshold (that is in tags and files, which the extending command
// reads). So it asks each time the area is 5 % fuller, from 50 % on, and whenever the kernel says
// that it has become low or full, however little is used: what copies under way will need makes it
// low, too. The command answers with doing nothing, if that is right.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace esnap::policy {

using Clock = std::chrono::steady_clock;

/** What the status line says. */
struct Reading {
    enum class State { ok, low, full, lost };

    State state = State::ok;
    std::uint64_t used = 0;
    std::uint64_t total = 0;
};

class Watch {
public:
    /** From here on an extension may be wanted: the least threshold there is. */
    static constexpr double first_check = 50;
    static constexpr double step = 5;
    /** Warnings begin here, when the area could not be extended. */
    static constexpr double first_warning = 80;
    static constexpr std::chrono::seconds first_pause{10};
    static constexpr std::chrono::seconds longest_pause{300};

    /** Is an extension to be asked for now? */
    bool wants_extension(const Reading &reading, Clock::time_point now);

    /**
     * What came of it. @before, @after: the areas as they were and are; without a change of size
     * nothing was gained, whether the command called that a failure (@failed) or not.
     */
    void extended(const Reading &before, const Reading &after, bool failed, Clock::time_point now);

    /** A warning that is due: once for each step that is reached, once when the area is lost. */
    std::optional<std::string> warning(const Reading &reading);

    /** How long it pauses after the failure that was last; 0: there was none. */
    std::chrono::seconds pause() const { return pause_; }

private:
    void see_size(const Reading &reading);
    void set_pause(bool is_full, Clock::time_point now);

    std::uint64_t total_ = 0;
    double next_check_ = first_check;
    double next_warning_ = first_warning;
    Reading::State last_ = Reading::State::ok;
    bool told_full_ = false;
    bool told_lost_ = false;
    std::chrono::seconds pause_{0};
    Clock::time_point not_before_ = {};
    bool has_failed_ = false; /**< the last try: again after the pause, without being any fuller */
    std::optional<Clock::time_point> full_since_ = {}; /**< as failures have shown it */
};

/** "VG/NAME" of a device's name, "v--g-name"; empty if it is of no volume. */
std::string volume_of_device(const std::string &device);

} // namespace esnap::policy
