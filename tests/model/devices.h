/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device-mapper devices as objects, straight over the ioctls of libdevmapper.
 *
 * Nothing here waits for udev: the nodes are made by libdevmapper itself, in a
 * folder of their own (see use_private_nodes()), and udev is told to keep its
 * hands off the devices.  So every call costs no more than its ioctls.
 *
 * Libdevmapper is not thread-safe; all calls are serialised by one lock inside.
 */
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "pattern.h"

namespace esmodel {

/** A device-mapper operation failed: which, on what, why. */
class DmError : public std::runtime_error {
public:
    DmError(const std::string &operation, const std::string &device, int error);

    int error() const { return error_; }

private:
    int error_;
};

/** One line of a table. */
struct Target {
    Sector first = 0;
    Sector count = 0;
    std::string type;
    std::string params;
};

using Table = std::vector<Target>;

/** The table as dmsetup prints it, one line per target. */
std::string to_string(const Table &table);

/** Call once, before the first device: nodes appear under /dev/esnap-model/mapper. */
void use_private_nodes();

enum class Access { read_write, read_only };

/**
 * Owns one device-mapper device.  The destructor removes it; a failure then is
 * reported on standard error, since nobody can act on it any more.
 */
class DmDevice {
public:
    /** Creates the device with @table and makes it live. */
    DmDevice(const std::string &name, const Table &table, Access access = Access::read_write);
    /** Creates the device without a table: load() and resume() follow. */
    explicit DmDevice(const std::string &name);
    ~DmDevice();
    DmDevice(DmDevice &&other) noexcept;
    DmDevice &operator=(DmDevice &&other) = delete;
    DmDevice(const DmDevice &) = delete;
    DmDevice &operator=(const DmDevice &) = delete;

    const std::string &name() const { return name_; }
    /** The node. */
    std::string path() const;
    /** major:minor, the form that tables print. */
    const std::string &number() const { return number_; }

    void load(const Table &table, Access access = Access::read_write) const;
    /** Throws the inactive table away. */
    void clear() const;
    enum class Flush { flush, noflush };
    void suspend(Flush flush = Flush::flush) const;
    void resume() const;
    Table table() const;
    Table status() const;
    std::uint32_t event_number() const;
    /** To the target at the first sector. */
    void message(const std::string &text) const;

    /** Removes the device and throws when that fails (the destructor only reports). */
    void remove();

private:
    void create(const Table *table, Access access);

    std::string name_;
    std::string number_;
    bool exists_ = false;
};

/** A linear table of @range of the device @number. */
Table linear_table(const std::string &number, Range range);

} // namespace esmodel
