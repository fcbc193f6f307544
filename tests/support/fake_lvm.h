// SPDX-License-Identifier: GPL-2.0-only
//
// An LVM that answers from a recording and keeps what it was asked to do.
#pragma once

#include <string>
#include <vector>

#include "lvm/api.h"

namespace esnap::test {

class FakeLvm : public LvmApi {
public:
    /** What reports are answered with. */
    explicit FakeLvm(std::string report) : report_(std::move(report)) {}

    LvmReply run(const Words &words) override;
    bool may_configure(const std::string &) override { return is_configured; }

    bool is_configured = true;

    /** The command with this number, counted from now and from 1, fails with @message. */
    void fail_command(std::size_t number, std::string message);
    /** All that were no reports, a line each. */
    const std::vector<std::string> &commands() const { return commands_; }

private:
    std::string report_;
    std::vector<std::string> commands_;
    std::size_t failing_ = 0;
    std::string message_;
};

/** The recording tests/data/lvm_fullreport.json: group vg with a chain, a thin pool, and more. */
std::string recorded_report();

} // namespace esnap::test
