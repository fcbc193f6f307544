// SPDX-License-Identifier: GPL-2.0-only
//
// For tests only: kills the process before its n-th call to the outside world, so that every
// moment at which a command can be killed is tried. Does nothing unless the environment variable
// ESNAP_TEST_KILL_BEFORE_CALL holds a number.
#pragma once

#include "dm-ext/api.h"
#include "lvm/api.h"

namespace esnap {

class CallCounter {
public:
    CallCounter();
    /** Ends the process with SIGKILL when it is time. */
    void count();

private:
    unsigned long left_ = 0; /**< 0: never */
};

class FaultLvm : public LvmApi {
public:
    FaultLvm(LvmApi &real, CallCounter &counter) : real_(real), counter_(counter) {}
    LvmReply run(const Words &words) override;

private:
    LvmApi &real_;
    CallCounter &counter_;
};

/** Counts only calls that change something. */
class FaultDm : public dmext::DmApi {
public:
    FaultDm(dmext::DmApi &real, CallCounter &counter) : real_(real), counter_(counter) {}

    dmext::Reply run(const dmext::Request &request) override;
    void wait_for_udev(dmext::UdevCookie &cookie) override { real_.wait_for_udev(cookie); }
    std::unique_ptr<dmext::EventSource> open_events() override { return real_.open_events(); }
    void pause(std::chrono::milliseconds time) override { real_.pause(time); }
    void report(const std::string &text) noexcept override { real_.report(text); }

private:
    dmext::DmApi &real_;
    CallCounter &counter_;
};

} // namespace esnap
