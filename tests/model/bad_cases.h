/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables that must be refused: a list of values, built from the devices of a
 * test bed that holds chains of every kind.  How they are tried is in
 * cmd_bad_input.cc.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bed.h"

namespace esmodel {

/** One table that must be refused. */
struct BadCase {
    std::string name;
    Table table;
    /** The kernel must name one of them; empty: there is no device to blame. */
    std::vector<const DmDevice *> culprits = {};
    /** Loaded into the live chain's own device instead of a new one. */
    bool is_reload = false;
};

/** The devices that the cases are made of. */
struct BadInputBed {
    explicit BadInputBed(TestBed &test_bed);

    TestBed &bed;
    /* Origins of the chains below; the live one has the test bed's origin. */
    std::unique_ptr<Store> dead_room, other_room;
    DmDevice dead_origin, other_origin;
    std::unique_ptr<Store> blank, garbage;
    /** The first half of the dead chain's second store. */
    std::unique_ptr<DmDevice> cut;

    std::unique_ptr<Chain> dead;  /**< detached: three snapshots, a view of the second */
    std::unique_ptr<Chain> other; /**< detached: two snapshots */
    std::unique_ptr<Chain> live;  /**< up: three snapshots, a view of the second */

    const DmDevice &dead_store(unsigned index) const;
    const DmDevice &live_store(unsigned index) const;
};

/** Every case, in an order in which they can all be tried in one go. */
std::vector<BadCase> all_bad_cases(const BadInputBed &on);

} // namespace esmodel
