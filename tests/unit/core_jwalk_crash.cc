// SPDX-License-Identifier: GPL-2.0-only
//
// A journal under power cuts: written as the kernel writes it, the power fails at every write
// in turn or at random ones, again and again on the same journal, and each walk must give out
// exactly what was acknowledged, from the oldest record kept on.

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "support/journal_writer.h"

using namespace esnap::test;

namespace {

/** One journal's life under power cuts, and what it must hold. */
class Life {
public:
    explicit Life(std::uint64_t seed)
        : rng_(seed), device_(ES_JOURNAL_MIN_BLOCKS), same_content_(rng_.chance(50)) {
        const es_jsb sb = fresh_jsb();
        // The ring's end is where the cases are: begin in front of it.
        JournalWriter::format(
            device_, rng_.chance(50) ? sb : JournalWriter::moved(sb, rng_.between(900, 1023), 5));
        next_seq_ = current().needed.seq;
    }

    /** Attach and do @steps, unless the power fails before, at write @cut (0: never). */
    void run(std::uint64_t cut, unsigned steps) {
        JournalWriter writer(device_);
        device_.cut_power_at(cut);
        try {
            attach(writer);
            for (unsigned i = 0; i < steps; ++i)
                step(writer);
        } catch (const PowerCut &) {
            ++cuts_;
        }
        device_.cut_power_at(0);
        if (!writer.in_flight().empty()) {
            candidate_ = writer.in_flight();
            candidate_epoch_ = writer.sb().epoch;
            retry_ = last_batch_;
        }
        if (rng_.chance(80)) // else the machine died, but not the disk
            device_.lose_power(rng_);
    }

    void check() {
        const es_jsb sb = current();
        verify(sb, walk(sb, device_, sb.needed), sb.needed);
        verify(sb, walk(sb, device_, sb.mark[0].pos), sb.mark[0].pos);
        // Whoever attached since has decided whether what was under way is there.
        if (sb.epoch > candidate_epoch_)
            candidate_.clear();
    }

    unsigned cuts() const { return cuts_; }
    unsigned torn() const { return torn_; }
    unsigned late() const { return late_; }
    std::uint64_t writes() const { return device_.writes(); }
    Rng &rng() { return rng_; }

private:
    es_jsb current() const {
        es_jsb sb{};
        REQUIRE(read_superblock(device_, sb) == ES_OK);
        return sb;
    }

    void attach(JournalWriter &writer) {
        check();
        const Walked found = writer.attach();
        REQUIRE(found.fault == ES_OK);
        check();
        REQUIRE(writer.ring().head.seq == next_seq_);
        REQUIRE(writer.ring().lsn >= lsn_);
    }

    void step(JournalWriter &writer) {
        const std::uint64_t what = rng_.below(100);
        if (what < 75) {
            append(writer);
        } else if (what < 90) {
            writer.in_place(rng_.below(6));
        } else if (what < 96) {
            writer.detach();
            check();
            attach(writer);
        } else {
            device_.flush();
        }
    }

    std::vector<es_jentry> new_batch() {
        // What a crash threw away is mostly written again, some of it or all.
        if (!retry_.empty() && rng_.chance(70)) {
            std::vector<es_jentry> again = retry_;
            retry_.clear();
            if (again.size() > 1 && rng_.chance(50))
                again.erase(again.begin());
            return again;
        }
        std::vector<es_jentry> batch;
        const std::uint64_t nr = rng_.chance(5) ? ES_JREC_ENTRIES : rng_.between(1, 4);
        const auto longest = static_cast<std::uint32_t>(nr > 4 ? 1 : rng_.chance(10) ? 400 : 20);
        for (std::uint64_t i = 0; i < nr; ++i) {
            const std::uint64_t what = rng_.below(10);
            const auto length = static_cast<std::uint32_t>(rng_.between(1, longest));
            ++clock_;
            if (what == 0)
                batch.push_back(make_entry(ES_JOP_FLUSH, 0, 0, clock_));
            else
                batch.push_back(make_entry(what == 1   ? ES_JOP_DISCARD
                                           : what == 2 ? ES_JOP_ZEROES
                                                       : ES_JOP_WRITE,
                                           rng_.below(1000), length, clock_));
        }
        return batch;
    }

    void append(JournalWriter &writer) {
        std::vector<es_jentry> batch = new_batch();
        last_batch_ = batch;
        const std::size_t before = writer.durable().size();
        const std::uint64_t salt = same_content_ ? 0 : rng_.bits();
        while (!writer.append(batch, salt))
            writer.in_place(rng_.below(3));
        candidate_.clear();
        for (std::size_t i = before; i < writer.durable().size(); ++i)
            take(writer.durable()[i]);
    }

    void take(const JournalRecord &record) {
        REQUIRE(record.rec.seq == next_seq_);
        acked_.push_back(record);
        ++next_seq_;
        lsn_ = record.rec.lsn + record.rec.nr_entries;
    }

    /** What was under way may be there: padding alone, or with its record, whole. */
    void accept_candidates(const Walked &found) {
        for (const JournalRecord &candidate : candidate_) {
            if (found.records.empty() || candidate.rec.seq != next_seq_ ||
                found.records.back().rec.seq < candidate.rec.seq)
                break;
            take(candidate);
            ++late_;
        }
        if (!candidate_.empty() && next_seq_ > candidate_.back().rec.seq)
            candidate_.clear();
    }

    void verify(const es_jsb &sb, const Walked &found, const es_jpos &from) {
        CAPTURE(cuts_, found.fault_addr, found.records.size(), next_seq_, from.seq, from.addr);
        REQUIRE(found.fault == ES_OK);
        torn_ += found.torn ? 1 : 0;
        accept_candidates(found);
        REQUIRE(found.ring.head.seq == next_seq_);
        REQUIRE(found.records.size() == next_seq_ - from.seq);
        REQUIRE(found.ring.needed.seq >= sb.needed.seq);
        const std::size_t first = acked_.size() - found.records.size();
        const auto read = [&](std::uint64_t addr) { return device_.read(addr); };
        for (std::size_t i = 0; i < found.records.size(); ++i) {
            REQUIRE(same(found.records[i], acked_[first + i]));
            REQUIRE(payload_ok(read, found.records[i]));
        }
    }

    Rng rng_;
    CrashDevice device_;
    bool same_content_; // a retried write has the content it had
    std::vector<JournalRecord> acked_;
    std::uint64_t next_seq_ = 0;
    std::uint64_t lsn_ = 1;
    std::uint64_t clock_ = 1700000000'000000000;
    std::vector<JournalRecord> candidate_; // under way when the power failed
    std::uint32_t candidate_epoch_ = 0;
    std::vector<es_jentry> retry_;
    std::vector<es_jentry> last_batch_;
    unsigned cuts_ = 0, torn_ = 0, late_ = 0;
};

} // namespace

TEST_CASE("a walk gives out what was acknowledged, after power cuts at every write",
          "[journal][crash]") {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        Life whole(seed);
        whole.run(0, 40);
        const std::uint64_t writes = whole.writes();
        for (std::uint64_t cut = 1; cut <= writes; ++cut) {
            CAPTURE(seed, cut);
            Life life(seed);
            life.run(cut, 40);
            life.run(life.rng().between(1, 5), 10); // a second cut, soon
            life.run(life.rng().between(1, 5), 10);
            life.run(0, 10);
            life.check();
        }
    }
}

TEST_CASE("a walk gives out what was acknowledged, after many power cuts", "[journal][crash]") {
    unsigned cuts = 0, torn = 0, late = 0;
    for (std::uint64_t seed = 1000; seed < 1120; ++seed) {
        CAPTURE(seed);
        Life life(seed);
        for (unsigned i = 0; i < 12; ++i)
            life.run(life.rng().between(1, i % 3 == 0 ? 60 : 6), 60);
        life.check();
        cuts += life.cuts();
        torn += life.torn();
        late += life.late();
    }
    CAPTURE(cuts, torn, late);
    CHECK(cuts > 1200);
    CHECK(torn > 100); // records whose header arrived whole, and their payload not
    CHECK(late > 100); // records that arrived without having been acknowledged
}

TEST_CASE("a record that a recovery forgot never comes back", "[journal][crash]") {
    unsigned complete_again = 0;
    for (std::uint64_t seed = 1; seed < 3000; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        CrashDevice device(ES_JOURNAL_MIN_BLOCKS);
        JournalWriter::format(device, fresh_jsb());
        const auto append_cut = [&](std::vector<es_jentry> entries) {
            JournalWriter writer(device);
            const Walked found = writer.attach();
            REQUIRE(found.fault == ES_OK);
            device.cut_power_at(1);
            CHECK_THROWS_AS(writer.append(entries, 0), PowerCut);
            device.lose_power(rng);
            return found;
        };
        std::vector<es_jentry> entries{make_entry(ES_JOP_WRITE, 0, 16, 1),
                                       make_entry(ES_JOP_WRITE, 100, 8, 2)};
        append_cut(entries);
        const Block header = device.read(ES_DATA_BLOCK);
        if (!append_cut(entries).torn)
            continue;
        // The first one's header, and by now perhaps all of its payload: it counts no more.
        es_jsb sb{};
        REQUIRE(read_superblock(device, sb) == ES_OK);
        if (!(device.read(ES_DATA_BLOCK) == header))
            continue;
        const auto read = [&](std::uint64_t addr) { return device.read(addr); };
        JournalRecord first;
        REQUIRE(decode(header, sb, ES_DATA_BLOCK, &first.rec, &first.entries) == ES_OK);
        complete_again += payload_ok(read, first) ? 1 : 0;
        const Walked found = walk(sb, device, sb.needed);
        REQUIRE(found.fault == ES_OK);
        REQUIRE(found.records.empty());
    }
    CHECK(complete_again > 20); // or the test proves nothing
}
