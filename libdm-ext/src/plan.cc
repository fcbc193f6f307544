// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/plan.h"

#include <exception>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace dmext {

namespace {

std::string cause_text(const std::string &cause, const std::vector<std::string> &undone,
                       const std::vector<std::string> &not_undone,
                       const std::vector<std::string> &kept) {
    std::string text = cause;

    if (!undone.empty())
        text += fmt::format("; taken back: {}", fmt::join(undone, ", "));
    if (!kept.empty())
        text += fmt::format("; stays: {}", fmt::join(kept, ", "));
    if (!not_undone.empty())
        text += fmt::format("; NOT taken back: {}", fmt::join(not_undone, ", "));
    return text;
}

} // namespace

PlanError::PlanError(const std::string &operation, const std::string &object,
                     const std::string &cause, const std::string &remedy, int code,
                     std::vector<std::string> undone, std::vector<std::string> not_undone,
                     std::vector<std::string> kept)
    : Error(operation, object, cause_text(cause, undone, not_undone, kept), remedy, code),
      undone_(std::move(undone)), not_undone_(std::move(not_undone)), kept_(std::move(kept)) {}

/* One execution of a plan. */
class Plan::Run {
public:
    Run(const Plan &plan, DmApi &api, const Observer &observer)
        : plan_(plan), udev_(api), context_{api, udev_}, observer_(observer) {}

    void run() {
        try {
            for (; done_ < plan_.steps_.size(); done_++)
                run_step(plan_.steps_[done_]);
        } catch (const Error &e) {
            fail(fmt::format("{} {}: {}", e.operation(), e.object(), e.cause()), e.remedy(),
                 e.code());
        } catch (const std::exception &e) {
            fail(e.what(), "", 0);
        }
        udev_.wait();
    }

private:
    void run_step(const Step &step) {
        tell(Moment::before_step, done_);
        step.run(context_);
        if (step.is_final)
            first_undoable_ = done_ + 1;
        try {
            tell(Moment::after_step, done_);
        } catch (...) {
            done_++; // it has run, so it is taken back like the others
            throw;
        }
    }

    void tell(Moment moment, std::size_t number) const {
        if (observer_)
            observer_(moment, number, plan_.steps_[number].what);
    }

    [[noreturn]] void fail(const std::string &cause, const std::string &remedy, int code) {
        std::vector<std::string> kept;

        for (std::size_t i = 0; i < first_undoable_; i++)
            kept.push_back(plan_.steps_[i].what);
        while (done_ > first_undoable_)
            undo(--done_);
        throw PlanError(plan_.operation_, plan_.object_, cause, remedy, code, std::move(undone_),
                        std::move(not_undone_), std::move(kept));
    }

    void undo(std::size_t number) {
        const Step &step = plan_.steps_[number];

        if (!step.undo)
            return;
        try {
            tell(Moment::before_undo, number);
        } catch (...) {
            /* Taking back goes on, whatever the one who watches thinks of it. */
        }
        try {
            step.undo(context_);
            undone_.push_back(step.what);
        } catch (const std::exception &e) {
            not_undone_.push_back(fmt::format("{} ({})", step.what, e.what()));
        }
    }

    const Plan &plan_;
    UdevScope udev_;
    PlanContext context_;
    const Observer &observer_;
    std::size_t done_ = 0;
    std::size_t first_undoable_ = 0;
    std::vector<std::string> undone_;
    std::vector<std::string> not_undone_;
};

Plan::Plan(std::string operation, std::string object)
    : operation_(std::move(operation)), object_(std::move(object)) {}

Plan &Plan::add(Step step) {
    steps_.push_back(std::move(step));
    return *this;
}

Plan &Plan::append(Plan other) {
    for (Step &step : other.steps_)
        steps_.push_back(std::move(step));
    return *this;
}

std::vector<std::string> Plan::listing() const {
    std::vector<std::string> lines;

    for (const Step &step : steps_)
        lines.push_back(fmt::format("{}. {}{}", lines.size() + 1, step.what,
                                    step.is_final ? " (cannot be taken back)" : ""));
    return lines;
}

void Plan::run(DmApi &api, const Observer &observer) const {
    Run(*this, api, observer).run();
}

} // namespace dmext
