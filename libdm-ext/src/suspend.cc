// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/suspend.h"

#include <exception>

#include <fmt/format.h>

#include "dm-ext/error.h"

namespace dmext {

namespace {

constexpr int resume_tries = 3;
constexpr auto resume_pause = std::chrono::milliseconds(100);

void resume_stubbornly(const Device &device, UdevScope *udev) {
    for (int tries = 1;; tries++) {
        try {
            device.resume(udev);
            return;
        } catch (const Error &e) {
            if (tries == resume_tries)
                throw Error("resume", device.name(), e.cause(),
                            fmt::format("it is still suspended and stops everything above it; run "
                                        "dmsetup resume {}",
                                        device.name()),
                            e.code());
        }
        device.api().pause(resume_pause);
    }
}

/* The change failed: what was loaded for it must not become live. */
void forget_loaded_table(const Device &device) {
    try {
        if (device.existing().has_inactive_table)
            device.clear();
    } catch (const std::exception &e) {
        device.api().report(e.what());
    }
}

} // namespace

Suspended::Suspended(Device device, SuspendMode mode, UdevScope *udev)
    : device_(std::move(device)), udev_(udev), exceptions_(std::uncaught_exceptions()) {
    if (device_.existing().suspended)
        throw Error("suspend", device_.name(), "it is suspended already",
                    fmt::format("if no other command is at work on it, run dmsetup resume {}",
                                device_.name()));
    device_.suspend(mode);
    active_ = true;
}

Suspended::~Suspended() noexcept(false) {
    if (!active_)
        return;
    if (std::uncaught_exceptions() == exceptions_) {
        resume();
        return;
    }
    forget_loaded_table(device_);
    try {
        resume();
    } catch (const std::exception &e) {
        device_.api().report(e.what());
    }
}

void Suspended::resume() {
    if (!active_)
        return;
    active_ = false;
    resume_stubbornly(device_, udev_);
}

} // namespace dmext
