/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is printed when a test fails, and a watch on tests that stop moving: a
 * request that is never answered would otherwise end in a silent time-out.
 */
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "session.h"

namespace esmodel {

/**
 * Prints all there is to know after a failure: seed, operation, what was found,
 * the last operations, tables and status of all devices, the kernel's log.
 */
void report_failure(std::uint64_t seed, const History *history, unsigned op,
                    const std::string &what, std::size_t kernel_lines);

/** Ends the process with a report when the watched session shows no sign of life for too long. */
class Watchdog {
public:
    explicit Watchdog(unsigned stall_seconds);
    ~Watchdog();
    Watchdog(const Watchdog &) = delete;
    Watchdog &operator=(const Watchdog &) = delete;

    /** Until unwatch(), or until the report of a failure. */
    void watch(std::uint64_t seed, const Session &session);
    void unwatch();

    /** Reports a failure in the watched session. */
    void report(const std::string &what);

private:
    void work();

    std::mutex lock_;
    std::condition_variable changed_;
    const Session *session_ = nullptr;
    std::uint64_t seed_ = 0;
    bool is_ending_ = false;
    unsigned stall_seconds_;
    std::thread thread_;
};

} // namespace esmodel
