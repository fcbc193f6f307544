// SPDX-License-Identifier: GPL-2.0-only
//
// LVM as a program, for commands that must not wait for suspended devices.
#pragma once

#include "lvm/api.h"

namespace esnap {

/**
 * Runs lvm(8) with devices/ignore_suspended_devices=1: LVM would wait for suspended devices, and
 * what it is asked for (room for a full area) may be what they wait for. Its command library, which
 * Lvm2Cmd uses, has read that setting before it looks at what a command says of it.
 */
class LvmProgram : public LvmApi {
public:
    explicit LvmProgram(std::string program = "/sbin/lvm") : program_(std::move(program)) {}
    LvmReply run(const Words &words) override;

private:
    std::string program_;
};

} // namespace esnap
