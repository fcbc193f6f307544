// SPDX-License-Identifier: GPL-2.0-only
//
// Several steps as one change: all of it, or none.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dm-ext/api.h"
#include "dm-ext/error.h"
#include "dm-ext/udev.h"

namespace dmext {

/** What steps work with. */
struct PlanContext {
    DmApi &api;
    /** For all tasks of the plan; waited for at the end, when nothing is suspended. */
    UdevScope &udev;
};

struct Step {
    using Action = std::function<void(PlanContext &)>;

    /** For people: "load esnapshot-org into vg-data". */
    std::string what;
    /** Either does all of it, or throws and leaves things as they were. */
    Action run;
    /** Takes back a run() that succeeded. Empty: there is nothing to take back. */
    Action undo = {};
    /** Once it has run, neither it nor an earlier step is taken back. */
    bool is_final = false;
};

/** A plan failed. what() says all of the below. */
class PlanError : public Error {
public:
    PlanError(const std::string &operation, const std::string &object, const std::string &cause,
              const std::string &remedy, int code, std::vector<std::string> undone,
              std::vector<std::string> not_undone, std::vector<std::string> kept);

    /** Steps that were taken back, in the order that was done. */
    const std::vector<std::string> &undone() const { return undone_; }
    /** Steps that could not be taken back, each with the reason. */
    const std::vector<std::string> &not_undone() const { return not_undone_; }
    /** Steps that stay, because a final one had succeeded. */
    const std::vector<std::string> &kept() const { return kept_; }

private:
    std::vector<std::string> undone_;
    std::vector<std::string> not_undone_;
    std::vector<std::string> kept_;
};

/** A list of steps. Making one changes nothing. */
class Plan {
public:
    enum class Moment { before_step, after_step, before_undo };
    /** Is told of every step by number, from 0; for progress, and for tests that kill. */
    using Observer = std::function<void(Moment, std::size_t, const std::string &what)>;

    /** For error messages: "take snapshot of", "vg/data". */
    Plan(std::string operation, std::string object);

    Plan &add(Step step);
    /** The steps of @other after those of this one. */
    Plan &append(Plan other);

    std::size_t size() const { return steps_.size(); }
    /** The dry run: a numbered line per step; those that cannot be taken back say so. */
    std::vector<std::string> listing() const;

    /**
     * Runs the steps in order. If one throws, those before it, back to the last final one, are
     * taken back in reverse, each whether or not others could be, and PlanError is thrown.
     * What @observer throws counts as the step's failure; while undoing it is ignored.
     */
    void run(DmApi &api, const Observer &observer = {}) const;

private:
    class Run;

    std::string operation_;
    std::string object_;
    std::vector<Step> steps_;
};

} // namespace dmext
