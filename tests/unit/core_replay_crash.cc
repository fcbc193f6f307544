// SPDX-License-Identifier: GPL-2.0-only
//
// Replay after power cuts: a store is written as the kernel writes it, the power fails at
// every write in turn or at random ones, again and again on the same store, and each
// replay must give out exactly what was acknowledged.

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "support/core_values.h"
#include "support/crash_device.h"
#include "support/log_writer.h"

using namespace esnap::test;

namespace {

es_sb random_geometry(Rng &rng) {
    es_sb sb = sample_sb();
    sb.kind = rng.chance(20) ? ES_KIND_VIEW : ES_KIND_SNAPSHOT;
    sb.chunk_sectors = rng.chance(70) ? 8 : 16;
    const std::uint32_t chunk = es_chunk_blocks(sb.chunk_sectors);
    sb.segment_blocks = static_cast<std::uint32_t>(rng.between(2 * chunk + 2, 20));
    sb.device_blocks = es_min_device_blocks(sb.chunk_sectors) + rng.below(120);
    return sb;
}

/** One store's life under power cuts, and what it must hold. */
class Life {
public:
    explicit Life(std::uint64_t seed)
        : rng_(seed), sb_(random_geometry(rng_)), device_(sb_.device_blocks),
          same_content_(rng_.chance(50)) {
        LogWriter::format(device_, sb_);
    }

    /** Attach and do @steps, unless the power fails before, at write @cut (0: never). */
    void run(std::uint64_t cut, unsigned steps) {
        LogWriter writer(device_);
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
            candidates_.push_back(writer.in_flight());
            retry_ = writer.in_flight();
        }
        if (rng_.chance(80)) // else the machine died, but not the disk
            device_.lose_power(rng_);
    }

    /** Replay without writing. */
    void check() {
        es_sb sb{};
        REQUIRE(read_superblock(device_, sb) == ES_OK);
        verify(replay(sb, device_));
    }

    unsigned cuts() const { return cuts_; }
    std::uint64_t writes() const { return device_.writes(); }
    Rng &rng() { return rng_; }

private:
    void attach(LogWriter &writer) {
        check(); // attach may be cut after its replay
        verify(writer.attach());
    }

    void step(LogWriter &writer) {
        const std::uint64_t what = rng_.below(100);
        if (what < 80) {
            append(writer);
        } else if (what < 85) {
            if (!writer.full() && writer.log().nr_open != 0)
                writer.close_segment();
        } else if (what < 90) {
            writer.detach();
            attach(writer);
        } else if (what < 93) {
            device_.flush();
        }
    }

    std::vector<es_extent> new_batch() {
        // What a crash threw away is mostly written again: the same origin writes come.
        if (!retry_.empty() && rng_.chance(60)) {
            std::vector<es_extent> again = retry_;
            retry_.clear();
            return again;
        }
        std::vector<es_extent> batch;
        const std::uint64_t nr = rng_.chance(10) ? 60 : rng_.between(1, 3);
        const unsigned payload_flag = sb_.kind == ES_KIND_VIEW ? ES_EXT_NO_CRC : 0;
        for (std::uint64_t i = 0; i < nr; ++i) {
            const bool zero = nr == 60 || rng_.chance(20);
            const auto length = static_cast<std::uint32_t>(rng_.between(1, 3));
            batch.push_back(
                make_extent(next_chunk_, length, 0, 0, zero ? ES_EXT_ZERO : payload_flag));
            next_chunk_ += length;
        }
        return batch;
    }

    void append(LogWriter &writer) {
        std::vector<es_extent> batch = new_batch();
        const std::uint64_t salt = same_content_ ? 0 : rng_.bits();
        const std::size_t nr = writer.append(batch, salt);
        if (nr == 0) {
            if (writer.sb().device_blocks < 300)
                writer.grow(writer.sb().device_blocks + rng_.between(1, 30));
            return;
        }
        acked_.insert(acked_.end(), batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(nr));
        ++records_;
        candidates_.clear();
    }

    /** A record that was under way may be there, whole; then it counts. */
    void accept_candidate(const Replayed &found) {
        for (const std::vector<es_extent> &candidate : candidates_) {
            std::vector<es_extent> with = acked_;
            with.insert(with.end(), candidate.begin(), candidate.end());
            if (!same(found.extents, with))
                continue;
            acked_ = with;
            ++records_;
            candidates_.clear();
            retry_.clear();
            return;
        }
        FAIL("replay gave " << found.extents.size() << " extents, not the " << acked_.size()
                            << " that were acknowledged");
    }

    void verify(const Replayed &found) {
        CAPTURE(cuts_, found.fault_addr, acked_.size(), found.extents.size(), records_);
        REQUIRE(found.fault == ES_OK);
        if (!same(found.extents, acked_))
            accept_candidate(found);
        REQUIRE(found.log.seq == records_ + 1);
        REQUIRE(found.log.nr_extents == found.extents.size());
        REQUIRE(found.log.payload_blocks == payload_blocks(found.extents, sb_));
        REQUIRE(found.log.nr_open == found.open.size());
        const std::size_t nr_open = found.open.size();
        REQUIRE(same(std::span(acked_).last(nr_open), found.open));
        const auto read = [&](std::uint64_t addr) { return device_.read(addr); };
        if (sb_.kind == ES_KIND_SNAPSHOT)
            for (const es_extent &e : found.extents)
                REQUIRE(payload_ok(sb_, read, e));
    }

    Rng rng_;
    es_sb sb_;
    CrashDevice device_;
    bool same_content_; // a retried extent has the content it had
    std::vector<es_extent> acked_;
    std::uint64_t records_ = 0;
    std::vector<std::vector<es_extent>> candidates_; // under way since the last acknowledged
    std::vector<es_extent> retry_;
    std::uint64_t next_chunk_ = 0;
    unsigned cuts_ = 0;
};

} // namespace

TEST_CASE("replay gives out what was acknowledged, after power cuts at every write",
          "[replay][crash]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Life whole(seed);
        whole.run(0, 30);
        const std::uint64_t writes = whole.writes();
        for (std::uint64_t cut = 1; cut <= writes; ++cut) {
            CAPTURE(seed, cut);
            Life life(seed);
            life.run(cut, 30);
            life.run(life.rng().between(1, 6), 10); // a second cut, soon
            life.run(0, 10);
            life.check();
        }
    }
}

TEST_CASE("replay gives out what was acknowledged, after many power cuts", "[replay][crash]") {
    unsigned cuts = 0;
    for (std::uint64_t seed = 1000; seed < 1500; ++seed) {
        CAPTURE(seed);
        Life life(seed);
        for (unsigned i = 0; i < 10; ++i)
            life.run(life.rng().between(1, 14), 14);
        life.check();
        cuts += life.cuts();
    }
    CHECK(cuts > 3000);
}
