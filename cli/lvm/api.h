// SPDX-License-Identifier: GPL-2.0-only
//
// The seam to LVM: all that esnap asks of it goes through one object of LvmApi, which is handed
// to whoever needs it. There are three implementations: Lvm2Cmd (lvm2cmd.h), LvmProgram
// (lvm_program.h), and the double of the tests.
#pragma once

#include <string>
#include <vector>

namespace esnap {

using Words = std::vector<std::string>;

/** What an LVM command has left behind. */
struct LvmReply {
    bool done = false;
    /** What it prints for programs: a report. */
    std::string output;
    /** Errors and warnings, one line each, in order. */
    std::vector<std::string> messages;
};

class LvmApi {
public:
    LvmApi() = default;
    virtual ~LvmApi() = default;
    LvmApi(const LvmApi &) = delete;
    LvmApi &operator=(const LvmApi &) = delete;

    /**
     * Runs one LVM command, which takes LVM's own locks. A command that LVM refuses or that
     * fails is no exception here: see LvmReply::done. Throws Error if LVM cannot be run.
     */
    virtual LvmReply run(const Words &words) = 0;

    /**
     * Whether LVM's configuration may say something about the setting with this name. False: its
     * default holds, for sure, and need not be asked for.
     */
    virtual bool may_configure(const std::string &setting);
};

/**
 * Runs a command that must succeed; throws Error "OPERATION OBJECT: what LVM said" otherwise.
 * Returns what it printed.
 */
std::string run_lvm(LvmApi &lvm, const std::string &operation, const std::string &object,
                    const Words &words);

} // namespace esnap
