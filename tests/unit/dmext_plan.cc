// SPDX-License-Identifier: GPL-2.0-only
//
// libdm-ext: plans are done whole or not at all, and say so.

#include <stdexcept>

#include <catch2/catch.hpp>

#include "dm-ext/targets.h"
#include "support/failing_calls.h"

using namespace dmext;
using namespace dmext::test;
using Catch::Contains;
using Words = std::vector<std::string>;

namespace {

/* Steps that write down what they do. */
class Recorder {
public:
    Step step(const std::string &what, bool is_final = false) {
        return {what, [this, what](PlanContext &) { act("do", what); },
                [this, what](PlanContext &) { act("undo", what); }, is_final};
    }

    Words done;
    std::string failing;

private:
    void act(const std::string &verb, const std::string &what) {
        if (verb + " " + what == failing || "all " + verb == failing)
            throw std::runtime_error("cannot " + verb + " " + what);
        done.push_back(verb + " " + what);
    }
};

PlanError error_of(const Plan &plan, DmApi &api, const Plan::Observer &observer = {}) {
    try {
        plan.run(api, observer);
    } catch (const PlanError &e) {
        return e;
    }
    throw std::logic_error("the plan did not fail");
}

} // namespace

TEST_CASE("dmext: a plan runs its steps in order", "[dmext]") {
    FakeDm dm;
    Recorder r;
    Plan plan("make", "x");
    plan.add(r.step("a")).append(Plan("", "").add(r.step("b")).add(r.step("c", true)));

    CHECK(plan.size() == 3);
    CHECK(plan.listing() == Words{"1. a", "2. b", "3. c (cannot be taken back)"});
    CHECK(r.done.empty());
    plan.run(dm);
    CHECK(r.done == Words{"do a", "do b", "do c"});
    CHECK_NOTHROW(Plan("do nothing with", "x").run(dm));
}

TEST_CASE("dmext: a plan that fails is taken back in reverse", "[dmext]") {
    FakeDm dm;
    Recorder r;
    Plan plan("make", "x");
    plan.add(r.step("a")).add({"b", [](PlanContext &) {}}).add(r.step("c")).add(r.step("d"));
    r.failing = "do d";

    const PlanError e = error_of(plan, dm);
    CHECK(r.done == Words{"do a", "do c", "undo c", "undo a"});
    CHECK(e.undone() == Words{"c", "a"});
    CHECK(e.not_undone().empty());
    CHECK(e.kept().empty());
    CHECK(std::string(e.what()) == "make x: cannot do d; taken back: c, a");
}

TEST_CASE("dmext: what cannot be taken back does not stop the rest, and is told", "[dmext]") {
    FakeDm dm;
    Recorder r;
    Plan plan("make", "x");
    plan.add(r.step("a")).add(r.step("b")).add({"c", [](PlanContext &) {
                                                    throw Error("load", "y", "broken", "mend it",
                                                                EINVAL);
                                                }});
    r.failing = "undo b";

    const PlanError e = error_of(plan, dm);
    CHECK(r.done == Words{"do a", "do b", "undo a"});
    CHECK(e.undone() == Words{"a"});
    CHECK(e.not_undone() == Words{"b (cannot undo b)"});
    CHECK(e.code() == EINVAL);
    CHECK(e.remedy() == "mend it");
    CHECK(std::string(e.what()) ==
          "make x: load y: broken; taken back: a; NOT taken back: b (cannot undo b) (mend it)");
    r.failing = "all undo";
    CHECK(error_of(plan, dm).not_undone().size() == 2);
}

TEST_CASE("dmext: nothing before a final step is taken back", "[dmext]") {
    FakeDm dm;
    Recorder r;
    Plan plan("make", "x");
    plan.add(r.step("a")).add(r.step("b", true)).add(r.step("c")).add(r.step("d"));

    r.failing = "do d";
    const PlanError late = error_of(plan, dm);
    CHECK(r.done == Words{"do a", "do b", "do c", "undo c"});
    CHECK(late.kept() == Words{"a", "b"});
    CHECK_THAT(late.what(), Contains("stays: a, b"));

    r.done.clear();
    r.failing = "do b";
    const PlanError early = error_of(plan, dm);
    CHECK(r.done == Words{"do a", "undo a"});
    CHECK(early.kept().empty());
}

TEST_CASE("dmext: an observer sees every step, and can break a plan off", "[dmext]") {
    FakeDm dm;
    Recorder r;
    Plan plan("make", "x");
    Words seen;
    plan.add(r.step("a")).add(r.step("b"));
    const auto note = [&](Plan::Moment moment, std::size_t number, const std::string &what) {
        const char *names[] = {"before", "after", "undo"};
        seen.push_back(names[static_cast<int>(moment)] + std::to_string(number) + what);
    };

    plan.run(dm, note);
    CHECK(seen == Words{"before0a", "after0a", "before1b", "after1b"});

    for (const auto moment : {Plan::Moment::before_step, Plan::Moment::after_step})
        for (std::size_t number = 0; number < 2; number++) {
            r.done.clear();
            error_of(plan, dm, [&](Plan::Moment m, std::size_t n, const std::string &) {
                if ((m == moment && n == number) || m == Plan::Moment::before_undo)
                    throw std::runtime_error("enough");
            });
            std::size_t steps = number + (moment == Plan::Moment::after_step ? 1 : 0);
            CHECK(r.done.size() == 2 * steps);
        }
}

TEST_CASE("dmext: a plan waits for udev, whether it works or not", "[dmext]") {
    const Table table = make_table(8, Linear{"8:16", 0});
    const auto create = [&](const std::string &name) -> Step {
        return {"create " + name,
                [=](PlanContext &c) {
                    Device::create(c.api, {name, "", table}, &c.udev);
                },
                [=](PlanContext &c) { Device(c.api, name).remove(&c.udev); }};
    };
    const auto make_plan = [&](FakeDm &) {
        Plan plan("make", "two devices");
        plan.add(create("a")).add(create("b"));
        return plan;
    };

    CHECK(check_failing_calls([] { return std::make_unique<FakeDm>(); }, make_plan) == 6);
}

TEST_CASE("dmext: the check of failing calls can fail", "[dmext]") {
    FakeDm dm;
    Plan plan("make", "a mess");
    plan.add({"create a without undo", [](PlanContext &c) {
                  Device::create(c.api, {"a", "", make_table(8, Zero{})}, &c.udev);
              }});
    plan.add({"look", [](PlanContext &c) { Device(c.api, "a").existing(); }});
    const std::string before = dm.picture();

    dm.fail_call(4, EIO);
    CHECK_THROWS_AS(plan.run(dm), PlanError);
    CHECK(dm.picture() != before);
}
