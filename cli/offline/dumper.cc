// SPDX-License-Identifier: GPL-2.0-only
#include "offline/dumper.h"

#include "error.h"
#include "es_replay.h"
#include "offline/window.h"

namespace esnap {

namespace {

void dump_log(const BlockSource &source, const es_sb &sb, DumpWriter &writer) {
    const ReplayResult replay = replay_log(source, sb);
    LogReader reader(source, sb, replay);
    while (const auto segment = reader.next())
        writer.segment(*segment);
    writer.log_end(replay);
}

// One block of the index; what is wrong with it is returned, and is empty if nothing is.
std::string read_index_block(BlockWindow &window, const es_sb &sb, std::uint32_t pos,
                             std::uint64_t &previous_end, std::vector<es_extent> &extents) {
    std::uint32_t nr = 0;
    extents.resize(ES_BLOCK_EXTENTS);
    try {
        const es_fault fault = es_index_check(&sb, pos, window.block(sb.index_addr + pos).data(),
                                              &previous_end, extents.data(), &nr);
        extents.resize(nr);
        return fault == ES_OK ? std::string{} : es_fault_text(fault);
    } catch (const Error &error) {
        extents.clear();
        return "cannot be read: " + error.cause();
    }
}

void dump_index(const BlockSource &source, const es_sb &sb, DumpWriter &writer) {
    BlockWindow window(source);
    std::vector<es_extent> extents;
    std::uint64_t previous_end = 0;
    writer.index_begin(sb);
    for (std::uint32_t pos = 0; pos < sb.index_blocks; ++pos) {
        const std::string fault = read_index_block(window, sb, pos, previous_end, extents);
        writer.index_block(sb.index_addr + pos, fault, extents);
    }
    writer.index_end();
}

} // namespace

void dump_store(const BlockSource &source, DumpWriter &writer) {
    const Superblocks both = read_superblocks(source);
    require_valid(source, both);
    const es_sb &sb = both.sb;
    writer.superblocks(source, both);
    dump_log(source, sb, writer);
    if (sb.state == ES_STATE_SEALED)
        dump_index(source, sb, writer);
    writer.finish();
}

} // namespace esnap
