// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/libdm.h"

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <mutex>
#include <thread>

#include <sys/sysmacros.h>

#include <libdevmapper.h>

#include <fmt/format.h>

#include "control_events.h"
#include "dm-ext/error.h"
#include "dm-ext/udev.h"

namespace dmext {

namespace {

constexpr int log_level_mask = 0x0f;
constexpr int log_level_warn = 4;
constexpr auto udev_pause = std::chrono::milliseconds(5);

/* Guards all of libdevmapper's state. Never held while waiting for anything but an ioctl. */
std::mutex library_lock;

/* Where libdevmapper's messages go while this thread runs a task. */
thread_local std::string *log_sink = nullptr;

class LogCapture {
public:
    LogCapture() { log_sink = &text_; }
    ~LogCapture() { log_sink = nullptr; }
    LogCapture(const LogCapture &) = delete;
    LogCapture &operator=(const LogCapture &) = delete;

    const std::string &text() const { return text_; }

private:
    std::string text_;
};

void collect_log(int level, const char *, int, int, const char *format, ...) {
    std::array<char, 1024> line{};
    va_list arguments;

    if (log_sink == nullptr || (level & log_level_mask) > log_level_warn)
        return;
    va_start(arguments, format);
    std::vsnprintf(line.data(), line.size(), format, arguments);
    va_end(arguments);
    *log_sink += (log_sink->empty() ? "" : "; ") + std::string(line.data());
}

int task_type(Op op) {
    switch (op) {
    case Op::create:
        return DM_DEVICE_CREATE;
    case Op::load:
        return DM_DEVICE_RELOAD;
    case Op::clear:
        return DM_DEVICE_CLEAR;
    case Op::resume:
        return DM_DEVICE_RESUME;
    case Op::suspend:
        return DM_DEVICE_SUSPEND;
    case Op::remove:
        return DM_DEVICE_REMOVE;
    case Op::rename:
        return DM_DEVICE_RENAME;
    case Op::table:
        return DM_DEVICE_TABLE;
    case Op::status:
        return DM_DEVICE_STATUS;
    case Op::info:
        return DM_DEVICE_INFO;
    case Op::deps:
        return DM_DEVICE_DEPS;
    case Op::list:
        return DM_DEVICE_LIST;
    case Op::message:
        return DM_DEVICE_TARGET_MSG;
    case Op::mknodes:
        return DM_DEVICE_MKNODES;
    case Op::versions:
        return DM_DEVICE_LIST_VERSIONS;
    }
    return -1;
}

std::uint16_t udev_flags(Visibility visibility) {
    constexpr std::uint16_t unprobed =
        DM_UDEV_DISABLE_DISK_RULES_FLAG | DM_UDEV_DISABLE_OTHER_RULES_FLAG;

    switch (visibility) {
    case Visibility::normal:
        return 0;
    case Visibility::unprobed:
        return unprobed;
    case Visibility::hidden:
        return unprobed | DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG;
    }
    return 0;
}

bool makes_udev_event(Op op) {
    return op == Op::resume || op == Op::remove || op == Op::rename;
}

std::string remedy_for(Op op, int code) {
    if (code == EPERM || code == EACCES)
        return "this needs root";
    if (code == EBUSY && op == Op::create)
        return "a device with this name or uuid exists";
    if (code == EBUSY && op == Op::remove)
        return "it is mounted, open in a program or used by another device";
    if (code == EINVAL && (op == Op::load || op == Op::resume || op == Op::message))
        return "the kernel log has the reason";
    if (code == ENXIO && op != Op::load)
        return "there is no such device";
    return {};
}

struct TaskCloser {
    void operator()(dm_task *task) const { dm_task_destroy(task); }
};

/* One ioctl. The caller holds library_lock for as long as it lives. */
class Task {
public:
    explicit Task(const Request &request)
        : request_(request), task_(dm_task_create(task_type(request.op))) {
        if (task_ == nullptr)
            fail(errno != 0 ? errno : ENOMEM);
        if (!request.name.empty())
            require(dm_task_set_name(get(), request.name.c_str()));
        if (!request.wants_open_count)
            require(dm_task_no_open_count(get()));
        fill();
    }

    void use_cookie(UdevCookie &cookie) {
        require(dm_task_set_cookie(get(), &cookie.value, udev_flags(request_.visibility)));
    }

    Reply run() {
        if (dm_task_run(get()) == 0)
            fail(dm_task_get_errno(get()) != 0 ? dm_task_get_errno(get()) : EIO);
        return reply();
    }

private:
    dm_task *get() const { return task_.get(); }

    [[noreturn]] void fail(int code) const {
        std::string cause = std::strerror(code);

        if (log_.text().find(cause) != std::string::npos)
            cause = log_.text();
        else if (!log_.text().empty())
            cause += ": " + log_.text();
        throw Error(to_string(request_.op), request_.name.empty() ? "devices" : request_.name,
                    cause, remedy_for(request_.op, code), code);
    }

    void require(int ok) const {
        if (ok == 0)
            fail(EINVAL);
    }

    void fill() {
        if (!request_.uuid.empty() && (request_.op == Op::create || request_.name.empty()))
            require(dm_task_set_uuid(get(), request_.uuid.c_str()));
        if (request_.op == Op::load)
            fill_table();
        if (request_.op == Op::suspend || request_.op == Op::resume)
            fill_mode();
        if (request_.op == Op::rename)
            require(dm_task_set_newname(get(), request_.new_name.c_str()));
        if (request_.op == Op::message) {
            require(dm_task_set_sector(get(), request_.sector));
            require(dm_task_set_message(get(), request_.message.c_str()));
        }
        if (request_.slot == Slot::inactive &&
            (request_.op == Op::table || request_.op == Op::status || request_.op == Op::deps))
            require(dm_task_query_inactive_table(get()));
    }

    void fill_table() {
        for (const Target &t : request_.table)
            require(dm_task_add_target(get(), t.first, t.count, t.type.c_str(), t.params.c_str()));
        if (request_.access == Access::read_only)
            require(dm_task_set_ro(get()));
    }

    void fill_mode() {
        if (!request_.mode.flush)
            require(dm_task_no_flush(get()));
        if (!request_.mode.freeze)
            require(dm_task_skip_lockfs(get()));
    }

    Reply reply() const {
        Reply reply;

        if (request_.op == Op::list) {
            reply.devices = devices();
            return reply;
        }
        if (request_.op == Op::versions) {
            reply.versions = versions();
            return reply;
        }
        reply.info = info();
        /* libdevmapper calls these a success on a device that is not there. */
        if (!reply.info.exists && (request_.op == Op::status || request_.op == Op::table))
            fail(ENXIO);
        if (request_.op == Op::table || request_.op == Op::status)
            reply.targets = targets();
        if (request_.op == Op::deps)
            reply.deps = deps();
        if (request_.op == Op::message)
            reply.answer = text_or_empty(dm_task_get_message_response(get()));
        return reply;
    }

    static std::string text_or_empty(const char *text) { return text != nullptr ? text : ""; }

    Info info() const {
        dm_info found{};
        Info info;

        if (dm_task_get_info(get(), &found) == 0 || found.exists == 0)
            return info;
        info.exists = true;
        info.suspended = found.suspended != 0;
        info.has_live_table = found.live_table != 0;
        info.has_inactive_table = found.inactive_table != 0;
        info.is_read_only = found.read_only != 0;
        info.open_count = request_.wants_open_count ? found.open_count : -1;
        info.event_number = found.event_nr;
        info.number = {found.major, found.minor};
        info.name = text_or_empty(dm_task_get_name(get()));
        info.uuid = text_or_empty(dm_task_get_uuid(get()));
        return info;
    }

    Table targets() const {
        Table table;
        void *next = nullptr;

        do {
            std::uint64_t first = 0;
            std::uint64_t count = 0;
            char *type = nullptr;
            char *params = nullptr;

            next = dm_get_next_target(get(), next, &first, &count, &type, &params);
            if (type != nullptr)
                table.push_back({first, count, type, text_or_empty(params)});
        } while (next != nullptr);
        /* The kernel ends some lines in a blank. */
        for (Target &t : table)
            t.params.erase(t.params.find_last_not_of(' ') + 1);
        return table;
    }

    std::vector<DeviceNumber> deps() const {
        std::vector<DeviceNumber> numbers;
        const dm_deps *found = dm_task_get_deps(get());

        for (std::uint32_t i = 0; found != nullptr && i < found->count; i++)
            numbers.push_back({major(found->device[i]), minor(found->device[i])});
        return numbers;
    }

    std::vector<ListedDevice> devices() const {
        std::vector<ListedDevice> list;
        const dm_names *names = dm_task_get_names(get());

        /* An empty list is one entry without a number. */
        while (names != nullptr && names->dev != 0) {
            list.push_back({names->name, {major(names->dev), minor(names->dev)}});
            if (names->next == 0)
                break;
            names = reinterpret_cast<const dm_names *>(reinterpret_cast<const char *>(names) +
                                                       names->next);
        }
        return list;
    }

    std::vector<TargetVersion> versions() const {
        std::vector<TargetVersion> list;
        const dm_versions *found = dm_task_get_versions(get());

        /* The last one is no less a target for not having a next. */
        while (found != nullptr) {
            list.push_back({found->name, found->version[0], found->version[1], found->version[2]});
            if (found->next == 0)
                break;
            found = reinterpret_cast<const dm_versions *>(reinterpret_cast<const char *>(found) +
                                                          found->next);
        }
        return list;
    }

    LogCapture log_;
    const Request &request_;
    std::unique_ptr<dm_task, TaskCloser> task_;
};

Reply run_locked(const Request &request, UdevCookie &cookie) {
    const std::lock_guard guard(library_lock);
    Task task(request);

    if (makes_udev_event(request.op))
        task.use_cookie(cookie);
    Reply reply = task.run();
    if (request.op == Op::mknodes)
        dm_task_update_nodes();
    return reply;
}

} // namespace

LibDm::LibDm() {
    const std::lock_guard guard(library_lock);

    dm_log_with_errno_init(collect_log);
}

Reply LibDm::run(const Request &request) {
    if (request.cookie != nullptr || !makes_udev_event(request.op)) {
        UdevCookie none;
        return run_locked(request, request.cookie != nullptr ? *request.cookie : none);
    }
    UdevScope own(*this);
    Reply reply = run_locked(request, own.cookie());
    own.wait();
    return reply;
}

void LibDm::wait_for_udev(UdevCookie &cookie) {
    int ready = 0;

    for (;;) {
        {
            const std::lock_guard guard(library_lock);
            const LogCapture log;

            /* Without udev nobody counts down, and libdevmapper would answer "not yet" for ever. */
            if (cookie.value == 0 || dm_udev_get_sync_support() == 0)
                break;
            if (dm_udev_wait_immediate(cookie.value, &ready) == 0) {
                cookie.value = 0;
                dm_task_update_nodes();
                throw Error("wait for", "udev",
                            log.text().empty() ? "its semaphore is gone" : log.text(),
                            "the devices are there; links in /dev may be missing");
            }
        }
        if (ready != 0)
            break;
        std::this_thread::sleep_for(udev_pause);
    }
    cookie.value = 0;
    /* Only now: a node made before udev's link is there would be in its way. */
    const std::lock_guard guard(library_lock);
    const LogCapture log;
    dm_task_update_nodes();
}

std::unique_ptr<EventSource> LibDm::open_events() {
    std::string control;
    {
        const std::lock_guard guard(library_lock);
        control = fmt::format("{}/control", dm_dir());
    }
    return open_control_events(control);
}

void LibDm::pause(std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);
}

void LibDm::report(const std::string &text) noexcept {
    try {
        std::cerr << text << '\n';
    } catch (...) {
        /* Not even that: there is nobody left to tell. */
    }
}

} // namespace dmext
