// SPDX-License-Identifier: GPL-2.0-only
//
// Waiting for a device's events.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "dm-ext/device.h"

namespace dmext {

/**
 * Waits for events of one device, in a thread of the caller's. No lock of the library is held
 * while it waits, so other threads can work with devices, this one included.
 */
class EventWaiter {
public:
    /** Throws Error; also if the device is not there. */
    explicit EventWaiter(Device device);

    /** The counter as of the construction or the last event seen. */
    std::uint32_t last() const { return last_; }

    /**
     * Blocks until the device's event counter differs from last(), which then becomes it and is
     * returned; events between two calls are not lost, several may be seen as one. Nothing after
     * @timeout (negative: for ever) or interrupt(). Throws Error if the device is gone.
     */
    std::optional<std::uint32_t> wait(std::chrono::milliseconds timeout);

    /** Ends the wait() under way or the next one. The only call for other threads. */
    void interrupt() { source_->interrupt(); }

private:
    Device device_;
    std::unique_ptr<EventSource> source_;
    std::uint32_t last_;
};

} // namespace dmext
