// SPDX-License-Identifier: GPL-2.0-only
#include "timeline.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <unordered_map>

namespace rack {

namespace {

/** Entries that may be recorded while a flush is under way. */
constexpr std::size_t flight = 64;

class Sorter {
public:
    Sorter(const Log &log, const SectorPool &pool, const Layout &layout)
        : log_(log), pool_(pool), layout_(layout) {}

    std::vector<Step> run() {
        find_acknowledgements();
        place_all();
        hoist_all();
        std::vector<std::size_t> order(steps_.size());
        for (std::size_t i = 0; i < order.size(); ++i)
            order[i] = i;
        std::ranges::stable_sort(order, {}, [this](std::size_t i) { return keys_[i]; });
        std::vector<Step> sorted;
        for (const std::size_t i : order)
            sorted.push_back(steps_[i]);
        return sorted;
    }

private:
    // Keys leave room on either side of each entry.
    static std::size_t key_of(std::size_t entry) { return 3 * entry + 1; }
    static std::size_t key_before(std::size_t entry) { return 3 * entry; }
    static std::size_t key_after(std::size_t entry) { return 3 * entry + 2; }

    bool is_plain(std::size_t i) const {
        return steps_[i].kind == Step::Kind::write && !steps_[i].fua;
    }

    void find_acknowledgements() {
        bool has_journal = false;
        for (std::size_t i = 0; i < log_.entries.size(); ++i) {
            if (!log_.entries[i].is_mark)
                continue;
            const auto event = parse_event(log_.entries[i].mark);
            if (!event)
                continue;
            has_journal |= event->kind == EventKind::journal_on;
            // What a journal acknowledges is written to the origin later, whenever that is.
            if (event->kind == EventKind::plain && !(has_journal && event->v[0] == origin_device))
                acknowledged_[event->v[1]] = i;
        }
    }

    void place_all() {
        for (std::size_t i = 0; i < log_.entries.size(); ++i) {
            const LogEntry &e = log_.entries[i];
            Step step{.fua = e.fua, .entry = i};
            if (!e.is_mark) {
                step.kind = e.count ? Step::Kind::write : Step::Kind::flush;
                step.region = layout_.region_of(e.sector);
                if (e.count && e.flush)
                    throw std::runtime_error("a flush with data in the log");
            }
            steps_.push_back(step);
            keys_.push_back(key_of(i));
            if (const auto mark = mark_of(i))
                keys_[i] = std::min(keys_[i], key_after(*mark));
        }
    }

    /** The mark that acknowledges entry @i, a write of the workload without FUA. */
    std::optional<std::size_t> mark_of(std::size_t i) const {
        const LogEntry &e = log_.entries[i];
        if (!is_plain(i) || e.discard)
            return std::nullopt;
        const Stamp first = pool_.stamp(log_.contents[e.content]);
        const bool at_home =
            steps_[i].region == 0 ? first.device == origin_device : first.device >= first_view;
        for (Sector s = 1; s < e.count; ++s)
            if (pool_.stamp(log_.contents[e.content + s]).seq != first.seq)
                return std::nullopt;
        const auto found = acknowledged_.find(first.seq);
        if (!at_home || found == acknowledged_.end())
            return std::nullopt;
        return found->second;
    }

    void hoist_all() {
        for (std::size_t a = 0; a < steps_.size(); ++a) {
            if (steps_[a].kind != Step::Kind::flush)
                continue;
            std::size_t first = a;
            while (first > 0 && is_plain(first - 1))
                --first;
            for (std::size_t w = first; w < a; ++w)
                if (steps_[w].region != steps_[a].region && steps_[w].region != 0 && !is_summary(w))
                    hoist(w, first);
        }
    }

    /** Moves @w before the last flush of its region before @to, unless that is long ago. */
    void hoist(std::size_t w, std::size_t to) {
        for (std::size_t b = to; b > 0 && to - b < flight; --b) {
            const Step &before = steps_[b - 1];
            const bool is_write = before.kind == Step::Kind::write;
            const bool is_same = before.region == steps_[w].region;
            if (is_write && (overlap(b - 1, w) || (before.fua && is_same)))
                return;
            if (before.kind == Step::Kind::flush && is_same) {
                keys_[w] = std::min(keys_[w], key_before(b - 1));
                return;
            }
        }
    }

    /** Nobody waits for a summary, and it says that the records before it are there. */
    bool is_summary(std::size_t w) const {
        const auto bytes = pool_.bytes(log_.contents[log_.entries[w].content]);
        return std::memcmp(bytes.data(), "ESsm", 4) == 0;
    }

    bool overlap(std::size_t i, std::size_t j) const {
        const LogEntry &a = log_.entries[i], &b = log_.entries[j];
        return a.sector < b.sector + b.count && b.sector < a.sector + a.count;
    }

    const Log &log_;
    const SectorPool &pool_;
    const Layout &layout_;
    std::vector<Step> steps_;
    std::vector<std::size_t> keys_;
    std::unordered_map<std::uint64_t, std::size_t> acknowledged_; // by seq
};

} // namespace

std::vector<Step> make_timeline(const Log &log, const SectorPool &pool, const Layout &layout) {
    return Sorter(log, pool, layout).run();
}

Layout layout_of(const Log &log) {
    for (const LogEntry &entry : log.entries)
        if (const auto event = parse_event(entry.mark); event && event->kind == EventKind::begin)
            return Layout::from(*event);
    throw std::runtime_error("the log has no mark that begins a run");
}

} // namespace rack
