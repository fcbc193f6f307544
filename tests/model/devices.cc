// SPDX-License-Identifier: GPL-2.0-only
#include "devices.h"

#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <libdevmapper.h>

#include <fmt/format.h>

namespace esmodel {

namespace {

constexpr const char *node_dir = "/dev/esnap-model";
constexpr auto remove_patience = std::chrono::seconds(10);
constexpr auto remove_pause = std::chrono::milliseconds(3);
/* Keep udev from probing and watching our devices: it would hold them open. */
constexpr std::uint16_t udev_flags = DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG |
                                     DM_UDEV_DISABLE_DISK_RULES_FLAG |
                                     DM_UDEV_DISABLE_OTHER_RULES_FLAG;

std::mutex dm_lock;

/* Libdevmapper's own messages repeat what DmError says; they are not wanted. */
void drop_message(int, const char *, int, int, const char *, ...) {}

struct TaskCloser {
    void operator()(dm_task *task) const { dm_task_destroy(task); }
};

/* One ioctl.  The caller holds dm_lock. */
class Task {
public:
    Task(int type, const char *operation, const std::string &device)
        : operation_(operation), device_(device), task_(dm_task_create(type)) {
        require(task_ != nullptr);
        require(dm_task_set_name(get(), device.c_str()) != 0);
        require(dm_task_no_open_count(get()) != 0);
    }

    dm_task *get() const { return task_.get(); }

    void quiet_udev() {
        std::uint32_t cookie = 0;

        require(dm_task_set_cookie(get(), &cookie, udev_flags) != 0);
    }

    void add(const Table &table) {
        for (const Target &t : table)
            require(dm_task_add_target(get(), t.first, t.count, t.type.c_str(), t.params.c_str()) !=
                    0);
    }

    /* Returns 0 or the errno of the ioctl. */
    int try_run() {
        const bool ok = dm_task_run(get()) != 0;

        dm_task_update_nodes();
        if (ok)
            return 0;
        return dm_task_get_errno(get()) != 0 ? dm_task_get_errno(get()) : EIO;
    }

    void run() {
        const int error = try_run();

        if (error != 0)
            throw DmError(operation_, device_, error);
    }

    void require(bool ok) const {
        if (!ok)
            throw DmError(operation_, device_, ENOMEM);
    }

private:
    const char *operation_;
    std::string device_;
    std::unique_ptr<dm_task, TaskCloser> task_;
};

Table targets_of(dm_task *task) {
    Table table;
    void *next = nullptr;

    do {
        std::uint64_t first = 0;
        std::uint64_t count = 0;
        char *type = nullptr;
        char *params = nullptr;

        next = dm_get_next_target(task, next, &first, &count, &type, &params);
        if (type != nullptr)
            table.push_back({first, count, type, params != nullptr ? params : ""});
    } while (next != nullptr);
    return table;
}

} // namespace

DmError::DmError(const std::string &operation, const std::string &device, int error)
    : std::runtime_error(fmt::format("dm {} of {}: {}", operation, device, std::strerror(error))),
      error_(error) {}

std::string to_string(const Table &table) {
    std::string text;

    for (const Target &t : table)
        text += fmt::format("{}{} {} {} {}", text.empty() ? "" : "\n", t.first, t.count, t.type,
                            t.params);
    return text;
}

void use_private_nodes() {
    dm_udev_set_sync_support(0);
    dm_log_with_errno_init(drop_message);
    if (dm_set_dev_dir(node_dir) == 0)
        throw DmError("set node folder", node_dir, EINVAL);
}

Table linear_table(const std::string &number, Range range) {
    return {{0, range.count, "linear", fmt::format("{} {}", number, range.first)}};
}

DmDevice::DmDevice(const std::string &name, const Table &table, Access access) : name_(name) {
    create(&table, access);
}

DmDevice::DmDevice(const std::string &name) : name_(name) {
    create(nullptr, Access::read_write);
}

/* A device whose table is refused does not stay behind: the destructor is not
 * run for an object that was never complete. */
void DmDevice::create(const Table *table, Access access) {
    {
        const std::lock_guard guard(dm_lock);
        Task task(DM_DEVICE_CREATE, "create", name_);
        dm_info info{};

        task.quiet_udev();
        task.require(dm_task_set_add_node(task.get(), DM_ADD_NODE_ON_CREATE) != 0);
        task.run();
        exists_ = true;
        task.require(dm_task_get_info(task.get(), &info) != 0);
        number_ = fmt::format("{}:{}", info.major, info.minor);
    }
    if (table == nullptr)
        return;
    try {
        load(*table, access);
        resume();
    } catch (...) {
        remove();
        throw;
    }
}

DmDevice::DmDevice(DmDevice &&other) noexcept
    : name_(std::move(other.name_)), number_(std::move(other.number_)),
      exists_(std::exchange(other.exists_, false)) {}

DmDevice::~DmDevice() {
    try {
        remove();
    } catch (const std::exception &e) {
        fmt::print(stderr, "{}\n", e.what());
    }
}

std::string DmDevice::path() const {
    return fmt::format("{}/mapper/{}", node_dir, name_);
}

void DmDevice::load(const Table &table, Access access) const {
    const std::lock_guard guard(dm_lock);
    Task task(DM_DEVICE_RELOAD, "table load", name_);

    task.add(table);
    if (access == Access::read_only)
        task.require(dm_task_set_ro(task.get()) != 0);
    task.run();
}

void DmDevice::clear() const {
    const std::lock_guard guard(dm_lock);

    Task(DM_DEVICE_CLEAR, "clear", name_).run();
}

void DmDevice::suspend(Flush flush) const {
    const std::lock_guard guard(dm_lock);
    Task task(DM_DEVICE_SUSPEND, "suspend", name_);

    if (flush == Flush::noflush)
        task.require(dm_task_no_flush(task.get()) != 0);
    task.require(dm_task_skip_lockfs(task.get()) != 0);
    task.run();
}

void DmDevice::resume() const {
    const std::lock_guard guard(dm_lock);
    Task task(DM_DEVICE_RESUME, "resume", name_);

    task.quiet_udev();
    task.run();
}

Table DmDevice::table() const {
    const std::lock_guard guard(dm_lock);
    Task task(DM_DEVICE_TABLE, "table", name_);

    task.run();
    return targets_of(task.get());
}

Table DmDevice::status() const {
    const std::lock_guard guard(dm_lock);
    Task task(DM_DEVICE_STATUS, "status", name_);

    task.run();
    return targets_of(task.get());
}

std::uint32_t DmDevice::event_number() const {
    const std::lock_guard guard(dm_lock);
    Task task(DM_DEVICE_INFO, "info", name_);
    dm_info info{};

    task.run();
    task.require(dm_task_get_info(task.get(), &info) != 0);
    return info.event_nr;
}

void DmDevice::message(const std::string &text) const {
    const std::lock_guard guard(dm_lock);
    Task task(DM_DEVICE_TARGET_MSG, "message", name_);

    task.require(dm_task_set_sector(task.get(), 0) != 0);
    task.require(dm_task_set_message(task.get(), text.c_str()) != 0);
    task.run();
}

/* Somebody (udev, blkid) may hold the device for a moment: try again for a while. */
void DmDevice::remove() {
    const auto give_up = std::chrono::steady_clock::now() + remove_patience;
    int error = 0;

    if (!exists_)
        return;
    do {
        {
            const std::lock_guard guard(dm_lock);
            Task task(DM_DEVICE_REMOVE, "remove", name_);

            task.quiet_udev();
            error = task.try_run();
        }
        if (error != EBUSY)
            break;
        std::this_thread::sleep_for(remove_pause);
    } while (std::chrono::steady_clock::now() < give_up);
    exists_ = false;
    if (error != 0)
        throw DmError("remove", name_, error);
}

} // namespace esmodel
