// SPDX-License-Identifier: GPL-2.0-only
//
// Walks through generated rings: records at every position of interest, and damage.

#include <vector>

#include <catch2/catch.hpp>

#include "support/journal_writer.h"

using namespace esnap::test;

namespace {

std::vector<es_jentry> writes(std::uint32_t blocks, std::uint64_t sector = 0) {
    return {make_entry(ES_JOP_WRITE, sector, 8 * blocks, sector)};
}

/** A journal with nothing in it, whose head is at @addr. */
struct Journal {
    explicit Journal(std::uint64_t addr, std::uint64_t seq = 100,
                     std::uint64_t blocks = ES_JOURNAL_MIN_BLOCKS)
        : device(blocks), writer(device) {
        JournalWriter::format(device, JournalWriter::moved(fresh_jsb(blocks), addr, seq));
        REQUIRE(writer.attach().fault == ES_OK);
    }

    void append(std::vector<es_jentry> entries) { REQUIRE(writer.append(entries, 1)); }

    Walked found() const {
        es_jsb sb{};
        REQUIRE(read_superblock(device, sb) == ES_OK);
        return walk(sb, device, sb.needed);
    }

    /** The walk finds what was written, and a ring that goes on in the same place. */
    void check(std::size_t records) const {
        const Walked all = found();
        REQUIRE(all.fault == ES_OK);
        REQUIRE(all.records.size() == records);
        REQUIRE(writer.durable().size() == records);
        for (std::size_t i = 0; i < records; ++i)
            CHECK(same(all.records[i], writer.durable()[i]));
        const es_ring &ring = writer.ring();
        CHECK(same(all.ring.head, ring.head));
        CHECK(same(all.ring.needed,
                   all.records.empty() ? ring.needed : all.records.back().rec.needed));
        CHECK(all.ring.lsn == ring.lsn);
        CHECK(all.ring.time == ring.time);
        CHECK(es_ring_room(&all.ring) == es_ring_room(&ring));
    }

    CrashDevice device;
    JournalWriter writer;
};

constexpr std::uint64_t end = ES_JOURNAL_MIN_BLOCKS;

} // namespace

TEST_CASE("a walk through an empty journal", "[journal]") {
    Journal journal(16, 1);
    journal.check(0);
    CHECK(journal.found().reads == 1 + ES_JOURNAL_MAX_RECORD); // the end, and behind it
    journal.writer.detach();
    CHECK(journal.found().fault == ES_OK);
    CHECK(journal.found().reads == 1 + ES_JOURNAL_MAX_RECORD);
}

TEST_CASE("a record that is damaged before others is missed, wherever the ring ends", "[journal]") {
    for (const std::uint32_t payload : {0u, 1u, 40u, 251u, 256u}) {
        for (std::uint64_t before = 1; before <= 600; before += payload == 1 ? 1 : 37) {
            Journal journal(4096 - before, 7, 4096);
            for (unsigned i = 0; i < 3; ++i)
                journal.append(payload ? writes(payload, 8ull * i)
                                       : std::vector{make_entry(ES_JOP_FLUSH, 0, 0, i)});
            const auto records = journal.writer.durable();
            for (std::size_t i = 0; i + 1 < records.size(); ++i) {
                // Padding may be torn while the record behind it is not.
                if (i + 2 == records.size() && records[i].rec.type == ES_JREC_PAD)
                    continue;
                CAPTURE(payload, before, i);
                const std::uint64_t addr = records[i].rec.addr;
                const Block header = journal.device.read(addr);
                journal.device.overwrite(addr, Block{});
                const Walked found = journal.found();
                CHECK(found.fault == ES_FAULT_JOURNAL_NEWER);
                CHECK(found.records.size() <= i);
                journal.device.overwrite(addr, header);
            }
        }
    }
}

TEST_CASE("an attach that was lost with its superblock is missed", "[journal]") {
    for (const bool fresh : {true, false}) {
        CAPTURE(fresh);
        Journal journal(100);
        if (!fresh) {
            journal.append(writes(3));
            journal.writer.in_place(0);
            journal.writer.detach();
            REQUIRE(journal.writer.attach().fault == ES_OK);
        }
        const std::uint64_t first = journal.writer.ring().head.addr;
        journal.append(writes(2));
        journal.append(writes(2));
        REQUIRE(journal.found().fault == ES_OK);
        journal.device.overwrite(es_sb_addr(journal.writer.sb().generation), Block{});
        CHECK(journal.found().fault == ES_FAULT_EPOCH);
        CHECK(journal.found().records.empty());
        journal.device.overwrite(first, Block{});
        CHECK(journal.found().fault == ES_FAULT_EPOCH);
    }
}

TEST_CASE("records at the end of the ring", "[journal]") {
    for (const std::uint64_t before : {1u, 2u, 3u, 251u, 252u, 253u, 1000u, 1008u}) {
        for (const std::uint32_t payload : {0u, 1u, 2u, 250u, 251u}) {
            CAPTURE(before, payload);
            Journal journal(end - before);
            const bool pad = before < payload + 1;
            if (payload == 0)
                journal.append({make_entry(ES_JOP_FLUSH, 0, 0, 1)});
            else
                journal.append(writes(payload));
            journal.check(pad ? 2 : 1);
            CHECK(journal.found().checks == (payload != 0 ? 1 : 0));
            journal.append(writes(3));
            journal.check(journal.writer.durable().size());
        }
    }
}

TEST_CASE("a ring of 1024 blocks more, and a record at 1024 blocks before its end", "[journal]") {
    Journal journal(4096 - 1024, 7, 4096);
    for (unsigned i = 0; i < 4; ++i)
        journal.append(writes(255, 8ull * i)); // four times 256: exactly to the end
    CHECK(journal.writer.ring().head.addr == ES_DATA_BLOCK);
    journal.append(writes(256)); // the longest there is
    journal.check(5);
}

TEST_CASE("padding as the last record", "[journal]") {
    Journal journal(end - 2);
    auto entries = writes(2);
    journal.device.cut_power_at(2); // the padding arrives, the record does not
    CHECK_THROWS_AS(journal.writer.append(entries, 1), PowerCut);
    journal.device.cut_power_at(0);
    journal.device.overwrite(ES_DATA_BLOCK, Block{});
    const Walked found = journal.found();
    REQUIRE(found.fault == ES_OK);
    REQUIRE(found.records.size() == 1);
    CHECK(found.records[0].rec.type == ES_JREC_PAD);
    CHECK(found.checks == 0);
    CHECK(found.ring.head.addr == ES_DATA_BLOCK);
    journal.writer.attach();
    journal.append(writes(2));
    const Walked again = journal.found();
    REQUIRE(again.fault == ES_OK);
    CHECK(again.records.size() == 2);
}

TEST_CASE("records of flushes, of discards, of as many entries as there can be", "[journal]") {
    Journal journal(500);
    journal.append({make_entry(ES_JOP_FLUSH, 0, 0, 1)});
    journal.append({make_entry(ES_JOP_DISCARD, 0, 1u << 31, 2)});
    journal.append({make_entry(ES_JOP_ZEROES, 5, 1, 2)});
    journal.append(std::vector<es_jentry>(ES_JREC_ENTRIES, make_entry(ES_JOP_WRITE, 1, 9, 3)));
    journal.append(std::vector<es_jentry>(ES_JREC_ENTRIES, make_entry(ES_JOP_FLUSH, 0, 0, 4)));
    journal.check(5);
    CHECK(journal.found().checks == 0);
}

TEST_CASE("many laps around the ring, with crashes and clean detaches", "[journal]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        Journal journal(rng.between(16, end - 1));
        std::uint64_t lsn = 0;
        for (unsigned i = 0; i < 400; ++i) {
            auto entries = writes(static_cast<std::uint32_t>(rng.between(1, 30)), i);
            if (rng.chance(40))
                journal.writer.in_place(rng.below(5));
            while (!journal.writer.append(entries, i))
                journal.writer.in_place(rng.below(3));
            if (rng.chance(5))
                journal.writer.detach();
            const std::uint64_t next = journal.writer.ring().lsn;
            REQUIRE(next > lsn);
            lsn = next;
            if (rng.chance(5) || (journal.writer.sb().flags & ES_JSB_ATTACHED) == 0) {
                const es_jpos head = journal.writer.ring().head;
                REQUIRE(journal.writer.attach().fault == ES_OK);
                REQUIRE(same(head, journal.writer.ring().head));
                REQUIRE(journal.writer.ring().lsn == lsn);
            }
            es_jsb sb{};
            REQUIRE(read_superblock(journal.device, sb) == ES_OK);
            const Walked kept = walk(sb, journal.device, sb.mark[0].pos);
            REQUIRE(kept.fault == ES_OK);
            REQUIRE(same(kept.ring.head, journal.writer.ring().head));
            REQUIRE(same(kept.ring.needed, journal.found().ring.needed));
            REQUIRE(es_ring_kept_blocks(&kept.ring) >= es_ring_needed_blocks(&kept.ring));
        }
    }
}

TEST_CASE("a torn last record is forgotten, and does not come back", "[journal]") {
    Journal journal(100);
    journal.append(writes(1));
    journal.append(writes(2, 16));
    const Block second = journal.device.read(103); // the first block of its payload
    const Block header = journal.device.read(102);
    journal.device.overwrite(104, Block{});
    CHECK(journal.found().torn);
    const Walked found = journal.writer.attach();
    REQUIRE(found.fault == ES_OK);
    REQUIRE(found.records.size() == 1);
    CHECK(found.ring.head.seq == 101);

    // What is written there next is torn, too, so that the old payload is complete again.
    Journal whole(100);
    whole.append(writes(1));
    whole.append(writes(2, 16));
    journal.device.overwrite(102, header);
    journal.device.overwrite(103, second);
    journal.device.overwrite(104, whole.device.read(104));
    const Walked again = journal.found();
    REQUIRE(again.fault == ES_OK);
    CHECK(again.records.size() == 1);
    CHECK(again.checks == 0);
    journal.writer.detach();
    CHECK(journal.found().records.empty());
    CHECK(journal.found().fault == ES_OK);
}

TEST_CASE("stale records behind a torn one are not taken up after a second crash", "[journal]") {
    // A lap of records of equal length; in the next lap each lies where one lay before.
    Journal journal(16);
    for (unsigned i = 0; i < 252; ++i) {
        journal.append(writes(3, i));
        journal.writer.in_place(0);
    }
    REQUIRE(journal.writer.ring().head.addr == ES_DATA_BLOCK);
    journal.append(writes(3, 1));
    journal.append(writes(3, 2));
    journal.device.overwrite(21, Block{}); // payload of the second
    for (unsigned crash = 0; crash < 3; ++crash) {
        const Walked found = journal.writer.attach();
        REQUIRE(found.fault == ES_OK);
        CHECK(found.ring.head.addr == 20);
        CHECK(found.ring.head.seq == 353);
    }
}

TEST_CASE("what an attach without replay leaves behind is stale", "[journal]") {
    Journal journal(100);
    for (unsigned i = 0; i < 6; ++i)
        journal.append(writes(1, i)); // 100, 102, ... 110
    journal.writer.attach_without_replay();
    journal.check(0);
    journal.append(writes(5)); // up to 106, where a later record lies than the one that is due
    journal.check(1);
    journal.append(writes(1));
    journal.check(2);
    REQUIRE(journal.writer.attach().fault == ES_OK);
    CHECK(journal.writer.ring().head.addr == 108);
}

TEST_CASE("what a walk cannot explain is a fault", "[journal]") {
    Journal journal(100);
    for (unsigned i = 0; i < 5; ++i)
        journal.append(writes(1, i)); // 100, 102, ... 108
    CrashDevice good = journal.device;
    const auto damaged = [&](std::uint64_t addr, const Block &block) {
        journal.device.overwrite(addr, block);
        const Walked found = journal.found();
        journal.device.overwrite(addr, good.read(addr));
        return found;
    };
    SECTION("a record that a later epoch stands on") {
        journal.writer.attach();
        good = journal.device;
        const Walked found = damaged(104, Block{});
        CHECK(found.fault == ES_FAULT_SEQUENCE);
        CHECK(found.fault_addr == 104);
        CHECK(damaged(109, Block{}).fault == ES_OK); // payload is the reader's business
    }
    SECTION("one of this epoch is an end like any other") {
        CHECK(damaged(104, Block{}).records.size() == 2);
    }
    SECTION("a later record in its place") {
        Block later = good.read(106);
        put(later, jrec_field::addr, 104);
        put(later, jrec_field::needed_addr, 100);
        fix_crc(later, jrec_field::crc);
        CHECK(damaged(104, later).fault == ES_FAULT_JOURNAL_NEWER);
    }
    SECTION("a record of an epoch to come") {
        Block later = good.read(104);
        put(later, jrec_field::epoch, 3);
        fix_crc(later, jrec_field::crc);
        CHECK(damaged(104, later).fault == ES_FAULT_EPOCH);
    }
    SECTION("one that follows another record is no record of this log") {
        Block other = good.read(104);
        put(other, jrec_field::prev_crc, get(other, jrec_field::prev_crc) + 1);
        fix_crc(other, jrec_field::crc);
        CHECK(damaged(104, other).records.size() == 2);
    }
    SECTION("times or numbers that fall") {
        Block wrong = good.read(108);
        put(wrong, jrec_field::lsn, 1);
        fix_crc(wrong, jrec_field::crc);
        CHECK(damaged(108, wrong).fault == ES_FAULT_JOURNAL_TIME);
        wrong = good.read(108);
        put(wrong, jrec_field::time, 1);
        put(wrong, jrec_field::entry_time(0), 1);
        fix_crc(wrong, jrec_field::crc);
        CHECK(damaged(108, wrong).fault == ES_FAULT_JOURNAL_TIME);
    }
    SECTION("the wrong place in the superblock") {
        journal.writer.in_place(0);
        journal.writer.detach();
        es_jsb sb = journal.writer.sb();
        CHECK(walk(sb, journal.device, sb.mark[0].pos).fault == ES_OK);
        ++sb.needed.addr;
        CHECK(walk(sb, journal.device, sb.mark[0].pos).fault == ES_FAULT_JOURNAL_POS);
        --sb.needed.addr;
        ++sb.needed.prev_crc;
        CHECK(walk(sb, journal.device, sb.mark[0].pos).fault == ES_FAULT_JOURNAL_POS);
        --sb.needed.prev_crc;
        ++sb.needed.seq;
        ++sb.tail_seq;
        CHECK(walk(sb, journal.device, sb.mark[0].pos).fault == ES_FAULT_SEQUENCE);
    }
}
