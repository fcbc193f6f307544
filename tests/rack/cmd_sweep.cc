// SPDX-License-Identifier: GPL-2.0-only
//
// esnap-rack sweep: thousands of points, recovered in user space.
#include <chrono>
#include <exception>
#include <memory>

#include <fmt/format.h>

#include "commands.h"
#include "judge.h"
#include "points.h"

namespace rack {

namespace {

class Sweep {
public:
    Sweep(const Options &options, Run &run)
        : options_(options), run_(run), judge_(run.oracle(), run.disk(), run.pool()) {}

    bool look(const Point &point) {
        const Verdict verdict = verdict_of();
        ++looked_at_;
        if (!verdict)
            return true;
        fmt::print("VIOLATION: {}: {}\n  again: esnap-rack sweep --log LOG --point {} "
                   "--variant {}\n",
                   run_.name(point), *verdict, point.step, point.variant);
        return ++violations_ < options_.failures;
    }

    std::uint64_t looked_at() const { return looked_at_; }
    std::uint64_t violations() const { return violations_; }
    const StoreLoader &loader() const { return judge_.loader(); }

private:
    Verdict verdict_of() {
        try {
            Verdict verdict = judge_.judge();
            if (!verdict && options_.check_every && looked_at_ % options_.check_every == 0)
                verdict = judge_.check_stores();
            return verdict;
        } catch (const std::exception &e) {
            return fmt::format("recovery threw: {}", e.what());
        }
    }

    const Options &options_;
    Run &run_;
    Judge judge_;
    std::uint64_t looked_at_ = 0, violations_ = 0;
};

} // namespace

int command_sweep(const Options &options) {
    Run run(options.log);
    const std::vector<Point> points = wanted_points(options, run);
    Sweep sweep(options, run);
    const auto start = std::chrono::steady_clock::now();
    run.visit(points, [&](const Point &point) { return sweep.look(point); });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    fmt::print("seed {}: {} points of {} flushes and FUA writes, in user space: {} violations; "
               "{:.0f} points/s, {} replays, {} stores unchanged\n",
               run.layout().salt, sweep.looked_at(), run.flushes(), sweep.violations(),
               static_cast<double>(sweep.looked_at()) / took.count(), sweep.loader().replays(),
               sweep.loader().reused());
    return sweep.violations() ? 1 : 0;
}

} // namespace rack
