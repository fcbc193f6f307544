// SPDX-License-Identifier: GPL-2.0-only
//
// Waiting for udev, so that nodes and links are there (or gone) when a command returns.
#pragma once

#include "dm-ext/api.h"

namespace dmext {

/**
 * Collects the udev work of several tasks, to wait for it once. Hand it to the calls of Device;
 * call wait() when the last one is done, but never while a device is suspended: udev's rules
 * read devices, and would wait for the resume that waits for them.
 *
 * The destructor waits too, and only reports a failure.
 */
class UdevScope {
public:
    explicit UdevScope(DmApi &api) : api_(api) {}
    ~UdevScope();
    UdevScope(const UdevScope &) = delete;
    UdevScope &operator=(const UdevScope &) = delete;

    /** For Request::cookie. */
    UdevCookie &cookie() { return cookie_; }

    /** May block as long as udev's rules run. Throws Error. The scope can be used on. */
    void wait();

private:
    DmApi &api_;
    UdevCookie cookie_;
};

} // namespace dmext
