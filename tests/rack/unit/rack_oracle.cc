// SPDX-License-Identifier: GPL-2.0-only
//
// What the power-cut rack's oracle allows an image to show.

#include <catch2/catch.hpp>

#include "oracle.h"

using namespace rack;

namespace {

constexpr Layout layout{
    .salt = 7, .origin_sectors = 64, .chunk_sectors = 8, .slot_sectors = 2048, .slots = 2};

Stamp origin(Sector address, std::uint64_t seq) {
    return {.device = origin_device, .address = address, .seq = seq};
}

Stamp view(Sector address, std::uint64_t seq) {
    return {.device = first_view + 1, .address = address, .seq = seq};
}

/** Short names for what the workload says. */
struct Teller {
    Oracle oracle{layout};

    void plain(std::uint64_t seq, Sector first, Sector count,
               std::uint64_t device = origin_device) {
        oracle.apply({EventKind::plain, {device, seq, first, count}});
    }
    void fua(std::uint64_t seq, Sector first, Sector count) {
        oracle.apply({EventKind::fua, {origin_device, seq, first, count}});
    }
    void begin_flush(std::uint64_t number, std::uint64_t device = origin_device) {
        oracle.apply({EventKind::flush_begin, {device, number}});
    }
    void end_flush(std::uint64_t number, std::uint64_t device = origin_device) {
        oracle.apply({EventKind::flush_end, {device, number}});
    }
    void snapshot(std::uint64_t number) {
        oracle.apply({EventKind::snap_begin, {number, 0, 2048}});
        oracle.apply({EventKind::snap_end, {number}});
    }
};

} // namespace

TEST_CASE("the origin must have what a flush covered, and may have what came later", "[rack]") {
    Teller t;
    t.plain(1, 0, 8);
    t.begin_flush(1);
    t.plain(2, 0, 4); // acknowledged after the flush began: not covered
    t.end_flush(1);
    CHECK(!t.oracle.origin_allows(origin(0, 0), 0));
    CHECK(t.oracle.origin_allows(origin(0, 1), 0));
    CHECK(t.oracle.origin_allows(origin(0, 2), 0));
    CHECK(t.oracle.origin_allows(origin(9, 0), 9));
    CHECK(!t.oracle.origin_allows(origin(1, 2), 0)); // another sector's
    CHECK(!t.oracle.origin_allows(Stamp{}, 0));
}

TEST_CASE("a write with FUA must be there", "[rack]") {
    Teller t;
    t.fua(3, 5, 1);
    CHECK(!t.oracle.origin_allows(origin(5, 2), 5));
    CHECK(t.oracle.origin_allows(origin(5, 3), 5));
}

TEST_CASE("what a journal has acknowledged must be there", "[rack]") {
    Teller t;
    t.plain(1, 0, 8);
    t.oracle.apply({EventKind::journal_on, {1, Layout::journal_sectors}});
    t.plain(2, 4, 8);
    CHECK(t.oracle.origin_allows(origin(0, 0), 0));
    CHECK(!t.oracle.origin_allows(origin(4, 1), 4));
    CHECK(t.oracle.origin_allows(origin(4, 2), 4));
}

TEST_CASE("a snapshot shows its instant, and exactly that once its chunk was written", "[rack]") {
    Teller t;
    t.fua(1, 0, 16);
    t.plain(2, 0, 16); // not flushed: a cut may lose it before it was copied
    t.snapshot(1);
    const auto allows = [&](Sector s, std::uint64_t seq) {
        return t.oracle.snapshots().at(0).allows(origin(s, seq), s);
    };
    CHECK((!allows(0, 0) && allows(0, 1) && allows(0, 2)));
    t.plain(3, 4, 1); // the first chunk was copied before this was acknowledged
    CHECK((!allows(0, 1) && allows(0, 2) && !allows(4, 3)));
    CHECK((allows(8, 1) && allows(8, 2)));
    t.begin_flush(1);
    t.end_flush(1);
    CHECK((!allows(8, 1) && allows(8, 2)));
}

TEST_CASE("a view has its own writes, and where none is durable what its snapshot has", "[rack]") {
    Teller t;
    t.fua(1, 0, 16);
    t.snapshot(1);
    t.oracle.apply({EventKind::view_begin, {1, 1, 1, 2048}});
    t.oracle.apply({EventKind::view_end, {1}});
    const std::uint64_t device = first_view + 1;
    t.plain(2, 0, 2, device);
    const auto allows = [&](const Stamp &stamp) {
        return t.oracle.view_allows(t.oracle.views().at(0), t.oracle.snapshots().at(0), stamp,
                                    stamp.address);
    };
    CHECK((allows(origin(0, 1)) && allows(view(0, 2)) && allows(origin(9, 1))));
    t.begin_flush(4, device);
    t.end_flush(4, device);
    CHECK((!allows(origin(0, 1)) && allows(view(0, 2)) && allows(origin(9, 1))));
}

TEST_CASE("while the chain is being changed either list may be attached", "[rack]") {
    Teller t;
    t.snapshot(1);
    CHECK(t.oracle.candidates().size() == 1);
    t.oracle.apply({EventKind::snap_begin, {2, 1, 2048}});
    REQUIRE(t.oracle.candidates().size() == 2);
    CHECK(t.oracle.candidates()[0].end == 2);
    CHECK(t.oracle.candidates()[1].end == 1);
    t.oracle.apply({EventKind::snap_end, {2}});
    t.oracle.apply({EventKind::drop_begin, {1}});
    REQUIRE(t.oracle.candidates().size() == 2);
    CHECK(t.oracle.candidates()[0].first == 1);
    t.oracle.apply({EventKind::drop_end, {1}});
    REQUIRE(t.oracle.candidates().size() == 1);
    CHECK(t.oracle.snapshots().at(0).number == 2);
}
