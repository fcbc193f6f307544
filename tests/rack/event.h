// SPDX-License-Identifier: GPL-2.0-only
//
// What the workload says about itself in marks of the log, so that the log alone tells all.
//
// A mark gets into the log at once, after everything that had completed durably (a flush, a
// write with FUA) and perhaps before writes that completed earlier without.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rack {

enum class EventKind {
    begin,       /**< salt, origin sectors, chunk sectors, slot sectors, slots */
    plain,       /**< a write was acknowledged: device, seq, first sector, sectors */
    fua,         /**< the same with FUA */
    flush_begin, /**< a flush is about to be sent: device, number */
    flush_end,   /**< it was acknowledged: device, number */
    snap_begin,  /**< a snapshot is about to be taken: its number, slot, sectors of the slot */
    snap_end,    /**< it was taken: number */
    drop_begin,  /**< the oldest snapshot is about to be removed: number */
    drop_end,    /**< number */
    view_begin,  /**< a view is about to be made: number, snapshot's number, slot, sectors */
    view_end,    /**< number */
    unview,      /**< a view is about to be removed: number */
    grow_begin,  /**< a slot is about to grow: slot, sectors */
    journal_on,  /**< from here on writes go to a journal: slot, sectors */
    end,         /**< all writers have ended */
};

struct Event {
    EventKind kind = EventKind::end;
    std::array<std::uint64_t, 5> v{};

    bool operator==(const Event &) const = default;
};

/** One word: a message to dm-log-writes takes no more. */
std::string to_text(const Event &event);
/** Nothing when the mark is none of ours. */
std::optional<Event> parse_event(const std::string &text);

} // namespace rack
