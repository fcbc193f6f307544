// SPDX-License-Identifier: GPL-2.0-only
#include "support/journal_writer.h"

#include <memory>

namespace esnap::test {

bool same(const JournalRecord &a, const JournalRecord &b) {
    return same(a.rec, b.rec) && same(a.entries, b.entries);
}

bool payload_ok(const ReadJournal &read, const JournalRecord &record) {
    for (const es_jentry &e : record.entries) {
        std::uint32_t crc = ~0U;
        const std::uint32_t blocks = es_jentry_blocks(&e);
        for (std::uint32_t i = 0; i < blocks; ++i)
            crc = es_data_crc(crc, read(e.addr + i).data());
        if (blocks != 0 && ~crc != e.crc)
            return false;
    }
    return true;
}

Walked walk(const es_jsb &sb, const ReadJournal &read, const es_jpos &from) {
    const auto w = std::make_unique<es_jwalk>();
    Walked found;
    es_jwalk_init(w.get(), &sb, &from);
    for (;;) {
        const es_jwalk_event event = es_jwalk_step(w.get());
        if (event == ES_JWALK_READ) {
            const Block block = read(w->read_addr);
            std::copy(block.bytes.begin(), block.bytes.end(), w->block);
            ++found.reads;
            continue;
        }
        if (event == ES_JWALK_DONE || event == ES_JWALK_FAULT) {
            found.fault = w->fault;
            found.fault_addr = w->fault_addr;
            found.ring = w->ring;
            return found;
        }
        JournalRecord record{w->rec, {w->entries, w->entries + w->rec.nr_entries}};
        if (event == ES_JWALK_CHECK) {
            ++found.checks;
            w->payload_ok = payload_ok(read, record);
            found.torn = !w->payload_ok;
        }
        if (!found.torn)
            found.records.push_back(std::move(record));
    }
}

Walked walk(const es_jsb &sb, const CrashDevice &device, const es_jpos &from) {
    return walk(
        sb, [&](std::uint64_t addr) { return device.read(addr); }, from);
}

es_fault read_superblock(const CrashDevice &device, es_jsb &sb) {
    const Block a = device.read(ES_SB_A_BLOCK);
    const Block b = device.read(ES_SB_B_BLOCK);
    return es_jsb_pick(&sb, a.data(), b.data(), nullptr);
}

void JournalWriter::format(CrashDevice &device, es_jsb sb) {
    for (const std::uint64_t generation : {std::uint64_t{0}, std::uint64_t{1}}) {
        sb.generation = generation;
        device.write_fua(es_sb_addr(generation), encode(sb).bytes);
    }
}

es_jsb JournalWriter::moved(es_jsb sb, std::uint64_t addr, std::uint64_t seq) {
    sb.needed = {.addr = addr, .seq = seq, .prev_crc = seq > 1 ? 7u : 0u};
    sb.mark[0].pos = sb.needed;
    sb.tail_seq = seq;
    sb.epoch = 1;
    return sb;
}

void JournalWriter::commit() {
    es_ring_to_sb(&ring_, &sb_);
    ++sb_.generation;
    device_.flush();
    device_.write_fua(es_sb_addr(sb_.generation), encode(sb_).bytes);
    es_ring_committed(&ring_, &sb_);
}

Walked JournalWriter::attach() {
    if (read_superblock(device_, sb_) != ES_OK)
        throw std::runtime_error("no superblock");
    Walked found = walk(sb_, device_, sb_.needed);
    if (found.fault != ES_OK)
        return found;
    ring_ = found.ring;
    not_in_place_.clear();
    durable_.clear();
    for (const JournalRecord &record : found.records)
        if (record.rec.seq >= ring_.needed.seq)
            not_in_place_.push_back({record.rec.addr, record.rec.seq, record.rec.prev_crc});
    begin_epoch();
    return found;
}

void JournalWriter::attach_without_replay() {
    if (read_superblock(device_, sb_) != ES_OK)
        throw std::runtime_error("no superblock");
    es_ring_init(&ring_, &sb_);
    not_in_place_.clear();
    durable_.clear();
    begin_epoch();
}

void JournalWriter::begin_epoch() {
    ++sb_.epoch;
    sb_.flags |= ES_JSB_ATTACHED;
    ring_.epoch = sb_.epoch;
    sb_.tail_seq = ring_.head.seq;
    commit();
}

void JournalWriter::detach() {
    in_place(0);
    sb_.flags &= ~ES_JSB_ATTACHED;
    commit();
}

void JournalWriter::in_place(std::size_t but) {
    while (not_in_place_.size() > but)
        not_in_place_.pop_front();
    es_ring_set_needed(&ring_,
                       but == 0 || not_in_place_.empty() ? &ring_.head : &not_in_place_.front());
}

bool JournalWriter::make_room(std::uint32_t blocks) {
    if (es_ring_room(&ring_) >= blocks)
        return true;
    if (!es_ring_give_up(&ring_, blocks))
        return false;
    commit();
    return es_ring_room(&ring_) >= blocks;
}

bool JournalWriter::append(std::vector<es_jentry> &entries, std::uint64_t salt) {
    std::uint32_t blocks = 1;
    for (const es_jentry &e : entries)
        blocks += es_jentry_blocks(&e);
    if (!make_room(blocks))
        return false;

    std::vector<std::uint8_t> data(std::size_t{blocks} << ES_BLOCK_SHIFT);
    std::size_t at = ES_BLOCK_SIZE;
    for (es_jentry &e : entries) {
        const std::size_t size = std::size_t{es_jentry_blocks(&e)} << ES_BLOCK_SHIFT;
        Rng rng(e.sector * 1000003 + salt);
        for (std::size_t i = 0; i < std::size_t{e.nr} * 512 && i < size; i += 64)
            data[at + i] = static_cast<std::uint8_t>(rng.bits());
        e.crc = size != 0 ? es_data_checksum(data.data() + at, size >> ES_BLOCK_SHIFT) : 0;
        at += size;
    }
    const es_ring before = ring_;
    const auto in_flight = [&](const void *header, std::uint64_t addr) {
        JournalRecord record;
        std::vector<es_jentry> found(ES_JREC_ENTRIES);
        if (es_jrec_decode(&record.rec, found.data(), header, ES_BLOCK_SIZE, &sb_, addr) != ES_OK)
            throw std::logic_error("wrote a bad record");
        found.resize(record.rec.nr_entries);
        record.entries = found;
        in_flight_.push_back(record);
        not_in_place_.push_back({addr, record.rec.seq, record.rec.prev_crc});
    };
    std::uint64_t pad_addr = 0;
    Block pad;
    if (es_ring_must_pad(&ring_, blocks)) {
        pad_addr = es_ring_pad(&ring_, pad.data());
        in_flight(pad.data(), pad_addr);
    }
    const std::uint64_t addr = es_ring_append(
        &ring_, entries.data(), static_cast<std::uint32_t>(entries.size()), data.data());
    in_flight(data.data(), addr);
    if (before.end != ring_.end)
        throw std::logic_error("the ring changed its size");
    if (pad_addr != 0)
        device_.write(pad_addr, pad.bytes);
    device_.write_fua(addr, data);
    if (pad_addr != 0)
        device_.flush(); // the padding's own FUA
    durable_.insert(durable_.end(), in_flight_.begin(), in_flight_.end());
    in_flight_.clear();
    return true;
}

} // namespace esnap::test
