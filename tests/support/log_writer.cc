// SPDX-License-Identifier: GPL-2.0-only
#include "support/log_writer.h"

#include <algorithm>
#include <memory>
#include <set>

namespace esnap::test {

namespace {

void fill_payload(std::span<std::uint8_t> data, std::uint64_t seed) {
    std::uint64_t x = seed * 2 + 1;
    for (std::uint8_t &byte : data) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        byte = static_cast<std::uint8_t>(x >> 56);
    }
}

/** Takes a replay's events and makes a result of them. */
class Collector {
public:
    explicit Collector(Replayed &result) : result_(result) {}

    void take(const es_replay &r) {
        for (std::uint32_t i = 0; i < r.nr_extents; ++i) {
            const es_extent &e = r.extents[i];
            result_.open.push_back(e);
            const auto seen = [&](const es_extent &other) { return same(e, other); };
            if (std::ranges::none_of(result_.extents, seen))
                result_.extents.push_back(e);
        }
    }

    void end_segment() { result_.open.clear(); }

private:
    Replayed &result_;
};

} // namespace

bool payload_ok(const es_sb &sb, const ReadBlock &read, const es_extent &e) {
    const std::uint64_t blocks = es_extent_blocks(&e, sb.chunk_sectors);
    std::uint32_t crc = ~0u;

    for (std::uint64_t i = 0; i < blocks; ++i)
        crc = es_data_crc(crc, read(e.addr + i).data());
    return blocks == 0 || ~crc == e.crc;
}

namespace {

/** The blocks that the machine hints at. */
void foresee(const es_replay &r, std::set<std::uint64_t> &blocks) {
    for (std::uint32_t i = 0; i < r.hint.repeat; ++i) {
        const std::uint64_t addr = r.read_addr + i * r.hint.stride;
        for (std::uint64_t b = addr - r.hint.before; b <= addr + r.hint.after; ++b)
            blocks.insert(b);
    }
}

Replayed run_replay(const es_sb &sb, const ReadBlock &read, std::uint64_t stop_seq, bool skip) {
    const auto r = std::make_unique<es_replay>();
    std::set<std::uint64_t> foreseen;
    Replayed result;
    Collector collector(result);

    es_replay_init(r.get(), &sb);
    r->stop_seq = stop_seq;
    if (skip)
        es_replay_skip(r.get());
    for (;;) {
        switch (es_replay_step(r.get())) {
        case ES_REPLAY_READ:
            ++result.reads;
            result.surprises += foreseen.contains(r->read_addr) ? 0 : 1;
            foresee(*r, foreseen);
            std::ranges::copy(read(r->read_addr).bytes, r->block);
            break;
        case ES_REPLAY_EXTENTS:
            collector.take(*r);
            break;
        case ES_REPLAY_SEGMENT:
            collector.end_segment();
            break;
        case ES_REPLAY_VERIFY:
            r->payload_ok = std::all_of(r->extents, r->extents + r->nr_extents,
                                        [&](const auto &e) { return payload_ok(sb, read, e); });
            break;
        case ES_REPLAY_DONE:
            result.log = r->log;
            result.wipe_addr = r->wipe_addr;
            return result;
        case ES_REPLAY_FAULT:
            result.fault = r->fault;
            result.fault_addr = r->fault_addr;
            return result;
        }
    }
}

} // namespace

Replayed replay(const es_sb &sb, const ReadBlock &read, std::uint64_t stop_seq) {
    return run_replay(sb, read, stop_seq, false);
}

Replayed replay_skipping(const es_sb &sb, const CrashDevice &device) {
    return run_replay(
        sb, [&](std::uint64_t addr) { return device.read(addr); }, 0, true);
}

Replayed replay(const es_sb &sb, const CrashDevice &device, std::uint64_t stop_seq) {
    return replay(
        sb, [&](std::uint64_t addr) { return device.read(addr); }, stop_seq);
}

es_fault read_superblock(const CrashDevice &device, es_sb &sb) {
    const Block a = device.read(ES_SB_A_BLOCK);
    const Block b = device.read(ES_SB_B_BLOCK);

    return es_sb_pick(&sb, a.data(), b.data(), nullptr);
}

void LogWriter::format(CrashDevice &device, es_sb sb) {
    sb.epoch = 0;
    sb.flags = 0;
    for (sb.generation = 2; sb.generation <= 3; ++sb.generation)
        device.write_fua(es_sb_addr(sb.generation), encode(sb).bytes);
}

void LogWriter::commit() {
    es_sb next = sb_;
    ++next.generation;
    device_.flush();
    device_.write_fua(es_sb_addr(next.generation), encode(next).bytes);
    sb_ = next;
}

Replayed LogWriter::attach() {
    Replayed result;

    in_flight_.clear();
    result.fault = read_superblock(device_, sb_);
    if (result.fault != ES_OK)
        return result;
    result = replay(sb_, device_);
    if (result.fault != ES_OK)
        return result;
    open_ = result.open;
    log_ = result.log;
    if (result.wipe_addr != 0)
        device_.write_fua(result.wipe_addr, Block{}.bytes);
    ++sb_.epoch;
    sb_.flags |= ES_SB_ATTACHED;
    sb_.tail_seq = 0;
    sb_.map = {};
    log_.epoch = sb_.epoch;
    commit();
    return result;
}

void LogWriter::detach() {
    sb_.flags &= ~ES_SB_ATTACHED;
    sb_.tail_seq = log_.seq;
    commit();
}

void LogWriter::detach_with_map() {
    const std::uint64_t blocks = es_chunkmap_blocks(&sb_);
    std::vector<std::uint64_t> words(blocks * (ES_CHUNKMAP_CHUNKS / 64));

    for (const es_extent &e : replay(sb_, device_).extents)
        for (std::uint64_t chunk = e.chunk; chunk < es_extent_end(&e); ++chunk)
            words[chunk / 64] |= std::uint64_t{1} << chunk % 64;
    std::uint32_t crc = ~0U;
    sb_.map = {};
    sb_.map.addr = es_log_index_addr(&log_, blocks);
    if (sb_.map.addr == 0)
        throw std::logic_error("no room for a chunk map");
    for (std::uint64_t pos = 0; pos < blocks; ++pos) {
        Block block;
        es_chunkmap_encode(words.data() + pos * (ES_CHUNKMAP_CHUNKS / 64),
                           es_chunkmap_chunks(&sb_, pos), block.data());
        crc = es_crc32c(crc, block.data(), ES_BLOCK_SIZE);
        device_.write(sb_.map.addr + pos, block.bytes);
    }
    sb_.map.blocks = static_cast<std::uint32_t>(blocks);
    sb_.map.crc = ~crc;
    sb_.map.segment = log_.segment != 0 ? log_.segment - 1 : 0;
    sb_.map.extents = log_.nr_extents;
    sb_.map.payload_blocks = log_.payload_blocks;
    detach();
}

void LogWriter::grow(std::uint64_t device_blocks) {
    device_.grow(device_blocks);
    sb_.device_blocks = device_blocks;
    commit();
    commit();
    log_.device_blocks = device_blocks;
}

std::size_t LogWriter::fitting(const std::vector<es_extent> &extents) const {
    std::uint64_t blocks = 0;
    std::size_t nr = 0;

    for (; nr < extents.size() && nr < ES_BLOCK_EXTENTS; ++nr) {
        blocks += es_extent_blocks(&extents[nr], sb_.chunk_sectors);
        const std::int64_t room = es_log_room(&log_, static_cast<std::uint32_t>(nr + 1));
        if (room < 0 || blocks > static_cast<std::uint64_t>(room))
            break;
    }
    return nr;
}

void LogWriter::close_segment() {
    const auto blocks = static_cast<std::uint32_t>(es_table_blocks(log_.nr_open));
    Block block;

    for (std::uint32_t pos = 0; pos < blocks; ++pos) {
        const std::uint64_t addr = es_log_summary(&log_, open_.data(), pos, block.data());
        device_.write(addr, block.bytes);
    }
    es_log_next_segment(&log_);
    open_.clear();
}

std::size_t LogWriter::append(std::vector<es_extent> &extents, std::uint64_t salt) {
    if (full())
        return 0;
    // As the kernel: what fits in the rest of a segment is not worth a record of its own
    // if the whole does not fit, so the batch begins the next segment.
    if (fitting(extents) < extents.size() && log_.used != 0 && es_log_has_next(&log_))
        close_segment();
    const std::size_t nr = fitting(extents);
    if (nr != 0)
        write_record(extents, nr, salt);
    return nr;
}

void LogWriter::write_record(std::vector<es_extent> &extents, std::size_t nr, std::uint64_t salt) {
    const std::span<const es_extent> taken(extents.data(), nr);
    std::vector<std::uint8_t> data((1 + payload_blocks(taken, sb_)) * ES_BLOCK_SIZE);
    std::size_t at = ES_BLOCK_SIZE;

    for (std::size_t i = 0; i < nr; ++i) {
        es_extent &e = extents[i];
        const std::size_t size = es_extent_blocks(&e, sb_.chunk_sectors) << ES_BLOCK_SHIFT;
        fill_payload(std::span(data).subspan(at, size), e.chunk ^ salt);
        if (size != 0 && sb_.kind == ES_KIND_SNAPSHOT)
            e.crc = es_data_checksum(data.data() + at, size >> ES_BLOCK_SHIFT);
        at += size;
    }
    const std::uint64_t addr =
        es_log_append(&log_, extents.data(), static_cast<std::uint32_t>(nr), data.data());
    in_flight_.assign(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(nr));
    if (sb_.kind == ES_KIND_VIEW && at > ES_BLOCK_SIZE) {
        device_.write(addr + 1, std::span(data).subspan(ES_BLOCK_SIZE));
        device_.flush();
        device_.write_fua(addr, std::span(data).first(ES_BLOCK_SIZE));
    } else {
        device_.write_fua(addr, data);
    }
    open_.insert(open_.end(), in_flight_.begin(), in_flight_.end());
    in_flight_.clear();
}

} // namespace esnap::test
