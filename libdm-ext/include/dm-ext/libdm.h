// SPDX-License-Identifier: GPL-2.0-only
//
// The seam's implementation over libdevmapper.
#pragma once

#include "dm-ext/api.h"

namespace dmext {

/**
 * Talks to the kernel through libdevmapper. What libdevmapper logs while a task runs becomes
 * the cause in the exception; at other times it is dropped.
 *
 * Libdevmapper keeps state of its own in the process and is not thread-safe: all objects of
 * this class share one lock. Its log function is set for the whole process. Where udev does not
 * run, libdevmapper makes the nodes itself and waiting for udev returns at once.
 */
class LibDm : public DmApi {
public:
    LibDm();

    Reply run(const Request &request) override;
    void wait_for_udev(UdevCookie &cookie) override;
    std::unique_ptr<EventSource> open_events() override;
    void pause(std::chrono::milliseconds time) override;
    /** To standard error. */
    void report(const std::string &text) noexcept override;
};

} // namespace dmext
