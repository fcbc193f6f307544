/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference model: what a device must read, sector by sector.  Pure logic,
 * no I/O, so that it is unit-tested without a kernel.
 *
 * A sector holds one WriteId and two marks:
 *
 *   undecided  it reads as the recorded write *or* as zeros (it was discarded,
 *              or the snapshot was taken of a discarded sector).  The first
 *              answer decides; from then on it must stay.
 *   trimmed    (origins) it was discarded and not written since: a snapshot
 *              taken now may hold zeros there, whatever the origin itself reads.
 *
 * Nothing else is ever allowed: a discarded sector that suddenly shows the data
 * of some other sector, or of an older write, is a failure.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pattern.h"

namespace esmodel {

/** The first sector that is not what it must be. */
struct Mismatch {
    Sector sector = 0;
    std::string expected;
    std::string actual;
};

/** The expected contents of one device. */
class Image {
public:
    /** All zero. */
    explicit Image(Sector sectors);

    Sector sectors() const { return ids_.size(); }

    void write(Range range, WriteId id);
    void zero(Range range) { write(range, zero_id); }
    void discard(Range range);

    /** What a snapshot taken now holds; sectors trimmed here are undecided there. */
    Image frozen() const;

    /**
     * Compares what was read from @first on (whole sectors).  Undecided
     * sectors are decided by it.  Two threads may call it at once for one
     * Image only if nothing in it is undecided.
     */
    std::optional<Mismatch> check(Sector first, ConstBytes data);

    WriteId id(Sector sector) const { return ids_[sector]; }
    bool is_undecided(Sector sector) const { return (marks_[sector] & undecided) != 0; }

    /** The runs of undecided sectors. */
    std::vector<Range> undecided_ranges() const;

private:
    enum Mark : std::uint8_t { undecided = 1, trimmed = 2 };

    std::string describe_expected(Sector sector) const;

    std::vector<WriteId> ids_;
    std::vector<std::uint8_t> marks_;
};

/** One write of a writer that runs while a snapshot is being made. */
struct LoggedWrite {
    Range range;
    WriteId id = zero_id;
};

/**
 * What one writer did to its region.  It has at most one write outstanding and
 * nobody else writes to the region, so the snapshot must hold a *prefix* of its
 * writes, of which only the last may be torn.
 */
struct WriterLog {
    Range region;
    std::vector<LoggedWrite> writes;
    std::size_t completed_before = 0; /**< completed before the suspend was asked for */
    std::size_t issued_before = 0;    /**< issued before the resume had returned */
};

/**
 * Checks @data, read from the writer's region of a snapshot that was made under
 * load, against that rule and adopts it: afterwards @snapshot, which held the
 * contents before the writers began, expects exactly what was read.
 */
std::optional<Mismatch> adopt_prefix(const WriterLog &log, ConstBytes data, Image &snapshot);

} // namespace esmodel
