// SPDX-License-Identifier: GPL-2.0-only
#include "disk.h"

#include <algorithm>
#include <array>

namespace rack {

namespace {

std::uint64_t mix(Sector sector, ContentId content) {
    std::uint64_t x = (sector << 32 | content) + 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

} // namespace

Disk::Disk(const Layout &layout, SectorPool &pool)
    : layout_(layout), contents_(layout.disk_sectors(), zeros), hashes_(layout.regions(), 0) {
    std::array<std::byte, sector_bytes> sector;
    for (Sector s = 0; s < layout.origin_sectors; ++s) {
        fill_sectors(sector, {.device = origin_device, .address = s, .salt = layout.salt});
        set(s, pool.intern(sector));
    }
}

void Disk::set(Sector sector, ContentId content) {
    ContentId &place = contents_.at(sector);
    hashes_[layout_.region_of(sector)] ^= mix(sector, place) ^ mix(sector, content);
    place = content;
}

void Disk::apply(const Log &log, const Step &step) {
    const LogEntry &e = log.entries[step.entry];
    if (step.kind == Step::Kind::flush) {
        const auto rest = std::ranges::stable_partition(
            pending_, [&](const Pending &p) { return p.region != step.region; });
        for (const Pending &p : rest)
            set(p.sector, p.content);
        pending_.erase(rest.begin(), rest.end());
    } else if (step.kind == Step::Kind::write && step.fua) {
        std::erase_if(pending_, [&](const Pending &p) {
            return p.sector >= e.sector && p.sector < e.sector + e.count;
        });
        for (Sector s = 0; s < e.count; ++s)
            set(e.sector + s, log.contents[e.content + s]);
    } else if (step.kind == Step::Kind::write) {
        for (Sector s = 0; s < e.count; ++s)
            pending_.push_back(
                {e.sector + s, log.contents[e.content + s], step.region, step.entry});
    }
}

void Disk::settle() {
    for (const Pending &p : pending_)
        set(p.sector, p.content);
    pending_.clear();
}

void Disk::set_for_now(Sector sector, ContentId content) {
    undo_.push_back({sector, contents_[sector]});
    set(sector, content);
}

void Disk::keep_subset(esmodel::Rng &rng) {
    const std::uint64_t keep = std::array{50, 10, 90, 97}[rng.below(4)];
    const std::uint64_t unit = rng.below(3); // sectors, blocks, whole writes
    const std::uint64_t salt = rng.next();
    for (const Pending &p : pending_) {
        const std::uint64_t part = unit == 0 ? p.sector : unit == 1 ? p.sector / 8 : 0;
        if (mix(part ^ salt, static_cast<ContentId>(p.entry)) % 100 < keep)
            set_for_now(p.sector, p.content);
    }
}

void Disk::tear(esmodel::Rng &rng, const Log &log, const Step &next) {
    const LogEntry &e = log.entries[next.entry];
    torn_first_ = e.sector;
    torn_count_ = e.count;
    const std::uint64_t keep = std::array{50, 10, 90, 97}[rng.below(4)];
    const bool front_only = rng.percent(25);
    const Sector end = front_only ? rng.below(e.count + 1) : e.count;
    for (Sector s = 0; s < end; ++s)
        if (front_only || rng.percent(static_cast<unsigned>(keep)))
            set_for_now(e.sector + s, log.contents[e.content + s]);
}

void Disk::cut(std::uint64_t variant, esmodel::Rng &rng, const Log &log, const Step *next) {
    if (variant == 1)
        for (const Pending &p : pending_)
            set_for_now(p.sector, p.content);
    if (variant < 2)
        return;
    if (!rng.percent(20))
        keep_subset(rng);
    if (next && next->kind == Step::Kind::write && !rng.percent(20))
        tear(rng, log, *next);
}

void Disk::undo_cut() {
    for (auto old = undo_.rbegin(); old != undo_.rend(); ++old)
        set(old->sector, old->content);
    undo_.clear();
    torn_count_ = 0;
}

bool Disk::is_torn(Sector sector) const {
    return sector - torn_first_ < torn_count_;
}

} // namespace rack
