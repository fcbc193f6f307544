// SPDX-License-Identifier: GPL-2.0-only
//
// What dmeventd calls. It is one process for all plugins and volumes of the machine: no
// exception, no leak and no endless wait may leave this file. Each device has its thread, and
// @user is that thread's alone.
//
// libdevmapper is used directly here: dmext::LibDm would take the log function of the whole
// process for its own.
#include <cstdint>
#include <exception>
#include <memory>

extern "C" {
#include <libdevmapper-event.h> // has none of its own
}
#include <libdevmapper.h>
#include <syslog.h>

#include <fmt/format.h>

#include "watching/area.h"
#include "watching/watcher.h"

namespace {

using namespace esnap;

int priority_of(WatchedWorld::Severity severity) {
    switch (severity) {
    case WatchedWorld::Severity::info:
        return LOG_INFO;
    case WatchedWorld::Severity::warning:
        return LOG_WARNING;
    case WatchedWorld::Severity::error:
        return LOG_ERR;
    }
    return LOG_ERR;
}

struct TaskCloser {
    void operator()(dm_task *task) const { dm_task_destroy(task); }
};

/* The first line of the device's status; @device becomes its name. */
std::optional<dmext::Target> status_of(const std::string &uuid, std::string &device) {
    const std::unique_ptr<dm_task, TaskCloser> task(dm_task_create(DM_DEVICE_STATUS));
    std::uint64_t start = 0, length = 0;
    char *type = nullptr, *params = nullptr;
    dm_info info{};

    if (!task || dm_task_set_uuid(task.get(), uuid.c_str()) == 0 ||
        dm_task_no_open_count(task.get()) == 0 || dm_task_run(task.get()) == 0 ||
        dm_task_get_info(task.get(), &info) == 0 || info.exists == 0)
        return {};
    const char *name = dm_task_get_name(task.get());
    dm_get_next_target(task.get(), nullptr, &start, &length, &type, &params);
    if (name == nullptr || type == nullptr || params == nullptr)
        return {};
    device = name;
    return dmext::Target{start, length, type, params};
}

class RealWorld : public WatchedWorld {
public:
    explicit RealWorld(std::string uuid) : uuid_(std::move(uuid)) {}

    std::optional<Sample> look() override {
        std::string device;
        const auto line = status_of(uuid_, device);

        return line ? sample_of(device, *line) : std::nullopt;
    }

    Outcome extend(const std::string &volume) override {
        return extend_area(ESNAP_PROGRAM, volume);
    }

    void log(Severity severity, const std::string &text) override {
        syslog(LOG_DAEMON | priority_of(severity), "esnap: %s", text.c_str());
    }

    policy::Clock::time_point now() override { return policy::Clock::now(); }

private:
    std::string uuid_;
};

/* What a thread of dmeventd keeps for its device. */
struct Watched {
    explicit Watched(const char *uuid) : world(uuid), watcher(world) {}

    RealWorld world;
    Watcher watcher;
};

/* Runs @action; false, and logged, if it threw. */
template <class Action>
bool guarded(const char *what, Action action) noexcept {
    try {
        action();
        return true;
    } catch (const std::exception &error) {
        syslog(LOG_DAEMON | LOG_ERR, "esnap: %s: %s", what, error.what());
    } catch (...) {
        syslog(LOG_DAEMON | LOG_ERR, "esnap: %s: unknown exception", what);
    }
    return false;
}

} // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int register_device(const char *device, const char *uuid, int, int, void **user) {
    *user = nullptr;
    return guarded("register",
                   [&] {
                       auto watched = std::make_unique<Watched>(uuid);
                       syslog(LOG_DAEMON | LOG_INFO, "esnap: %s is watched from now on", device);
                       *user = watched.release();
                   })
               ? 1
               : 0;
}

EXPORTED int unregister_device(const char *device, const char *, int, int, void **user) {
    const std::unique_ptr<Watched> watched(static_cast<Watched *>(*user));

    *user = nullptr;
    syslog(LOG_DAEMON | LOG_INFO, "esnap: %s is not watched any more", device);
    return 1;
}

EXPORTED void process_event(dm_task *, dm_event_mask, void **user) {
    auto *watched = static_cast<Watched *>(*user);

    if (watched != nullptr)
        guarded("look at an area", [&] { watched->watcher.look(); });
}
