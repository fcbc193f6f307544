// SPDX-License-Identifier: GPL-2.0-only
//
// What the power-cut rack takes for durable: a write with FUA, and one before a flush of its
// own region; and in which order it takes what dm-log-writes recorded.

#include <array>
#include <set>

#include <catch2/catch.hpp>

#include "disk.h"

using namespace rack;

namespace {

constexpr Layout layout{
    .salt = 7, .origin_sectors = 64, .chunk_sectors = 8, .slot_sectors = 2048, .slots = 2};

/** A log made by hand. */
class Recorder {
public:
    SectorPool pool{layout.salt};
    Log log;

    /** @count sectors of write @seq to the origin, or to a slot as what a view has there. */
    void write(Sector at, Sector count, std::uint64_t seq, bool fua = false) {
        LogEntry entry{.sector = at, .count = count, .fua = fua, .mark = {}};
        entry.content = log.contents.size();
        for (Sector s = 0; s < count; ++s)
            log.contents.push_back(content(at, at + s, seq));
        log.entries.push_back(entry);
    }
    void flush(Sector at) { log.entries.push_back({.sector = at, .flush = true, .mark = {}}); }
    void mark(const Event &event) {
        log.entries.push_back({.is_mark = true, .mark = to_text(event)});
    }
    void acknowledge(std::uint64_t seq, std::uint64_t device = origin_device) {
        mark({EventKind::plain, {device, seq, 0, 1}});
    }

    ContentId content(Sector region, Sector address, std::uint64_t seq) {
        std::array<std::byte, sector_bytes> sector;
        fill_sectors(sector, {.device = region < layout.slots_first() ? origin_device : first_view,
                              .address = address,
                              .seq = seq,
                              .salt = layout.salt});
        return pool.intern(sector);
    }

    /** The disk after everything. */
    Disk disk() {
        Disk d(layout, pool);
        for (const Step &step : make_timeline(log, pool, layout))
            d.apply(log, step);
        return d;
    }
    std::uint64_t seq_at(const Disk &d, Sector sector) const {
        return pool.stamp(d.at(sector)).seq;
    }
};

const Sector slot0 = layout.slot(0, 0).first, slot1 = layout.slot(1, 0).first;

} // namespace

TEST_CASE("a flush makes the writes to its own region durable, and no others", "[rack]") {
    Recorder r;
    r.write(3, 2, 1);
    r.write(slot0, 2, 2);
    r.flush(slot0 + 64);
    CHECK(r.seq_at(r.disk(), slot0) == 2);
    CHECK(r.seq_at(r.disk(), 3) == 0);
    CHECK(r.disk().pending() == 2);
    r.flush(0);
    CHECK(r.seq_at(r.disk(), 4) == 1);
    CHECK(r.disk().pending() == 0);
}

TEST_CASE("a write with FUA is durable, and replaces what was pending", "[rack]") {
    Recorder r;
    r.write(8, 4, 1);
    r.flush(slot0);
    r.write(9, 1, 2, true);
    r.flush(0);
    CHECK(r.seq_at(r.disk(), 8) == 1);
    CHECK(r.seq_at(r.disk(), 9) == 2);
}

TEST_CASE("a write was complete when it was acknowledged, wherever it is recorded", "[rack]") {
    Recorder r;
    r.acknowledge(1);
    r.write(8, 1, 2, true);
    r.write(8, 1, 1); // held back until a flush was sent
    r.flush(slot0);
    const auto steps = make_timeline(r.log, r.pool, layout);
    CHECK(steps[1].entry == 2);
    CHECK(r.seq_at(r.disk(), 8) == 2);
}

TEST_CASE("with a journal a write in place was complete no sooner than recorded", "[rack]") {
    Recorder r;
    r.mark({EventKind::journal_on, {1, Layout::journal_sectors}});
    r.acknowledge(1);
    r.write(8, 1, 2, true);
    r.write(8, 1, 1);
    r.flush(0);
    CHECK(r.seq_at(r.disk(), 8) == 1);
}

TEST_CASE("a view's writes pass no journal: complete when they were acknowledged", "[rack]") {
    Recorder r;
    r.mark({EventKind::journal_on, {1, Layout::journal_sectors}});
    r.acknowledge(1, first_view);
    r.write(slot0 + 8, 1, 2, true);
    r.write(slot0 + 8, 1, 1); // held back until a flush was sent
    r.flush(slot0);
    CHECK(r.seq_at(r.disk(), slot0 + 8) == 2);
}

TEST_CASE("the first mark says whether there is a journal", "[rack]") {
    Layout with = layout;
    with.has_journal = true;
    CHECK(Layout::from(with.begin()).has_journal);
    CHECK(Layout::from(with.begin()).slots == with.slots);
    CHECK(!Layout::from(layout.begin()).has_journal);
}

TEST_CASE("a write that another region's flush took into the log later", "[rack]") {
    // As of a write with both: the log has the flush by itself.
    const LogEntry own_flush{.sector = slot0, .flush = true, .fua = true, .mark = {}};
    Recorder r;
    r.write(slot1 + 8, 1, 5);
    r.flush(slot1);
    SECTION("counts as durable if its own flush came shortly before") {
        r.log.entries.push_back(own_flush);
        r.write(slot0 + 8, 1, 6);
        r.flush(0);
        CHECK(r.seq_at(r.disk(), slot0 + 8) == 6);
    }
    SECTION("not if there was none") {
        r.write(slot0 + 8, 1, 6);
        r.flush(0);
        CHECK(r.seq_at(r.disk(), slot0 + 8) == 0);
        CHECK(r.disk().pending() == 1);
    }
    SECTION("not if what was to come after that flush came before") {
        r.log.entries.push_back(own_flush);
        r.write(slot0, 1, 7, true); // says that the other is there
        r.write(slot0 + 8, 1, 6);
        r.flush(0);
        CHECK(r.seq_at(r.disk(), slot0) == 7);
        CHECK(r.seq_at(r.disk(), slot0 + 8) == 0);
    }
}

TEST_CASE("a cut keeps none, all or a part of what is pending, and can be undone", "[rack]") {
    Recorder r;
    r.write(0, 32, 1);
    r.write(slot0, 16, 2, true);
    Disk disk(layout, r.pool);
    const auto steps = make_timeline(r.log, r.pool, layout);
    disk.apply(r.log, steps[0]);
    const auto before = disk.contents();
    const ContentHash hash = disk.hash(0);
    std::set<std::size_t> kept, torn;
    for (std::uint64_t variant = 0; variant < 64; ++variant) {
        esmodel::Rng rng(variant);
        disk.cut(variant, rng, r.log, &steps[1]);
        std::size_t n = 0, t = 0;
        for (Sector s = 0; s < 32; ++s)
            n += r.seq_at(disk, s) == 1;
        for (Sector s = 0; s < 16; ++s)
            t += r.seq_at(disk, slot0 + s) == 2;
        if (variant == 0)
            CHECK((n == 0 && t == 0));
        if (variant == 1)
            CHECK((n == 32 && t == 0));
        kept.insert(n);
        torn.insert(t);
        disk.undo_cut();
        CHECK(disk.contents() == before);
        CHECK(disk.hash(0) == hash);
    }
    CHECK(kept.size() > 8);
    CHECK(torn.size() > 8);
}

TEST_CASE("a sector that says what it is, and nothing else, is understood", "[rack]") {
    std::array<std::byte, sector_bytes> sector;
    const Stamp stamp{.device = first_view + 3,
                      .writer = 2,
                      .address = 77,
                      .seq = 9,
                      .time = 5,
                      .salt = layout.salt};
    fill_sectors(sector, stamp);
    REQUIRE(parse_sector(sector));
    CHECK(parse_sector(sector)->address == 77);
    CHECK(parse_sector(sector)->device == first_view + 3);
    for (std::size_t i = 0; i < sector_bytes; ++i) {
        auto damaged = sector;
        damaged[i] ^= std::byte{1};
        CHECK(!parse_sector(damaged));
    }
    CHECK(SectorPool(8).stamp(SectorPool(8).intern(sector) - 1).device == no_device);
}

TEST_CASE("marks are one word and can be read back", "[rack]") {
    for (int kind = 0; kind <= static_cast<int>(EventKind::end); ++kind) {
        const Event event{static_cast<EventKind>(kind), {1, 22, 333, 4444, ~0ull}};
        CHECK(to_text(event).find(' ') == std::string::npos);
        CHECK(parse_event(to_text(event)) == event);
    }
    CHECK(!parse_event("dm-log-writes-end"));
    CHECK(!parse_event("rack:nonsense:0:0:0:0:0"));
}
