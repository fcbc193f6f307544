// SPDX-License-Identifier: GPL-2.0-only
//
// Runs a program from inside a daemon that has threads, signals and descriptors of its own.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

namespace esnap {

struct RunResult {
    /** Its exit code; -1: it could not be started, was killed, or was not done in time. */
    int code = -1;
    /** What it wrote to both streams, and why there is no exit code; blanks around it are cut. */
    std::string output;
};

/**
 * Runs @words with @environment in a process group of its own, with default signals and no
 * descriptor of ours, and waits. After @limit, or when @stop says so, it is asked to end, then made
 * to. May be called by several threads at once. Throws nothing but std::bad_alloc.
 */
RunResult run_program(const std::vector<std::string> &words,
                      const std::vector<std::string> &environment, std::chrono::seconds limit,
                      const std::stop_token &stop = {});

} // namespace esnap
