// SPDX-License-Identifier: GPL-2.0-only
//
// The walk through a whole journal, damaged: it must end, stay within the ring, and leave
// positions that can be appended to.

#include <map>

#include "fuzz/fuzz.h"
#include "support/journal_writer.h"

namespace esnap::test {

namespace {

/** A journal that has gone around its end, with several epochs and some history; made once. */
CrashDevice make_base() {
    CrashDevice device(ES_JOURNAL_MIN_BLOCKS);
    JournalWriter::format(device, JournalWriter::moved(fresh_jsb(), 960, 50));
    JournalWriter writer(device);
    for (std::uint32_t i = 0; i < 12; ++i) {
        if (i % 5 == 0)
            expect(writer.attach().fault == ES_OK);
        std::vector<es_jentry> entries{make_entry(ES_JOP_WRITE, i, 8 * (1 + i), i),
                                       make_entry(ES_JOP_ZEROES, i, 1, i)};
        expect(writer.append(entries, 0));
        if (i == 6)
            writer.in_place(2);
    }
    return device;
}

class Damaged {
public:
    explicit Damaged(const CrashDevice &base) : base_(base) {}

    Block read(std::uint64_t addr) const {
        const auto it = blocks_.find(addr);
        return it != blocks_.end() ? it->second : base_.read(addr);
    }

    void patch_at(Input &input, const std::vector<std::uint64_t> &places) {
        const std::uint64_t addr = places[input.take(1) % places.size()];
        const std::uint64_t what = input.take(1);
        Block block = read(addr);
        if (what % 8 == 0)
            block = Block{};
        else if (what % 8 == 1)
            block = read(places[input.take(1) % places.size()]);
        else
            patch(input, block);
        if (what % 2 == 0)
            fix_crc(block, addr < ES_DATA_BLOCK ? jsb_field::crc : jrec_field::crc);
        blocks_[addr] = block;
    }

private:
    const CrashDevice &base_;
    std::map<std::uint64_t, Block> blocks_;
};

/** Superblocks, headers and what lies behind the last record. */
std::vector<std::uint64_t> interesting(const CrashDevice &device) {
    es_jsb sb{};
    expect(read_superblock(device, sb) == ES_OK);
    std::vector<std::uint64_t> places{ES_SB_A_BLOCK, ES_SB_B_BLOCK};
    const Walked all = walk(sb, device, sb.mark[0].pos);
    expect(all.fault == ES_OK && all.records.size() > 12);
    for (const JournalRecord &record : all.records)
        places.push_back(record.rec.addr);
    places.push_back(all.ring.head.addr);
    return places;
}

void check(const es_jsb &sb, const Walked &found) {
    std::uint64_t blocks = 0;
    expect(found.reads <= sb.device_blocks);
    for (const JournalRecord &record : found.records)
        blocks += 1 + record.rec.nr_blocks;
    expect(blocks < sb.device_blocks - ES_DATA_BLOCK);
    expect(found.fault < ES_FAULT_NR);
    if (found.fault != ES_OK)
        return;
    es_ring ring = found.ring;
    expect(ring.head.addr >= ES_DATA_BLOCK && ring.head.addr < sb.device_blocks);
    expect(ring.nr_marks != 0 && ring.nr_marks <= ES_JOURNAL_MARKS);
    ring.epoch = sb.epoch;
    if (sb.epoch == 0 || es_ring_room(&ring) < 2 || es_ring_must_pad(&ring, 2))
        return;
    es_jentry entry = make_entry(ES_JOP_WRITE, 0, 8, 0);
    Block header;
    const u64 addr = es_ring_append(&ring, &entry, 1, header.data());
    expect(addr >= ES_DATA_BLOCK && addr + 2 <= sb.device_blocks);
}

} // namespace

void fuzz_jwalk(const std::uint8_t *data, std::size_t size) {
    static const CrashDevice base = make_base();
    static const std::vector<std::uint64_t> places = interesting(base);
    Input input(data, size);
    Damaged damaged(base);
    const std::uint64_t from = input.take(1);

    for (unsigned patches = 0; !input.empty() && patches < 200; ++patches)
        damaged.patch_at(input, places);
    es_jsb sb{};
    const Block a = damaged.read(ES_SB_A_BLOCK);
    const Block b = damaged.read(ES_SB_B_BLOCK);
    if (es_jsb_pick(&sb, a.data(), b.data(), nullptr) != ES_OK ||
        es_jsb_check_device(&sb, ES_JOURNAL_MIN_BLOCKS) != ES_OK)
        return;
    const auto read = [&](std::uint64_t addr) {
        expect(addr >= ES_DATA_BLOCK && addr < sb.device_blocks);
        return damaged.read(addr);
    };
    check(sb, walk(sb, read, from % 2 != 0 ? sb.needed : sb.mark[0].pos));
}

} // namespace esnap::test
