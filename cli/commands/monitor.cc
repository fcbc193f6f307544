// SPDX-License-Identifier: GPL-2.0-only
//
// esnap monitor: watch areas without dmeventd.
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <mutex>
#include <thread>

#include "command.h"
#include "dm-ext/libdm.h"
#include "error.h"
#include "monitor/service.h"
#include "watching/area.h"
#include "watching/runner.h"

namespace esnap {

namespace {

using namespace std::chrono_literals;

constexpr auto no_limit = 24h * 365;

constexpr const char *details =
    "Watches how full the newest snapshots and the views are, and has them extended as their\n"
    "policy says, until it is ended (SIGTERM, SIGINT). For machines without dmeventd: while it\n"
    "runs, it and not dmeventd is asked to watch, by every command; what is live when it starts\n"
    "is taken over. The service esnap-monitor runs it. It writes what it does to standard error.";

const char *prefix_of(WatchedWorld::Severity severity) {
    switch (severity) {
    case WatchedWorld::Severity::info:
        return "";
    case WatchedWorld::Severity::warning:
        return "WARNING: ";
    case WatchedWorld::Severity::error:
        return "ERROR: ";
    }
    return "";
}

using Log = std::function<void(WatchedWorld::Severity, const std::string &)>;

/*
 * Has what is live noted on our list, by a program of its own: it waits as long as other commands
 * hold the locks of their groups, which must keep us neither from watching nor from ending.
 */
void take_over(const std::string &program, const Log &log, const std::stop_token &stop) {
    const RunResult result =
        run_program({program, "vgchange", "--monitor", "y"},
                    {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, no_limit, stop);

    if (result.code != 0 && !stop.stop_requested())
        log(WatchedWorld::Severity::error, "not all that is live was taken over: " + result.output +
                                               " (esnap vgchange --monitor y tries again)");
}

int run(const po::variables_map &, const Context &context) {
    const WatchList list;
    const ServiceLock lock(list);
    std::mutex output;
    const Log log = [&](WatchedWorld::Severity severity, const std::string &text) {
        const std::lock_guard guard(output);
        if (severity != WatchedWorld::Severity::info || context.verbosity >= 0)
            context.err << prefix_of(severity) << text << std::endl;
    };
    const std::string program = std::filesystem::read_symlink("/proc/self/exe");

    dmext::LibDm dm;
    MonitorService service(
        dm, list, {[&](const std::string &volume) { return extend_area(program, volume); }, log});
    std::jthread taking_over;
    run_until_signal(list, [&] {
        service.follow_list();
        if (!taking_over.joinable())
            taking_over =
                std::jthread([&](const std::stop_token &stop) { take_over(program, log, stop); });
    });
    return exit_done;
}

} // namespace

Command monitor_command() {
    return {.name = "monitor",
            .summary = "watch how full areas are, without dmeventd",
            .details = details,
            .positionals = {},
            .options = po::options_description("Options"),
            .examples = {{"systemctl enable --now esnap-monitor", "have it run from now on"}},
            .run = run};
}

} // namespace esnap
