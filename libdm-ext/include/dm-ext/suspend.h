// SPDX-License-Identifier: GPL-2.0-only
//
// A device suspended for as long as a scope lasts.
#pragma once

#include "dm-ext/device.h"

namespace dmext {

/**
 * Suspends a device and always resumes it.
 *
 * When the scope is left by an exception, a table that was loaded meanwhile is thrown away
 * first: a half-finished change must not become live because of its own failure.
 *
 * A resume that fails is tried again, since a suspended device stops everything above it. If it
 * still fails, resume() and the destructor throw; the destructor only reports while another
 * exception is in flight. A process that is killed in the scope leaves the device suspended:
 * for a change of one table Device::swap_table() is the better way.
 */
class Suspended {
public:
    /**
     * Throws Error; also if the device is suspended already, since whoever did that is not done
     * with it. @udev, if given, must not be waited for inside the scope.
     */
    explicit Suspended(Device device, SuspendMode mode = {}, UdevScope *udev = nullptr);
    ~Suspended() noexcept(false);
    Suspended(const Suspended &) = delete;
    Suspended &operator=(const Suspended &) = delete;

    /** Resumes now; the destructor then does nothing. */
    void resume();

private:
    Device device_;
    UdevScope *udev_;
    int exceptions_;
    bool active_ = false;
};

} // namespace dmext
