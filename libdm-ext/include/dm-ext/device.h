// SPDX-License-Identifier: GPL-2.0-only
//
// A handle on one device-mapper device, by name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dm-ext/api.h"
#include "dm-ext/udev.h"

namespace dmext {

/** What a device is made of. */
struct DeviceSpec {
    std::string name;
    /** May be empty; cannot be changed later. */
    std::string uuid = {};
    Table table = {};
    Access access = Access::read_write;
    Visibility visibility = Visibility::normal;

    bool operator==(const DeviceSpec &) const = default;
};

/**
 * A name and the way to the kernel; cheap to copy. It does not own the device: a volume outlives
 * the command that made it. @api must outlive the handle.
 *
 * All calls throw Error. Those that take a UdevScope leave the waiting for udev to it; without
 * one they wait themselves.
 */
class Device {
public:
    /** @visibility: for udev's rules whenever this handle resumes or renames. */
    Device(DmApi &api, std::string name, Visibility visibility = Visibility::normal);

    /**
     * Makes the device, loads the table and resumes it. If any of that fails there is no such
     * device afterwards. Refuses names and uuids that udev would have to mangle.
     */
    static Device create(DmApi &api, const DeviceSpec &spec, UdevScope *udev = nullptr);

    /** The name that the device with this uuid has now; nothing if there is none. Throws Error. */
    static std::optional<std::string> name_of(DmApi &api, const std::string &uuid);

    const std::string &name() const { return name_; }
    DmApi &api() const { return *api_; }

    /** Does not throw for a device that is not there: see Info::exists. */
    Info info() const;
    /** The same, and throws if there is no such device. */
    Info existing() const;
    Table table(Slot slot = Slot::live) const;
    Table status() const;
    /** The devices its table uses, in no particular order. */
    std::vector<DeviceNumber> deps(Slot slot = Slot::live) const;
    /** What create() needs to make it again. */
    DeviceSpec spec() const;

    /** Puts @table into the inactive slot; resume() or swap_table() makes it live. */
    void load(const Table &table, Access access = Access::read_write) const;
    /** Empties the inactive slot. */
    void clear() const;

    /** Prefer Suspended (suspend.h), which cannot forget to resume. */
    void suspend(SuspendMode mode = {}) const;
    void resume(UdevScope *udev = nullptr) const;

    /**
     * Makes the inactive table live, with a suspend as @mode says around it, in one system call:
     * a process that is killed leaves the device either with the old table or with the new one,
     * never suspended. If a target of the new table fails while it resumes, the device stays
     * suspended with it: see Info::suspended after an error.
     */
    void swap_table(SuspendMode mode = {}, UdevScope *udev = nullptr) const;

    /**
     * Programs that udev starts, or a scan by somebody else, may have the device open for a
     * moment: EBUSY is tried again for about five seconds.
     */
    void remove(UdevScope *udev = nullptr) const;
    /** The handle goes with the device. */
    void rename(const std::string &new_name, UdevScope *udev = nullptr);
    /** Returns the target's answer, mostly empty. */
    std::string message(const std::string &text, Sectors sector = 0) const;

private:
    Request request(Op op) const;
    Request udev_request(Op op, UdevScope *udev) const;

    DmApi *api_;
    std::string name_;
    Visibility visibility_;
};

} // namespace dmext
