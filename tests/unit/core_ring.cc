// SPDX-License-Identifier: GPL-2.0-only
//
// Positions in a journal's ring: what fits, padding, giving history up, marks.

#include <vector>

#include <catch2/catch.hpp>

#include "es_ring.h"
#include "support/journal_values.h"

using namespace esnap::test;

namespace {

constexpr std::uint64_t end = ES_JOURNAL_MIN_BLOCKS;
constexpr std::uint64_t ring_blocks = end - ES_DATA_BLOCK;

es_ring ring_at(std::uint64_t head) {
    es_jsb sb = fresh_jsb();
    sb.epoch = 1;
    sb.needed = {.addr = head, .seq = 10, .prev_crc = 9};
    sb.mark[0].pos = sb.needed;
    sb.tail_seq = 10;
    es_ring ring{};
    es_ring_init(&ring, &sb);
    return ring;
}

/** A record of @blocks, header included. */
std::uint64_t append(es_ring &ring, std::uint32_t blocks, std::uint64_t time = 0) {
    Block header;
    es_jentry e = blocks > 1 ? make_entry(ES_JOP_WRITE, 0, 8 * (blocks - 1), time)
                             : make_entry(ES_JOP_FLUSH, 0, 0, time);
    if (es_ring_must_pad(&ring, blocks))
        es_ring_pad(&ring, header.data());
    return es_ring_append(&ring, &e, 1, header.data());
}

void commit(es_ring &ring) {
    es_jsb sb = fresh_jsb();
    sb.flags = ES_JSB_ATTACHED;
    sb.epoch = 1;
    es_ring_to_sb(&ring, &sb);
    es_jsb found{};
    REQUIRE(decode(encode(sb), &found) == ES_OK);
    es_ring_committed(&ring, &sb);
}

} // namespace

TEST_CASE("an empty ring takes a record anywhere", "[journal]") {
    for (std::uint64_t head = ES_DATA_BLOCK; head < end; ++head) {
        CAPTURE(head);
        es_ring ring = ring_at(head);
        CHECK(es_ring_blocks(&ring) == ring_blocks);
        CHECK(es_ring_max_record(&ring) == ring_blocks / 4);
        CHECK(es_ring_spare(&ring) == ring_blocks - 1);
        CHECK(es_ring_needed_blocks(&ring) == 0);
        CHECK(es_ring_kept_blocks(&ring) == 0);
        const std::uint32_t room = es_ring_room(&ring);
        REQUIRE(room == ring_blocks / 4);
        const std::uint64_t left = end - head;
        REQUIRE(es_ring_must_pad(&ring, room) == (left < room));
        const std::uint64_t addr = append(ring, room);
        CHECK(addr == (left < room ? ES_DATA_BLOCK : head));
        const std::uint64_t next = addr + room;
        CHECK(ring.head.addr == (next == end ? ES_DATA_BLOCK : next));
        CHECK(es_ring_needed_blocks(&ring) == room + (left < room ? left : 0));
    }
}

TEST_CASE("a large ring's records are bounded all the same", "[journal]") {
    es_jsb sb = fresh_jsb(1u << 20);
    es_ring ring{};
    es_ring_init(&ring, &sb);
    CHECK(es_ring_max_record(&ring) == ES_JOURNAL_MAX_RECORD);
    CHECK(es_ring_room(&ring) == ES_JOURNAL_MAX_RECORD);
}

TEST_CASE("records that end at the ring's end wrap, others are padded", "[journal]") {
    es_ring ring = ring_at(end - 3);
    append(ring, 3);
    CHECK(ring.head.addr == ES_DATA_BLOCK);
    ring = ring_at(end - 3);
    append(ring, 2); // a header's place is left
    CHECK(ring.head.addr == end - 1);
    CHECK(append(ring, 1) == end - 1);
    CHECK(ring.head.addr == ES_DATA_BLOCK);
    ring = ring_at(end - 1);
    CHECK(append(ring, 2) == ES_DATA_BLOCK); // padding without anything behind its header
    CHECK(ring.head.seq == 12);
}

TEST_CASE("what is needed is never overwritten, and the last block stays free", "[journal]") {
    for (const std::uint64_t start : {std::uint64_t{16}, std::uint64_t{17}, end - 1, end - 100}) {
        CAPTURE(start);
        es_ring ring = ring_at(start);
        std::uint64_t used = 0;
        for (unsigned i = 0; es_ring_room(&ring) != 0; ++i) {
            REQUIRE(i < ring_blocks);
            const std::uint64_t head = ring.head.addr;
            append(ring, 1 + i % es_ring_room(&ring));
            used += (ring.head.addr + ring_blocks - head) % ring_blocks;
            REQUIRE(used == es_ring_needed_blocks(&ring));
            REQUIRE(used < ring_blocks);
        }
        CHECK(es_ring_spare(&ring) == ring_blocks - 1 - used);
        CHECK_FALSE(es_ring_give_up(&ring, 1));
    }
}

TEST_CASE("history is given up by a sixteenth, and what is needed never", "[journal]") {
    es_ring ring = ring_at(ES_DATA_BLOCK);
    while (es_ring_room(&ring) >= 10)
        append(ring, 10);
    const es_jpos half{.addr = ES_DATA_BLOCK + 500, .seq = 60, .prev_crc = 1};
    CHECK_FALSE(es_ring_give_up(&ring, 10));
    es_ring_set_needed(&ring, &half);
    const std::uint64_t kept = es_ring_kept_blocks(&ring);
    REQUIRE(es_ring_give_up(&ring, 10));
    CHECK(kept - es_ring_kept_blocks(&ring) >= ring_blocks / 16);
    CHECK(kept - es_ring_kept_blocks(&ring) <= ring_blocks / 16 + 2 * ring_blocks / 28);
    CHECK(es_ring_room(&ring) < 10); // not before the commit
    commit(ring);
    CHECK(es_ring_room(&ring) >= 10);

    const es_ring before = ring;
    CHECK_FALSE(es_ring_give_up(&ring, 600)); // more than a record may be
    CHECK(ring.nr_marks == before.nr_marks);
    const es_jpos back{.addr = ES_DATA_BLOCK + 400, .seq = 50, .prev_crc = 1};
    es_ring_set_needed(&ring, &back);
    CHECK(ring.needed.seq == 60);
    while (es_ring_give_up(&ring, es_ring_max_record(&ring)) && ring.mark[0].pos.seq != 60)
        commit(ring);
    CHECK(ring.mark[0].pos.addr == half.addr);
    CHECK(ring.mark[0].time <= ring.mark[1].time);
}

TEST_CASE("any history can be given up in a ring where all is in place", "[journal]") {
    for (std::uint64_t head = ES_DATA_BLOCK; head < end; head += 7) {
        es_ring ring = ring_at(head);
        while (es_ring_room(&ring) >= 3)
            append(ring, 3);
        es_ring_set_needed(&ring, &ring.head);
        REQUIRE(es_ring_give_up(&ring, es_ring_max_record(&ring)));
        commit(ring);
        REQUIRE(es_ring_room(&ring) == es_ring_max_record(&ring));
    }
}

TEST_CASE("marks are in order, apart, and enough", "[journal]") {
    Rng rng(5);
    es_ring ring = ring_at(700);
    std::uint64_t time = 0;
    for (unsigned i = 0; i < 20000; ++i) {
        const auto blocks = static_cast<std::uint32_t>(rng.between(1, rng.chance(5) ? 252 : 6));
        if (es_ring_room(&ring) < blocks) {
            es_ring_set_needed(&ring, &ring.head);
            REQUIRE(es_ring_give_up(&ring, blocks));
            commit(ring);
        }
        append(ring, blocks, time += rng.below(9));
        REQUIRE(ring.nr_marks >= 1);
        REQUIRE(ring.nr_marks <= 30);
        REQUIRE(ring.mark[0].pos.seq <= ring.needed.seq);
        for (std::uint32_t m = 1; m < ring.nr_marks; ++m) {
            REQUIRE(ring.mark[m].pos.seq > ring.mark[m - 1].pos.seq);
            REQUIRE(ring.mark[m].time >= ring.mark[m - 1].time);
        }
        if (i % 50 == 0)
            commit(ring);
    }
}

TEST_CASE("times and numbers of entries never fall", "[journal]") {
    es_ring ring = ring_at(16);
    std::vector<es_jentry> entries{make_entry(ES_JOP_FLUSH, 0, 0, ring.time + 5),
                                   make_entry(ES_JOP_FLUSH, 0, 0, 1)};
    const std::uint64_t time = entries[0].time;
    Block header;
    es_ring_append(&ring, entries.data(), 2, header.data());
    CHECK(entries[1].time == time);
    CHECK(ring.time == time);
    CHECK(ring.lsn == 3);
    entries.assign(1, make_entry(ES_JOP_FLUSH, 0, 0, 7));
    es_ring_append(&ring, entries.data(), 1, header.data());
    CHECK(entries[0].time == time);
    es_jsb sb = fresh_jsb();
    es_ring_to_sb(&ring, &sb); // a clean detach
    CHECK(sb.next_lsn == 4);
    CHECK(sb.time == time);
    CHECK(sb.tail_seq == 12);
    CHECK(same(sb.needed, ring.head));
}
