// SPDX-License-Identifier: GPL-2.0-only
//
// Replay of a whole store, damaged: it must end, stay within the store, and leave a
// position that can be appended to.

#include <algorithm>
#include <map>
#include <optional>

#include "fuzz/fuzz.h"
#include "support/log_writer.h"

namespace esnap::test {

namespace {

constexpr std::uint64_t device_blocks = ES_DATA_BLOCK + 36;

/** A store with closed segments, several epochs and an open one; made once. */
CrashDevice make_base(es_kind kind) {
    CrashDevice device(device_blocks);
    es_sb sb = sample_sb();
    sb.kind = kind;
    sb.segment_blocks = 10;
    sb.device_blocks = device_blocks;
    LogWriter::format(device, sb);
    LogWriter writer(device);
    const unsigned flags = kind == ES_KIND_VIEW ? ES_EXT_NO_CRC : 0;
    for (std::uint32_t i = 0; i < 9; ++i) {
        if (i % 4 == 0)
            expect(writer.attach().fault == ES_OK);
        std::vector<es_extent> batch{make_extent(10 * i, 1 + i % 3, 0, 0, flags),
                                     make_extent(10 * i + 5, 2, 0, 0, ES_EXT_ZERO)};
        expect(writer.append(batch, 0) == batch.size());
    }
    device.flush();
    return device;
}

/** The base image with some blocks replaced. */
class Damaged {
public:
    explicit Damaged(const CrashDevice &base) : base_(base) {}

    Block read(std::uint64_t addr) const {
        const auto it = blocks_.find(addr);
        return it != blocks_.end() ? it->second : base_.read(addr);
    }

    void patch_at(Input &input) {
        const std::uint64_t addr = input.take(1) % device_blocks;
        const std::uint64_t what = input.take(1);
        Block block = read(addr);
        if (what % 8 == 0)
            block = Block{};
        else if (what % 8 == 1)
            block = read(input.take(1) % device_blocks);
        else
            patch(input, block);
        // Superblocks are told from the others by their place only.
        if (what % 2 == 0)
            fix_crc(block, addr < ES_DATA_BLOCK ? sb_field::crc : block_field::crc);
        blocks_[addr] = block;
    }

private:
    const CrashDevice &base_;
    std::map<std::uint64_t, Block> blocks_;
};

void check_appendable(const es_sb &sb, es_log log) {
    if (es_log_room(&log, 1) < static_cast<s64>(log.chunk_blocks))
        return;
    log.epoch = sb.epoch;
    std::vector<es_extent> extents{
        make_extent(0, 1, 0, 0, sb.kind == ES_KIND_VIEW ? ES_EXT_NO_CRC : 0)};
    Block header;
    const u64 addr = es_log_append(&log, extents.data(), 1, header.data());
    expect(addr >= ES_DATA_BLOCK && addr + 1 + log.chunk_blocks < sb.device_blocks);
    expect(sb.epoch == 0 || decode(header, ES_BLOCK_RECORD, sb, addr) == ES_OK);
}

void check(const es_sb &sb, const Replayed &found) {
    // Each segment is read at most for its summary, by a walk and by a scan.
    expect(found.reads <= 4 * device_blocks + 20);
    for (const es_extent &e : found.extents) {
        const std::uint64_t blocks = es_extent_blocks(&e, sb.chunk_sectors);
        expect(e.nr != 0 && (blocks == 0 || e.addr + blocks <= sb.device_blocks));
    }
    if (found.fault != ES_OK) {
        expect(found.fault < ES_FAULT_NR);
        return;
    }
    const es_log &log = found.log;
    expect(log.segment <= es_log_segments(&log));
    expect(log.nr_open == found.open.size() && log.nr_open <= ES_LOG_MAX_OPEN);
    if (log.segment < es_log_segments(&log))
        expect(log.used < es_log_segment_len(&log, log.segment));
    check_appendable(sb, log);
}

} // namespace

void fuzz_replay(const std::uint8_t *data, std::size_t size) {
    static const CrashDevice snapshot = make_base(ES_KIND_SNAPSHOT);
    static const CrashDevice view = make_base(ES_KIND_VIEW);
    Input input(data, size);
    Damaged damaged(input.take(1) % 4 == 0 ? view : snapshot);
    const std::uint64_t stop_seq = input.take(1) % 16;

    for (unsigned patches = 0; !input.empty() && patches < 200; ++patches)
        damaged.patch_at(input);
    es_sb sb{};
    const Block a = damaged.read(ES_SB_A_BLOCK);
    const Block b = damaged.read(ES_SB_B_BLOCK);
    if (es_sb_pick(&sb, a.data(), b.data(), nullptr) != ES_OK ||
        es_sb_check_device(&sb, device_blocks) != ES_OK)
        return;
    const auto read = [&](std::uint64_t addr) {
        expect(addr >= ES_DATA_BLOCK && addr < sb.device_blocks);
        return damaged.read(addr);
    };
    check(sb, replay(sb, read, stop_seq < 12 ? 0 : stop_seq - 11));
}

} // namespace esnap::test
