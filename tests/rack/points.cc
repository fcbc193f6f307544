// SPDX-License-Identifier: GPL-2.0-only
#include "points.h"

#include <algorithm>

#include <fmt/format.h>

namespace rack {

namespace {

std::uint64_t seed_of(const Layout &layout, const Point &point) {
    return layout.salt * 0x9e3779b97f4a7c15ull ^ point.step * 0xbf58476d1ce4e5b9ull ^ point.variant;
}

} // namespace

Run::Run(const std::string &log_path)
    : log_(read_log(log_path, pool_)), layout_(layout_of(log_)),
      timeline_(make_timeline(log_, pool_, layout_)), disk_(layout_, pool_), oracle_(layout_) {
    for (const Step &step : timeline_)
        flushes_ += step.kind == Step::Kind::flush || step.fua;
}

bool Run::is_sync(std::size_t step) const {
    return timeline_[step].kind == Step::Kind::flush || timeline_[step].fua;
}

std::vector<Point> Run::choose(std::uint64_t count, std::uint64_t seed) const {
    std::vector<std::size_t> sync, other;
    for (std::size_t i = 0; i < timeline_.size(); ++i)
        if (is_sync(i))
            sync.push_back(i);
        else if (timeline_[i].kind == Step::Kind::write)
            other.push_back(i);
    esmodel::Rng rng(seed);
    std::vector<Point> points;
    for (std::uint64_t left = other.empty() ? 0 : count / 8; left > 0; --left)
        points.push_back({rng.pick(other), rng.below(1000)});
    // Whole rounds of all flushes first, each with its own variants; the rest at random.
    std::uint64_t variant = 0;
    for (; points.size() + sync.size() <= count; ++variant)
        for (const std::size_t step : sync)
            points.push_back({step, variant});
    rng.shuffle(sync);
    for (std::size_t i = 0; points.size() < count && i < sync.size(); ++i)
        points.push_back({sync[i], variant ? variant : rng.below(5)});
    std::ranges::sort(points);
    return points;
}

void Run::advance_to(std::size_t step) {
    for (; done_ <= step; ++done_) {
        disk_.apply(log_, timeline_[done_]);
        if (timeline_[done_].kind != Step::Kind::mark)
            continue;
        if (const auto event = parse_event(log_.entries[timeline_[done_].entry].mark))
            oracle_.apply(*event);
    }
}

void Run::visit(const std::vector<Point> &points, const std::function<bool(const Point &)> &look) {
    for (const Point &point : points) {
        if (point.step >= timeline_.size())
            return;
        advance_to(point.step);
        esmodel::Rng rng(seed_of(layout_, point));
        const Step *next = point.step + 1 < timeline_.size() ? &timeline_[point.step + 1] : nullptr;
        disk_.cut(point.variant, rng, log_, next);
        const bool go_on = look(point);
        disk_.undo_cut();
        if (!go_on)
            return;
    }
}

std::string Run::name(const Point &point) const {
    const Step &step = timeline_[point.step];
    const char *kind = step.kind == Step::Kind::flush ? "flush" : step.fua ? "FUA write" : "write";
    return fmt::format("seed {}, point {}, variant {} (after entry {} of the log, a {} to {})",
                       layout_.salt, point.step, point.variant, step.entry, kind,
                       step.region ? fmt::format("slot {}", step.region - 1) : "the origin");
}

} // namespace rack
