// SPDX-License-Identifier: GPL-2.0-only
#include "support/rings.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace esnap::test {

namespace {

constexpr std::uint64_t first_seq = 40;

/** Makes one ring, record by record. */
class Maker {
public:
    /** The first record comes @before_end blocks before the ring's end. */
    Maker(std::string name, const es_jsb &sb, std::uint64_t sectors, std::uint64_t before_end)
        : name_(std::move(name)), sectors_(sectors), device_(sb.device_blocks), writer_(device_) {
        es_jsb fresh = sb;
        fresh.flags = 0;
        fresh.nr_marks = 1;
        time_ = sb.time + 1;
        JournalWriter::format(
            device_, JournalWriter::moved(fresh, sb.device_blocks - before_end, first_seq));
        if (writer_.attach().fault != ES_OK)
            throw std::logic_error(name_ + ": cannot be attached");
    }

    void write(std::uint64_t sector, std::uint32_t nr, unsigned flags = 0) {
        entries_.push_back(make_entry(ES_JOP_WRITE, sector, nr, time_++, flags));
    }
    void zeroes(std::uint64_t sector, std::uint32_t nr) {
        entries_.push_back(make_entry(ES_JOP_ZEROES, sector, nr, time_++));
    }
    void discard(std::uint64_t sector, std::uint32_t nr) {
        entries_.push_back(make_entry(ES_JOP_DISCARD, sector, nr, time_++));
    }
    void flush() { entries_.push_back(make_entry(ES_JOP_FLUSH, 0, 0, time_++)); }

    /** The entries since the last one become a record. */
    void record() {
        if (!writer_.append(entries_, ++salt_))
            throw std::logic_error(name_ + ": the ring is full");
        entries_.clear();
    }
    void write_record(std::uint64_t sector, std::uint32_t nr) {
        write(sector, nr);
        record();
    }

    JournalWriter &writer() { return writer_; }
    CrashDevice &device() { return device_; }

    Ring take() {
        es_jsb sb{};
        if (read_superblock(device_, sb) != ES_OK)
            throw std::logic_error(name_ + ": no superblock");
        Walked walked = walk(sb, device_, sb.needed);
        if (walked.fault != ES_OK)
            throw std::logic_error(name_ + ": core's walk fails");
        std::erase_if(walked.records, [&](const JournalRecord &record) {
            return record.rec.seq < walked.ring.needed.seq;
        });
        Ring ring{name_, device_, walked.records, std::vector<std::uint8_t>(sectors_ * 512)};
        for (const JournalRecord &record : ring.records)
            for (const es_jentry &entry : record.entries)
                apply(entry, ring.origin);
        return ring;
    }

private:
    void apply(const es_jentry &entry, std::vector<std::uint8_t> &origin) const {
        std::vector<std::uint8_t> data(std::size_t{es_jentry_blocks(&entry)} << ES_BLOCK_SHIFT);
        std::uint8_t *const to = origin.data() + entry.sector * 512;
        if (entry.op == ES_JOP_WRITE) {
            device_.read(entry.addr, data);
            std::memcpy(to, data.data(), std::size_t{entry.nr} * 512);
        } else if (entry.op == ES_JOP_ZEROES) {
            std::memset(to, 0, std::size_t{entry.nr} * 512);
        }
    }

    std::string name_;
    std::uint64_t sectors_;
    CrashDevice device_;
    JournalWriter writer_;
    std::vector<es_jentry> entries_;
    std::uint64_t time_ = 0;
    std::uint64_t salt_ = 0;
};

/** Records at the very end of the ring: they just fit, or padding comes before them. */
void at_the_end(std::vector<Ring> &rings, const es_jsb &sb, std::uint64_t sectors) {
    for (const std::uint64_t before : {1u, 2u, 3u, 257u, 1024u}) {
        for (const std::uint32_t payload : {0u, 1u, 2u, 256u}) {
            Maker make("end-" + std::to_string(before) + "-" + std::to_string(payload), sb, sectors,
                       before);
            if (payload == 0)
                make.flush();
            else
                make.write(3, payload * 8);
            make.record();
            make.write_record(payload * 8, 24);
            make.write_record(1, 7);
            rings.push_back(make.take());
        }
    }
    Maker filled("end-1024-filled", sb, sectors, 1024);
    for (std::uint32_t i = 0; i < 6; ++i)
        filled.write_record(i * 1000, 200 * 8 - i);
    rings.push_back(filled.take());
}

void of_one_kind(std::vector<Ring> &rings, const es_jsb &sb, std::uint64_t sectors) {
    Maker flushes("flush-only", sb, sectors, 3);
    for (int i = 0; i < 5; ++i) {
        flushes.flush();
        flushes.record();
    }
    rings.push_back(flushes.take());

    Maker discards("discard-only", sb, sectors, 2);
    for (std::uint32_t i = 0; i < 5; ++i) {
        discards.discard(i * 100, 333);
        discards.record();
    }
    rings.push_back(discards.take());

    Maker zeros("zeroes", sb, sectors, 20);
    zeros.write_record(0, 2048);
    zeros.zeroes(5, 100);
    zeros.record();
    zeros.write(50, 10, ES_JENT_FUA);
    zeros.zeroes(1000, 3000);
    zeros.record();
    rings.push_back(zeros.take());
}

void as_large_as_may_be(std::vector<Ring> &rings, const es_jsb &sb, std::uint64_t sectors) {
    Maker one("maximum-one-entry", sb, sectors, 300);
    for (std::uint32_t i = 0; i < 3; ++i)
        one.write_record(i * 999, (ES_JOURNAL_MAX_RECORD - 1) * 8);
    rings.push_back(one.take());

    Maker many("maximum-entries", sb, sectors, 130);
    for (std::uint32_t k = 0; k < 3; ++k) {
        for (std::uint32_t i = 0; i < ES_JREC_ENTRIES; ++i)
            many.write((i * 37 + k * 5) % 4000, 1 + (i + k) % 16);
        many.record();
    }
    rings.push_back(many.take());
}

/** What a power cut leaves at the tail. */
void torn(std::vector<Ring> &rings, const es_jsb &sb, std::uint64_t sectors) {
    Maker padding("padding-last", sb, sectors, 10);
    padding.write_record(0, 24);
    const std::uint64_t head = padding.writer().ring().head.addr;
    padding.write_record(8, 800);
    if (padding.writer().ring().head.addr > head)
        throw std::logic_error("no padding");
    padding.device().zero(ES_DATA_BLOCK);
    rings.push_back(padding.take());

    Maker payload("payload-torn", sb, sectors, 50);
    payload.write_record(0, 64);
    const std::uint64_t last = payload.writer().ring().head.addr;
    payload.write_record(0, 64);
    payload.device().zero(last + 8);
    rings.push_back(payload.take());

    Maker header("header-torn", sb, sectors, 50);
    header.write_record(0, 64);
    header.device().zero(header.writer().ring().head.addr);
    rings.push_back(header.take());
}

/** Any records, around the ring's end once or twice, some of them in place. */
Ring at_random(const es_jsb &sb, std::uint64_t sectors, std::uint64_t seed) {
    Rng rng(seed);
    Maker make("random-" + std::to_string(seed), sb, sectors, rng.between(1, 600));
    const std::uint64_t wanted = rng.between(20, 120);
    for (std::uint64_t i = 0; i < wanted; ++i) {
        for (std::uint64_t n = rng.between(1, 12); n > 0; --n) {
            const auto nr = static_cast<std::uint32_t>(rng.between(1, rng.chance(80) ? 16 : 150));
            const std::uint64_t sector = rng.below(sectors - nr);
            if (rng.chance(80))
                make.write(sector, nr, rng.chance(10) ? ES_JENT_FUA : 0);
            else if (rng.chance(60))
                make.zeroes(sector, nr);
            else
                make.flush();
        }
        make.record();
    }
    return make.take();
}

} // namespace

std::vector<Ring> make_rings(const es_jsb &sb, std::uint64_t sectors) {
    std::vector<Ring> rings;
    at_the_end(rings, sb, sectors);
    of_one_kind(rings, sb, sectors);
    as_large_as_may_be(rings, sb, sectors);
    torn(rings, sb, sectors);
    for (std::uint64_t seed = 1; seed <= 6; ++seed)
        rings.push_back(at_random(sb, sectors, seed));
    return rings;
}

} // namespace esnap::test
