// SPDX-License-Identifier: GPL-2.0-only
//
// What a sector may hold while several writers overwrite each other without taking turns.
//
// One clock ticks at the beginning and at the end of every write. A write that had ended before
// another one began is older than that one; of writes that overlap in time either may be the
// last. So a sector must not hold a write that had ended before another one began which had been
// acknowledged when somebody looked.
//
// Thread-safe. Units: sectors of the device; ticks of the clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "pattern.h"

namespace races {

using esmodel::Range;
using esmodel::Sector;
using Tick = std::uint64_t;
using Number = std::uint64_t; /**< of a write; 0 is what was there from the start */

class Clock {
public:
    Tick tick() { return ++now_; }

private:
    std::atomic<Tick> now_ = 0;
};

/** From when on somebody looked, and what had been acknowledged by then. */
struct Look {
    Sector first = 0;
    std::vector<Tick> floor{}; /**< by sector: the last beginning of an acknowledged write */
    Tick until = 0;            /**< when the look had ended */
};

class Ledger {
public:
    Ledger(Clock &clock, Sector sectors);

    Sector sectors() const { return floor_.size(); }

    /** A write begins; its number. */
    Number begin();
    /** It was acknowledged. */
    void end(Number number, Range range);

    /** Somebody begins to look at @range. */
    Look look(Range range) const;
    void end(Look &look) const { look.until = clock_.tick(); }

    /** May @sector have held the write @number during @look? */
    bool allows(const Look &look, Sector sector, Number number) const;

    Number writes() const;

private:
    struct Write {
        Tick begun;
        Tick ended; /**< no_end: not acknowledged */
    };
    static constexpr Tick no_end = ~Tick{0};

    Clock &clock_;
    mutable std::mutex lock_; // guards all below
    std::deque<Write> writes_;
    std::vector<Tick> floor_;
};

} // namespace races
