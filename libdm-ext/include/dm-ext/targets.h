// SPDX-License-Identifier: GPL-2.0-only
//
// Table lines as values: one struct per target type, with its words checked on the way in and
// on the way out. Devices are a path ("/dev/...") or major:minor, as the kernel prints them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dm-ext/types.h"

namespace dmext {

inline constexpr std::uint32_t min_chunk_sectors = 8;
inline constexpr std::uint32_t max_chunk_sectors = 2048;
inline constexpr std::uint32_t max_stores = 65536;
inline constexpr std::uint32_t default_queue_timeout_seconds = 60;
inline constexpr std::uint32_t max_queue_timeout_seconds = 604800;

/** <device> <offset> */
struct Linear {
    std::string device;
    Sectors offset = 0;

    bool operator==(const Linear &) const = default;
};

/** <#stripes> <chunk> [<device> <offset>]... */
struct Striped {
    std::uint32_t chunk_sectors = 0;
    std::vector<Linear> stripes;

    bool operator==(const Striped &) const = default;
};

/** Every request fails. The kernel lets it replace an immutable target. */
struct ErrorTarget {
    bool operator==(const ErrorTarget &) const = default;
};

/** Reads zeros, forgets writes. */
struct Zero {
    bool operator==(const Zero &) const = default;
};

enum class OnFull { invalidate, error };
enum class DiscardPolicy { swallow, copy };

/** <origin> <chunk> <journal|-> <#stores> <store>... [<#features> <feature>...] */
struct EsnapshotOrg {
    std::string origin = {};
    std::uint32_t chunk_sectors = 0;      /**< a power of two, 8 to 2048 */
    std::string journal = {};             /**< empty: none */
    std::vector<std::string> stores = {}; /**< oldest first; none: a pass-through */
    OnFull on_full = OnFull::invalidate;
    std::uint32_t queue_timeout_seconds = default_queue_timeout_seconds; /**< 0: for ever */
    DiscardPolicy discard = DiscardPolicy::swallow;

    bool operator==(const EsnapshotOrg &) const = default;
};

/** <store> [<serial>] */
struct Esnapshot {
    std::string store;
    std::optional<std::uint32_t> serial = {}; /**< which of several snapshots in the store */

    bool operator==(const Esnapshot &) const = default;
};

/** <view store> <origin> <snapshot store> [<serial>] */
struct EsnapshotView {
    std::string view_store;
    std::string origin;
    std::string snapshot_store;
    std::optional<std::uint32_t> serial = {};

    bool operator==(const EsnapshotView &) const = default;
};

using AnyTarget =
    std::variant<Linear, Striped, ErrorTarget, Zero, EsnapshotOrg, Esnapshot, EsnapshotView>;

/** The type's name in tables: "linear", "esnapshot-org", ... */
const char *type_name(const AnyTarget &target);

/**
 * The table line for @target on sectors @first to @first + @count. Throws Error where the kernel
 * would refuse it and that can be seen from the line alone.
 */
Target make_target(Sectors first, Sectors count, const AnyTarget &target);

/** A table of this one target. */
Table make_table(Sectors count, const AnyTarget &target);

/**
 * Reads one line, its every word. Throws Error that names the word and what was wrong with it;
 * also for a type that is not known here. parse_target(make_target(f, c, t)) == t.
 */
AnyTarget parse_target(const Target &line);

/** The one target of @table, which must be of type T. Throws Error that names @device. */
template <class T>
T only_target(const Table &table, const std::string &device);

/** Is @word a device as tables name them? */
bool is_device_word(const std::string &word);

/** major:minor as numbers; nothing if it is not of that form. */
std::optional<DeviceNumber> parse_device_number(const std::string &word);

} // namespace dmext
