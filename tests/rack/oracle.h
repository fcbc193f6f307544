// SPDX-License-Identifier: GPL-2.0-only
//
// What every image may show, from what was acknowledged when.
//
// Writes to one sector never overlap in time, so their numbers (seq) order them, and what a
// sector may hold is a range of numbers:
//
//   origin    at least the last write that was acknowledged with FUA, or before a flush began
//             that was acknowledged
//   snapshot  at most what the origin held at its instant; at least what of that was durable;
//             exactly that once any later write to its chunk was acknowledged
//   view      one of its own writes, by the origin's rule; where none was durable also what
//             its snapshot may show
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "event.h"
#include "layout.h"

namespace rack {

using Seq = std::uint32_t;

struct Snapshot {
    std::uint64_t number = 0;
    std::uint32_t slot = 0;
    std::vector<Seq> least, most; /**< by sector */

    bool allows(const Stamp &stamp, Sector sector) const {
        return stamp.device == origin_device && stamp.address == sector &&
               stamp.seq >= least[sector] && stamp.seq <= most[sector];
    }
};

struct View {
    std::uint64_t number = 0;
    std::uint64_t snapshot = 0;
    std::uint32_t slot = 0;
    bool ready = false;       /**< was made completely, and is not being removed */
    std::vector<Seq> least{}; /**< by sector; 0: none of its writes is durable */
};

class Oracle {
public:
    explicit Oracle(const Layout &layout);

    void apply(const Event &event);

    const Layout &layout() const { return layout_; }
    /** Oldest first; while the chain is being changed with the one that comes or goes. */
    const std::vector<Snapshot> &snapshots() const { return snapshots_; }
    const std::vector<View> &views() const { return views_; }
    /** Whether writes go to a journal: what is acknowledged is durable then. */
    bool has_journal() const { return has_journal_; }
    /** Sectors that slot @slot has now. */
    Sector slot_sectors(std::uint32_t slot) const { return sizes_[slot]; }

    /** Lists of snapshots (first, end) that an administrator would attach, newer first. */
    struct Range {
        std::size_t first, end;
    };
    std::vector<Range> candidates() const;

    bool origin_allows(const Stamp &stamp, Sector sector) const {
        return stamp.device == origin_device && stamp.address == sector &&
               stamp.seq >= least_[sector];
    }
    bool view_allows(const View &view, const Snapshot &base, const Stamp &stamp,
                     Sector sector) const {
        if (stamp.device == first_view + view.number)
            return stamp.address == sector && stamp.seq >= view.least[sector];
        return view.least[sector] == 0 && base.allows(stamp, sector);
    }

private:
    struct Write {
        Seq seq;
        Sector first, count;
    };
    /** Writes to a device that no flush has covered yet. */
    struct Unflushed {
        std::vector<Write> writes;
        std::uint64_t gone = 0;                         // writes that were taken off the front
        std::map<std::uint64_t, std::uint64_t> begun{}; // flush: how many writes were before it
    };

    void acknowledge(std::uint64_t device, const Write &write);
    void make_durable(std::uint64_t device, const Write &write);
    void end_flush(std::uint64_t device, std::uint64_t number);
    void begin_snapshot(const Event &event);
    void apply_to_chain(const Event &event);
    View *find_view(std::uint64_t number);

    const Layout layout_;
    std::vector<Seq> held_;  // by sector of the origin: the last write acknowledged
    std::vector<Seq> least_; // the last one durable
    std::vector<Snapshot> snapshots_;
    std::vector<View> views_;
    std::vector<Sector> sizes_;
    std::map<std::uint64_t, Unflushed> unflushed_; // by device
    bool adding_ = false, dropping_ = false;
    bool has_journal_ = false;
};

} // namespace rack
