// SPDX-License-Identifier: GPL-2.0-only
//
// Runs a plan once for every call that it makes, with that call failing: afterwards the world
// must be as before, or as after the whole plan.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "dm-ext/plan.h"
#include "support/fake_dm.h"

namespace dmext::test {

using MakeWorld = std::function<std::unique_ptr<FakeDm>()>;
using MakePlan = std::function<Plan(FakeDm &)>;

/** The world after the plan; checks that it works without a failure. */
inline std::string picture_after(const MakeWorld &make_world, const MakePlan &make_plan) {
    const std::unique_ptr<FakeDm> dm = make_world();

    make_plan(*dm).run(*dm);
    CHECK(dm->suspended().empty());
    CHECK(dm->mistakes().empty());
    CHECK(dm->reports().empty());
    return dm->picture();
}

/** Making a plan must change nothing, whichever of its calls fails. */
inline void check_making(const MakeWorld &make_world, const MakePlan &make_plan) {
    for (std::size_t call = 1;; call++) {
        const std::unique_ptr<FakeDm> dm = make_world();
        const std::string before = dm->picture();
        const std::size_t calls = dm->calls();

        dm->fail_call(call, EIO);
        try {
            make_plan(*dm);
        } catch (const Error &) {
            CHECK(dm->picture() == before);
        }
        CHECK(dm->picture() == before);
        if (dm->calls() - calls < call)
            return;
    }
}

/** Returns how many of the plan's calls were made to fail. */
inline std::size_t check_failing_calls(const MakeWorld &make_world, const MakePlan &make_plan) {
    const std::string after = picture_after(make_world, make_plan);

    check_making(make_world, make_plan);
    for (std::size_t call = 1;; call++) {
        const std::unique_ptr<FakeDm> dm = make_world();
        const std::string before = dm->picture();
        const Plan plan = make_plan(*dm);
        const std::size_t calls = dm->calls();
        bool is_complete = true;

        CAPTURE(call);
        dm->fail_call(call, EIO);
        try {
            plan.run(*dm);
        } catch (const PlanError &e) {
            is_complete = false;
            CAPTURE(e.what());
            CHECK(e.not_undone().empty());
            CHECK(e.code() == EIO);
        }
        CAPTURE(dm->record());
        CHECK(dm->picture() == (is_complete ? after : before));
        CHECK(dm->suspended().empty());
        CHECK(dm->mistakes().empty());
        if (dm->calls() - calls < call)
            return call - 1;
    }
}

/**
 * Breaks the plan off at every call, without undoing: as a process that is killed. Nothing may
 * be left suspended, and @device must have its table from before or from after.
 */
inline void check_killed_calls(const MakeWorld &make_world, const MakePlan &make_plan,
                               const std::string &device) {
    const std::unique_ptr<FakeDm> whole = make_world();
    const Table before = whole->live_table(device);
    make_plan(*whole).run(*whole);
    const Table after = whole->live_table(device);

    for (std::size_t call = 1;; call++) {
        const std::unique_ptr<FakeDm> dm = make_world();
        const Plan plan = make_plan(*dm);

        CAPTURE(call);
        dm->fail_from_call(call, EIO);
        try {
            plan.run(*dm);
            return;
        } catch (const PlanError &) {
            CHECK(dm->suspended().empty());
            CHECK((dm->live_table(device) == before || dm->live_table(device) == after));
        }
    }
}

} // namespace dmext::test
