// SPDX-License-Identifier: GPL-2.0-only
//
// The disk as the log's steps make it, and what a power cut may leave of it.
//
// Durable is what was written with FUA, or written before a flush of the same region. Of the
// rest a cut keeps none, all, or a random subset, by sectors, blocks or whole writes; and of
// the write that is under way a random part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layout.h"
#include "log.h"
#include "rng.h"
#include "timeline.h"

namespace rack {

/** A number for a region's content: equal contents have equal numbers, others hardly ever. */
using ContentHash = std::uint64_t;

class Disk {
public:
    /** As it is before the first step: the origin's first content, zeros elsewhere. */
    Disk(const Layout &layout, SectorPool &pool);

    void apply(const Log &log, const Step &step);
    /** Everything pending becomes durable, or is forgotten. */
    void settle();
    void lose_pending() { pending_.clear(); }

    /**
     * What a power cut leaves, until undo_cut(). @variant 0 loses all that is pending, 1 keeps
     * it, others choose by @rng, and tear @next, the write under way (nullptr: none).
     */
    void cut(std::uint64_t variant, esmodel::Rng &rng, const Log &log, const Step *next);
    void undo_cut();
    /** The cut is what the disk holds from now on. */
    void keep_cut() { undo_.clear(); }

    ContentId at(Sector sector) const { return contents_[sector]; }
    const std::vector<ContentId> &contents() const { return contents_; }
    ContentHash hash(std::uint32_t region) const { return hashes_[region]; }
    std::size_t pending() const { return pending_.size(); }
    /** Whether the cut has torn the write of @sector, which was under way. */
    bool is_torn(Sector sector) const;

private:
    struct Pending {
        Sector sector;
        ContentId content;
        std::uint32_t region;
        std::size_t entry;
    };
    struct Old {
        Sector sector;
        ContentId content;
    };

    void set(Sector sector, ContentId content);
    void set_for_now(Sector sector, ContentId content);
    void keep_subset(esmodel::Rng &rng);
    void tear(esmodel::Rng &rng, const Log &log, const Step &next);

    Layout layout_;
    std::vector<ContentId> contents_;
    std::vector<ContentHash> hashes_;
    std::vector<Pending> pending_; // in the order of writing
    std::vector<Old> undo_;
    Sector torn_first_ = 0, torn_count_ = 0;
};

} // namespace rack
