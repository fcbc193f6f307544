// SPDX-License-Identifier: GPL-2.0-only
//
// esnap monitor: watch areas without dmeventd.
#include <filesystem>
#include <iostream>
#include <mutex>

#include "command.h"
#include "commands/monitoring.h"
#include "dm-ext/libdm.h"
#include "error.h"
#include "monitor/service.h"
#include "watching/area.h"

namespace esnap {

namespace {

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

/* A group that cannot be read now is no reason not to watch the others. */
void take_over(const Context &context) {
    for (const std::string &group : groups_with_chains()) {
        try {
            monitor_group(context, false, true, group);
        } catch (const std::exception &error) {
            context.err << error.what() << '\n';
        }
    }
}

int run(const po::variables_map &, const Context &context) {
    const WatchList list;
    const ServiceLock lock(list);
    std::mutex output;
    const auto log = [&](WatchedWorld::Severity severity, const std::string &text) {
        const std::lock_guard guard(output);
        if (severity != WatchedWorld::Severity::info || context.verbosity >= 0)
            context.err << prefix_of(severity) << text << std::endl;
    };
    const std::string program = std::filesystem::read_symlink("/proc/self/exe");

    take_over(context);
    dmext::LibDm dm;
    MonitorService service(
        dm, list, {[&](const std::string &volume) { return extend_area(program, volume); }, log});
    run_until_signal(list, [&] { service.follow_list(); });
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
