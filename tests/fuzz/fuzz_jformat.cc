// SPDX-License-Identifier: GPL-2.0-only
//
// es_jsb_decode, es_jsb_pick and es_jrec_decode: what is accepted is within bounds and encodes
// again.

#include "fuzz/fuzz.h"
#include "support/journal_values.h"

namespace esnap::test {

namespace {

void check_accepted(const es_jsb &sb) {
    expect(sb.device_blocks >= ES_JOURNAL_MIN_BLOCKS && sb.device_blocks <= ES_MAX_DEVICE_BLOCKS);
    expect(sb.nr_marks != 0 && sb.nr_marks <= ES_JOURNAL_MARKS);
    expect(sb.needed.addr >= ES_DATA_BLOCK && sb.needed.addr < sb.device_blocks);
    for (u32 i = 0; i < sb.nr_marks; ++i) {
        expect(sb.mark[i].pos.addr >= ES_DATA_BLOCK && sb.mark[i].pos.addr < sb.device_blocks);
        expect(sb.mark[i].pos.seq < sb.needed.seq || sb.nr_marks == 1);
        expect(i == 0 || sb.mark[i].pos.seq > sb.mark[i - 1].pos.seq);
    }
    es_jsb again{};
    expect(decode(encode(sb), &again) == ES_OK && same(sb, again));
}

void check_accepted(const es_jsb &sb, const es_jrec &rec, const std::vector<es_jentry> &entries) {
    std::uint64_t payload = rec.addr + 1;
    expect(rec.addr >= ES_DATA_BLOCK && rec.nr_blocks < ES_JOURNAL_MAX_RECORD);
    expect(rec.addr + 1 + rec.nr_blocks <= sb.device_blocks);
    expect(rec.epoch != 0 && rec.epoch <= sb.epoch);
    for (const es_jentry &e : entries) {
        const u32 blocks = es_jentry_blocks(&e);
        expect(e.sector + e.nr <= ES_MAX_ORIGIN_SECTORS && e.time <= rec.time);
        expect(e.addr == (blocks != 0 ? payload : 0));
        payload += blocks;
    }
    expect(rec.type == ES_JREC_PAD || payload == rec.addr + 1 + rec.nr_blocks);
    es_jrec again{};
    std::vector<es_jentry> entries_again;
    expect(decode(encode(rec, entries), sb, rec.addr, &again, &entries_again) == ES_OK);
    expect(same(rec, again) && same(entries, entries_again));
}

} // namespace

void fuzz_jsb(const std::uint8_t *data, std::size_t size) {
    Input input(data, size);
    const es_jsb base = input.take(1) % 2 != 0 ? sample_jsb() : fresh_jsb();
    const Block block = mutated(input, encode(base), jsb_field::crc);
    const Block other = encode(base);
    es_jsb sb{};
    u64 from = 0;

    expect(es_jsb_decode(&sb, block.data(), size % ES_BLOCK_SIZE) == ES_FAULT_SHORT);
    const es_fault fault = decode(block, &sb);
    expect(fault < ES_FAULT_NR);
    if (fault == ES_OK)
        check_accepted(sb);
    if (es_jsb_pick(&sb, block.data(), other.data(), &from) == ES_OK)
        expect(from == es_sb_addr(sb.generation));
    if (es_jsb_pick(&sb, other.data(), block.data(), &from) == ES_OK)
        expect(from == es_sb_addr(sb.generation));
}

void fuzz_jrec(const std::uint8_t *data, std::size_t size) {
    Input input(data, size);
    const es_jsb sb = sample_jsb();
    const bool pad = input.take(1) % 4 == 0;
    const es_jrec base = pad ? sample_pad() : sample_jrec(sample_entries());
    const Block block = mutated(
        input, encode(base, pad ? std::vector<es_jentry>{} : sample_entries()), jrec_field::crc);
    es_jrec rec{};
    std::vector<es_jentry> entries;

    const es_fault fault = decode(block, sb, base.addr, &rec, &entries);
    expect(fault < ES_FAULT_NR);
    if (fault == ES_OK)
        check_accepted(sb, rec, entries);
}

} // namespace esnap::test
