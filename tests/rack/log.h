// SPDX-License-Identifier: GPL-2.0-only
//
// Reading what dm-log-writes has recorded.
//
// Its order is that of completion for writes with FUA, flushes and marks. Writes without FUA
// are recorded just before the next flush that was sent, to whatever region, after they had
// completed; timeline.h puts that right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "content.h"

namespace rack {

struct LogEntry {
    Sector sector = 0;
    Sector count = 0; /**< 0: a mark, or a flush without data */
    bool flush = false;
    bool fua = false;
    bool discard = false;
    bool is_mark = false;
    std::string mark;
    std::size_t content = 0; /**< where its sectors begin in Log::contents */
};

struct Log {
    std::vector<LogEntry> entries;
    std::vector<ContentId> contents;
};

/**
 * Reads the log on the device or file @path. Throws std::runtime_error when it is none.
 * @pool: gets the contents, and the salt of the run that the first mark names
 */
Log read_log(const std::string &path, SectorPool &pool);

} // namespace rack
