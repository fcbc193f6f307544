// SPDX-License-Identifier: GPL-2.0-only
//
// Status lines as values. The parsers distrust every field and throw Error that names it;
// further fields at the end of our targets' lines are left for later versions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dm-ext/types.h"

namespace dmext {

enum class OrgState { ok, full, suspect, invalid, failed, inactive };

enum class JournalState { ok, draining, failed };

/** Of a write journal. */
struct JournalStatus {
    Sectors used = 0;  /**< by writes that may not be in place yet */
    Sectors total = 0; /**< 0: it has failed, and the kernel has let it go */
    JournalState state = JournalState::ok;
    /** What is used, and the history before it; empty: the kernel does not say. */
    std::optional<Sectors> kept = {};
    std::optional<std::uint64_t> oldest_kept_seconds = {}; /**< since 1970; 0: nothing is kept */

    bool operator==(const JournalStatus &) const = default;
};

/** Of esnapshot-org. */
struct OrgStatus {
    OrgState state = OrgState::ok;
    std::uint32_t chunk_sectors = 0;
    std::uint32_t stores = 0;
    std::uint64_t copied_chunks = 0;
    std::uint64_t chunks = 0;
    std::uint64_t queued_writes = 0;
    std::optional<JournalStatus> journal = {};

    bool operator==(const OrgStatus &) const = default;
};

enum class AreaState { ok, low, full, invalid, failed };

/** Of esnapshot and esnapshot-view. */
struct AreaStatus {
    Sectors used = 0;
    Sectors total = 0;
    Sectors metadata = 0; /**< part of what is used */
    AreaState state = AreaState::ok;
    /** The percentage in use from which it counts as low; empty: the kernel does not say. */
    std::optional<std::uint32_t> low_water = {};

    /** 0 to 100; 100 for an area without room at all. */
    double percent_used() const;

    bool operator==(const AreaStatus &) const = default;
};

/** Of striped: the devices, and which of them have failed. */
struct StripedStatus {
    std::vector<std::string> devices;
    std::vector<bool> alive;

    bool operator==(const StripedStatus &) const = default;
};

const char *to_string(OrgState state);
const char *to_string(AreaState state);
const char *to_string(JournalState state);

/** As the targets print them. */
std::string to_string(const OrgStatus &status);
std::string to_string(const AreaStatus &status);
std::string to_string(const StripedStatus &status);

OrgStatus parse_org_status(const Target &line);
/** Takes the lines of both types. */
AreaStatus parse_area_status(const Target &line);
StripedStatus parse_striped_status(const Target &line);
/** linear, error and zero have nothing to say; throws Error if they do, or for another type. */
void parse_empty_status(const Target &line);

} // namespace dmext
