// SPDX-License-Identifier: GPL-2.0-only
//
// Values that come from device-mapper and go to it. Plain data; no call of the system.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace dmext {

/** Counts of 512 bytes, whatever the device's block size. */
using Sectors = std::uint64_t;

struct DeviceNumber {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;

    auto operator<=>(const DeviceNumber &) const = default;
};

/** "253:7", the form that tables take and print. */
std::string to_string(DeviceNumber number);

/** One line of a table or of a status, its words not looked at. */
struct Target {
    Sectors first = 0;
    Sectors count = 0;
    std::string type;
    std::string params;

    bool operator==(const Target &) const = default;
};

using Table = std::vector<Target>;

/** As `dmsetup table DEVICE` prints it: a line per target, no newline after the last. */
std::string to_string(const Table &table);

/**
 * Reads what to_string() writes and `dmsetup load` takes. Throws Error unless the targets start
 * at sector 0 and follow each other without gap or overlap.
 */
Table parse_table(const std::string &text);

/** The size of a device that has this table. */
Sectors size_of(const Table &table);

/** What the kernel tells about a device. */
struct Info {
    bool exists = false;
    bool suspended = false;
    bool has_live_table = false;
    bool has_inactive_table = false;
    bool is_read_only = false;
    /** File systems, programs and other devices that have it open; -1: was not asked for. */
    std::int32_t open_count = 0;
    /** Counts the events that its targets have raised. */
    std::uint32_t event_number = 0;
    DeviceNumber number;
    std::string name;
    std::string uuid;
};

/** A device as the kernel lists it. */
struct ListedDevice {
    std::string name;
    DeviceNumber number;
};

/** A target type that the kernel knows. */
struct TargetVersion {
    std::string type;
    std::uint32_t major = 0; /**< another one: tables or messages have changed */
    std::uint32_t minor = 0;
    std::uint32_t patch = 0;

    bool operator==(const TargetVersion &) const = default;
};

} // namespace dmext
