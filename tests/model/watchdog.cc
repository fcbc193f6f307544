// SPDX-License-Identifier: GPL-2.0-only
#include "watchdog.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "process.h"

namespace esmodel {

namespace {

constexpr std::size_t kernel_lines_after_hang = 150;

void print_program(const std::vector<std::string> &argv) {
    try {
        fmt::print("{}", run_program(argv).output);
    } catch (const std::exception &e) {
        fmt::print("{}\n", e.what());
    }
}

/* Has the kernel print the stacks of all blocked tasks to its log. */
void show_blocked_tasks() {
    std::ofstream("/proc/sysrq-trigger") << 'w';
}

} // namespace

void report_failure(std::uint64_t seed, const History *history, unsigned op,
                    const std::string &what, std::size_t kernel_lines) {
    fmt::print("\nFAILED: seed {}, operation {}\n  {}\n", seed, op, what);
    if (history != nullptr) {
        fmt::print("\nthe last operations:\n");
        for (const std::string &line : history->last())
            fmt::print("  {}\n", line);
    }
    fmt::print("\ndmsetup table:\n");
    std::fflush(stdout);
    print_program({"dmsetup", "table"});
    fmt::print("\ndmsetup status:\n");
    std::fflush(stdout);
    print_program({"dmsetup", "status", "--noflush"});
    fmt::print("\nkernel log:\n");
    try {
        for (const std::string &line : last_kernel_lines(kernel_lines))
            fmt::print("  {}\n", line);
    } catch (const std::exception &e) {
        fmt::print("  {}\n", e.what());
    }
    std::fflush(stdout);
}

Watchdog::Watchdog(unsigned stall_seconds) : stall_seconds_(stall_seconds) {
    thread_ = std::thread([this] { work(); });
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard guard(lock_);

        is_ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Watchdog::watch(std::uint64_t seed, const Session &session) {
    const std::lock_guard guard(lock_);

    seed_ = seed;
    session_ = &session;
}

void Watchdog::unwatch() {
    const std::lock_guard guard(lock_);

    session_ = nullptr;
}

void Watchdog::report(const std::string &what) {
    const std::lock_guard guard(lock_);
    const Session *session = session_;

    session_ = nullptr;
    report_failure(seed_, session != nullptr ? &session->history : nullptr,
                   session != nullptr ? session->op : 0, what, 40);
}

void Watchdog::work() {
    std::unique_lock guard(lock_);
    std::uint64_t last_pulse = 0;
    unsigned still_seconds = 0;

    while (!is_ending_) {
        changed_.wait_for(guard, std::chrono::seconds(1));
        if (session_ == nullptr || session_->history.pulse() != last_pulse) {
            last_pulse = session_ != nullptr ? session_->history.pulse() : 0;
            still_seconds = 0;
            continue;
        }
        if (++still_seconds < stall_seconds_)
            continue;
        show_blocked_tasks();
        report_failure(seed_, &session_->history, session_->op,
                       fmt::format("nothing moved for {} seconds", stall_seconds_),
                       kernel_lines_after_hang);
        std::_Exit(1);
    }
}

} // namespace esmodel
