// SPDX-License-Identifier: GPL-2.0-only
//
// The states of the disk that are looked at, and going from one to the next.
//
// A point is a step of the timeline after which the power fails: every flush and every write
// with FUA, and the others too. What is left then is a variant (disk.h): one is named by the
// run's seed, the step and the variant, and can be made again from these.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "disk.h"
#include "oracle.h"

namespace rack {

struct Point {
    std::size_t step = 0;
    std::uint64_t variant = 0;

    auto operator<=>(const Point &) const = default;
};

/** A recorded run, and where on its way the disk and the oracle are. */
class Run {
public:
    explicit Run(const std::string &log_path);

    const Layout &layout() const { return layout_; }
    SectorPool &pool() { return pool_; }
    const SectorPool &pool() const { return pool_; }
    const Oracle &oracle() const { return oracle_; }
    const Disk &disk() const { return disk_; }
    std::size_t steps() const { return timeline_.size(); }
    std::uint64_t flushes() const { return flushes_; }

    /**
     * @count points: as many variants of each flush and write with FUA as that gives, at
     * least a random selection; one in eight is after another write.
     */
    std::vector<Point> choose(std::uint64_t count, std::uint64_t seed) const;

    /** Visits @points, which are sorted, in order; false from @look ends it. */
    void visit(const std::vector<Point> &points, const std::function<bool(const Point &)> &look);

    std::string name(const Point &point) const;

private:
    bool is_sync(std::size_t step) const;
    void advance_to(std::size_t step);

    SectorPool pool_;
    Log log_;
    Layout layout_;
    std::vector<Step> timeline_;
    Disk disk_;
    Oracle oracle_;
    std::size_t done_ = 0; // steps applied
    std::uint64_t flushes_ = 0;
};

} // namespace rack
