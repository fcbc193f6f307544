// SPDX-License-Identifier: GPL-2.0-only
#include "judge.h"

#include <algorithm>

#include <fmt/format.h>

#include "offline/checker.h"

namespace rack {

namespace {

/** Stands for a chunk that was lost when it was copied: no workload sector has it. */
constexpr ContentId unreadable = zeros;

} // namespace

// --- images ---

template <typename Allows>
Verdict ImageJudge::compare(const std::string &name, std::span<const ContentId> image,
                            Allows allows) const {
    for (Sector s = 0; s < image.size(); ++s)
        if (!allows(pool_.stamp(image[s]), s))
            return fmt::format("{}: sector {} (chunk {}) holds {}", name, s,
                               s / oracle_.layout().chunk_sectors, describe(pool_.stamp(image[s])));
    return std::nullopt;
}

Verdict ImageJudge::origin(std::span<const ContentId> image) const {
    return compare("origin", image, [this](const Stamp &stamp, Sector s) {
        return oracle_.origin_allows(stamp, s);
    });
}

Verdict ImageJudge::snapshot(const Snapshot &snapshot, std::span<const ContentId> image) const {
    auto verdict = compare(fmt::format("snapshot {}", snapshot.number), image,
                           [&](const Stamp &stamp, Sector s) { return snapshot.allows(stamp, s); });
    return verdict;
}

Verdict ImageJudge::view(const View &view, std::span<const ContentId> image) const {
    const auto &all = oracle_.snapshots();
    const auto base = std::ranges::find(all, view.snapshot, &Snapshot::number);
    if (base == all.end())
        return fmt::format("view {}: its snapshot {} is gone", view.number, view.snapshot);
    return compare(fmt::format("view {}", view.number), image, [&](const Stamp &stamp, Sector s) {
        return oracle_.view_allows(view, *base, stamp, s);
    });
}

// --- recovery in user space ---

Verdict Judge::judge() {
    std::string refusals;
    bool one_attaches = false;
    for (const Oracle::Range range : oracle_.candidates()) {
        bool attaches = false;
        const Verdict verdict = judge_candidate(range, attaches);
        if (attaches && verdict)
            return verdict;
        if (verdict)
            refusals += *verdict + "; ";
        one_attaches |= attaches;
    }
    if (!one_attaches)
        return "the chain cannot be attached: " + refusals;
    return std::nullopt;
}

Verdict Judge::judge_candidate(Oracle::Range range, bool &attaches) {
    std::vector<std::pair<std::uint32_t, Sector>> slots;
    for (std::size_t i = range.first; i < range.end; ++i) {
        const std::uint32_t slot = oracle_.snapshots()[i].slot;
        slots.emplace_back(slot, oracle_.slot_sectors(slot));
    }
    const LoadedChain chain = load_chain(loader_, disk_, pool_, oracle_.layout(), slots);
    if (!chain.refused.empty())
        return chain.refused;
    start_with_origin();
    if (auto refused = replay_journal(chain, disk_, pool_, oracle_.layout(), image_);
        !refused.empty())
        return refused;
    attaches = true;
    if (auto verdict = images_.origin(image_))
        return verdict;
    if (chain.suspect)
        return "the chain attaches, but as suspect: its snapshots are not served";
    if (auto verdict = judge_snapshots(range, chain))
        return verdict;
    return judge_views(range, chain);
}

void Judge::start_with_origin() {
    const auto &contents = disk_.contents();
    image_.assign(contents.begin(),
                  contents.begin() + static_cast<std::ptrdiff_t>(oracle_.layout().origin_sectors));
}

/** Lays what @store, in @slot, has over the image. */
void Judge::overlay(const LoadedStore &store, std::uint32_t slot) {
    const Layout &layout = oracle_.layout();
    const Region region = layout.slot(slot, layout.slot_sectors);
    for (std::uint64_t chunk = 0; chunk < store.places.size(); ++chunk) {
        const Place &place = store.places[chunk];
        if (place.kind == Place::Kind::absent)
            continue;
        const Sector first = chunk * layout.chunk_sectors;
        const Sector count = std::min<Sector>(layout.chunk_sectors, layout.origin_sectors - first);
        const Sector from = region.first + place.addr * ES_BLOCK_SECTORS;
        for (Sector s = 0; s < count; ++s)
            image_[first + s] = place.kind == Place::Kind::payload ? disk_.at(from + s)
                                : place.kind == Place::Kind::zero  ? zeros
                                                                   : unreadable;
    }
}

Verdict Judge::judge_snapshots(Oracle::Range range, const LoadedChain &chain) {
    std::size_t end = range.end;
    start_with_origin();
    // One that was not in use yet is taken when what the journal holds is in place.
    if (end > range.first && !chain.stores.back()->sb.epoch) {
        replay_journal(chain, disk_, pool_, oracle_.layout(), image_);
        if (auto verdict = images_.snapshot(oracle_.snapshots()[--end], image_))
            return verdict;
        start_with_origin();
    }
    // From the newest back: each image is the next newer one under its own store.
    for (std::size_t i = end; i-- > range.first;) {
        const Snapshot &snapshot = oracle_.snapshots()[i];
        overlay(*chain.stores[i - range.first], snapshot.slot);
        if (auto verdict = images_.snapshot(snapshot, image_))
            return verdict;
    }
    return std::nullopt;
}

void Judge::fill(const LoadedChain &chain, std::size_t from, Oracle::Range range) {
    start_with_origin();
    for (std::size_t i = range.end; i-- > from;)
        overlay(*chain.stores[i - range.first], oracle_.snapshots()[i].slot);
}

Verdict Judge::judge_views(Oracle::Range range, const LoadedChain &chain) {
    for (const View &view : oracle_.views()) {
        if (!view.ready)
            continue;
        for (std::size_t i = range.first; i < range.end; ++i)
            if (oracle_.snapshots()[i].number == view.snapshot) {
                fill(chain, i, range);
                if (auto verdict = judge_view(view, chain, i - range.first))
                    return verdict;
            }
    }
    return std::nullopt;
}

/** The image holds what the view's snapshot shows. */
Verdict Judge::judge_view(const View &view, const LoadedChain &chain, std::size_t index) {
    const auto store = loader_.load(view.slot, oracle_.slot_sectors(view.slot));
    if (!store->refused.empty())
        return fmt::format("view {}: {}", view.number, store->refused);
    const es_fault fault = es_rules_view(&store->sb, &chain.stores[index]->sb);
    if (fault != ES_OK)
        return fmt::format("view {}: {}", view.number, es_fault_text(fault));
    overlay(*store, view.slot);
    return images_.view(view, image_);
}

// --- esnap check ---

Verdict Judge::check_store(std::uint32_t slot) const {
    const Region region = oracle_.layout().slot(slot, oracle_.slot_sectors(slot));
    const esnap::CheckResult result = esnap::check_store(RegionSource(disk_, pool_, region));
    // A copy of the superblock that is torn cannot be told from one that is damaged.
    const auto is_torn_copy = [&](const esnap::Finding &finding) {
        return finding.area == esnap::Area::superblock && finding.offset &&
               disk_.is_torn(region.first + *finding.offset / sector_bytes);
    };
    for (const esnap::Finding &finding : result.findings.all())
        if (finding.severity == esnap::Severity::fault && !is_torn_copy(finding))
            return fmt::format("esnap check of slot {}: {} at byte {}: {}", slot,
                               esnap::area_text(finding.area), finding.offset.value_or(0),
                               finding.cause);
    return std::nullopt;
}

Verdict Judge::check_stores() const {
    for (const Oracle::Range range : {oracle_.candidates().back()})
        for (std::size_t i = range.first; i < range.end; ++i)
            if (auto verdict = check_store(oracle_.snapshots()[i].slot))
                return verdict;
    for (const View &view : oracle_.views())
        if (view.ready)
            if (auto verdict = check_store(view.slot))
                return verdict;
    return std::nullopt;
}

} // namespace rack
