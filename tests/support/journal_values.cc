// SPDX-License-Identifier: GPL-2.0-only
#include "support/journal_values.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

namespace esnap::test {

es_jsb fresh_jsb(std::uint64_t device_blocks) {
    es_jsb sb{};
    sb.state = ES_JOURNAL_ACTIVE;
    std::iota(sb.journal_uuid, sb.journal_uuid + ES_UUID_SIZE, std::uint8_t{0x60});
    std::iota(sb.chain_uuid, sb.chain_uuid + ES_UUID_SIZE, std::uint8_t{0x20});
    sb.created = 1700000000;
    sb.device_blocks = device_blocks;
    sb.origin_lbs = 512;
    sb.tail_seq = 1;
    sb.needed = {.addr = ES_DATA_BLOCK, .seq = 1, .prev_crc = 0};
    sb.next_lsn = 1;
    sb.time = 1700000000'000000000;
    sb.nr_marks = 1;
    sb.mark[0] = {sb.needed, sb.time};
    return sb;
}

es_jsb sample_jsb() {
    es_jsb sb = fresh_jsb(2048);
    sb.flags = ES_JSB_ATTACHED;
    sb.generation = 6;
    sb.epoch = 3;
    sb.tail_seq = 30;
    sb.needed = {.addr = 1000, .seq = 40, .prev_crc = 0x55667788};
    sb.next_lsn = 700;
    sb.time = 1700000009'000000009;
    sb.nr_marks = 3;
    sb.mark[0] = {{.addr = 16, .seq = 1, .prev_crc = 0}, 1700000001'000000001};
    sb.mark[1] = {{.addr = 500, .seq = 20, .prev_crc = 0x11223344}, 1700000002'000000002};
    sb.mark[2] = {{.addr = 900, .seq = 35, .prev_crc = 0x99aabbcc}, 1700000003'000000003};
    return sb;
}

es_jsb random_jsb(Rng &rng) {
    es_jsb sb = fresh_jsb(rng.between(ES_JOURNAL_MIN_BLOCKS, 1u << 20));
    sb.state = static_cast<std::uint16_t>(rng.between(ES_JOURNAL_ACTIVE, ES_JOURNAL_FAILED));
    sb.flags = rng.chance(50) ? ES_JSB_ATTACHED : 0;
    sb.generation = rng.bits() >> 1;
    sb.epoch = static_cast<std::uint32_t>(rng.between(1, 0xfffffffe));
    sb.created = rng.bits();
    sb.origin_lbs = static_cast<std::uint32_t>(512u << rng.below(4));
    sb.next_lsn = rng.between(1, ES_JOURNAL_MAX_SEQ);
    sb.time = rng.bits();
    sb.nr_marks = static_cast<std::uint32_t>(rng.between(1, ES_JOURNAL_MARKS));
    const std::uint64_t ring = sb.device_blocks - ES_DATA_BLOCK;
    std::uint64_t way = rng.below(ring);
    std::uint64_t seq = rng.between(2, 1ull << 60);
    std::uint64_t time = rng.below(1ull << 60);
    for (std::uint32_t i = 0; i <= sb.nr_marks; ++i) {
        const es_jpos pos{.addr = ES_DATA_BLOCK + way % ring,
                          .seq = seq,
                          .prev_crc = static_cast<std::uint32_t>(rng.bits())};
        if (i < sb.nr_marks)
            sb.mark[i] = {pos, time};
        else
            sb.needed = pos;
        const std::uint64_t step = rng.between(1, ring / (ES_JOURNAL_MARKS + 1));
        way += step;
        seq += rng.between(1, step);
        time += rng.below(1000);
    }
    if (sb.nr_marks == 1 && rng.chance(50))
        sb.needed = sb.mark[0].pos;
    sb.tail_seq =
        (sb.flags & ES_JSB_ATTACHED) != 0 ? rng.between(1, ES_JOURNAL_MAX_SEQ) : sb.needed.seq;
    return sb;
}

es_jentry make_entry(es_jop op, std::uint64_t sector, std::uint32_t nr, std::uint64_t time,
                     unsigned flags) {
    es_jentry e{};
    e.sector = sector;
    e.nr = nr;
    e.time = time;
    e.op = static_cast<std::uint16_t>(op);
    e.flags = static_cast<std::uint16_t>(flags);
    return e;
}

std::vector<es_jentry> sample_entries() {
    std::vector<es_jentry> entries{
        make_entry(ES_JOP_WRITE, 8, 9, 100), make_entry(ES_JOP_ZEROES, 100, 1u << 31, 100),
        make_entry(ES_JOP_DISCARD, 7, 1, 102), make_entry(ES_JOP_FLUSH, 0, 0, 103),
        make_entry(ES_JOP_WRITE, 1u << 30, 16, 104, ES_JENT_FUA)};
    entries[0].crc = 0x0a0b0c0d;
    entries[0].addr = 1001;
    entries[4].crc = 0x01020304;
    entries[4].addr = 1003;
    return entries;
}

es_jrec sample_jrec(const std::vector<es_jentry> &entries) {
    const es_jsb sb = sample_jsb();
    es_jrec r{};
    r.type = ES_JREC_DATA;
    r.nr_entries = static_cast<std::uint16_t>(entries.size());
    std::memcpy(r.journal_uuid, sb.journal_uuid, ES_UUID_SIZE);
    r.seq = 40;
    r.epoch = 3;
    r.prev_crc = 0x55667788;
    r.addr = 1000;
    r.lsn = 690;
    r.needed = {.addr = 900, .seq = 35, .prev_crc = 0x99aabbcc};
    for (const es_jentry &e : entries) {
        r.nr_blocks += es_jentry_blocks(&e);
        r.time = e.time;
    }
    return r;
}

es_jrec sample_pad() {
    es_jrec r = sample_jrec({});
    r.type = ES_JREC_PAD;
    r.addr = 2000;
    r.nr_blocks = 47;
    r.time = 104;
    return r;
}

Block encode(const es_jsb &sb) {
    Block block;
    es_jsb_encode(&sb, block.data());
    return block;
}

Block encode(es_jrec rec, std::vector<es_jentry> entries) {
    Block block;
    es_jrec_encode(&rec, entries.data(), block.data());
    return block;
}

es_fault decode(const Block &block, es_jsb *out) {
    return es_jsb_decode(out, block.data(), ES_BLOCK_SIZE);
}

es_fault decode(const Block &block, const es_jsb &sb, std::uint64_t addr, es_jrec *out,
                std::vector<es_jentry> *entries) {
    std::array<es_jentry, ES_JREC_ENTRIES> found{};
    es_jrec rec{};
    const es_fault fault =
        es_jrec_decode(&rec, found.data(), block.data(), ES_BLOCK_SIZE, &sb, addr);
    if (fault != ES_OK)
        return fault;
    if (out != nullptr)
        *out = rec;
    if (entries != nullptr)
        entries->assign(found.begin(), found.begin() + rec.nr_entries);
    return ES_OK;
}

bool same(const es_jpos &a, const es_jpos &b) {
    return a.addr == b.addr && a.seq == b.seq && a.prev_crc == b.prev_crc;
}

bool same(const es_jsb &a, const es_jsb &b) {
    for (std::uint32_t i = 0; i < a.nr_marks && a.nr_marks == b.nr_marks; ++i)
        if (!same(a.mark[i].pos, b.mark[i].pos) || a.mark[i].time != b.mark[i].time)
            return false;
    return a.state == b.state && a.flags == b.flags && a.generation == b.generation &&
           a.epoch == b.epoch && es_uuid_equal(a.journal_uuid, b.journal_uuid) &&
           es_uuid_equal(a.chain_uuid, b.chain_uuid) && a.created == b.created &&
           a.device_blocks == b.device_blocks && a.origin_lbs == b.origin_lbs &&
           a.tail_seq == b.tail_seq && same(a.needed, b.needed) && a.next_lsn == b.next_lsn &&
           a.time == b.time && a.nr_marks == b.nr_marks;
}

bool same(const es_jrec &a, const es_jrec &b) {
    return a.type == b.type && a.nr_entries == b.nr_entries && a.nr_blocks == b.nr_blocks &&
           es_uuid_equal(a.journal_uuid, b.journal_uuid) && a.seq == b.seq && a.epoch == b.epoch &&
           a.prev_crc == b.prev_crc && a.addr == b.addr && a.lsn == b.lsn && a.time == b.time &&
           same(a.needed, b.needed);
}

bool same(const es_jentry &a, const es_jentry &b) {
    return a.sector == b.sector && a.nr == b.nr && a.crc == b.crc && a.time == b.time &&
           a.op == b.op && a.flags == b.flags && a.addr == b.addr;
}

bool same(const std::vector<es_jentry> &a, const std::vector<es_jentry> &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const es_jentry &x, const es_jentry &y) { return same(x, y); });
}

} // namespace esnap::test
