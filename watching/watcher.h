// SPDX-License-Identifier: GPL-2.0-only
//
// What is done when something happens to a watched area: look at it, ask the policy, have it
// extended, look again. One object for each device, used by its thread in dmeventd only.
#pragma once

#include <optional>
#include <string>

#include "policy/watch.h"

namespace esnap {

/** All that a Watcher asks of the system; two implementations: plugin.cc, and the tests' double. */
class WatchedWorld {
public:
    enum class Severity { info, warning, error };

    /** How the extending command ended. */
    struct Outcome {
        bool is_done = false;
        std::string output; /**< what it said */
    };

    struct Sample {
        std::string volume; /**< VG/NAME, as it is called now */
        policy::Reading reading;
    };

    WatchedWorld() = default;
    virtual ~WatchedWorld() = default;
    WatchedWorld(const WatchedWorld &) = delete;
    WatchedWorld &operator=(const WatchedWorld &) = delete;

    /** Nothing: the device is not there any more, or shows no area. */
    virtual std::optional<Sample> look() = 0;
    /** Runs the command; may take as long as that does, but not for ever. */
    virtual Outcome extend(const std::string &volume) = 0;
    virtual void log(Severity severity, const std::string &text) = 0;
    virtual policy::Clock::time_point now() = 0;
};

class Watcher {
public:
    /** Extensions in a row, if each of them is followed by the area being low again. */
    static constexpr int most_rounds = 16;

    explicit Watcher(WatchedWorld &world) : world_(world) {}

    /** On an event, and every few seconds. */
    void look();

private:
    std::optional<WatchedWorld::Sample> extend(const WatchedWorld::Sample &before);
    void log_failure(const std::string &volume, const std::string &output);

    WatchedWorld &world_;
    policy::Watch watch_;
    std::string last_failure_;
};

} // namespace esnap
