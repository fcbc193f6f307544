// SPDX-License-Identifier: GPL-2.0-only
//
// es_sb_decode and es_sb_pick: what is accepted is within bounds and encodes again.

#include "es_log.h"
#include "fuzz/fuzz.h"

namespace esnap::test {

namespace {

Block base(std::uint64_t which) {
    es_sb sb = which % 3 == 1 ? sample_view_sb() : sample_sb();
    if (which % 3 == 2) {
        sb.state = ES_STATE_SEALED;
        sb.index_addr = 100;
        sb.index_blocks = 2;
        sb.index_extents = 336;
        sb.fp.nr = 3;
        sb.fp.sectors = sb.origin_sectors;
    }
    return encode(sb);
}

void check_accepted(const es_sb &sb) {
    expect(sb.kind == ES_KIND_SNAPSHOT || sb.kind == ES_KIND_VIEW);
    expect(es_chunk_size_ok(sb.chunk_sectors));
    expect(sb.fp.nr <= ES_FP_SAMPLES);
    for (u32 i = 0; i < sb.fp.nr; ++i)
        expect(sb.fp.sample[i].block * ES_BLOCK_SECTORS < sb.fp.sectors);
    if (sb.state == ES_STATE_SEALED) {
        expect(sb.index_addr >= ES_DATA_BLOCK && sb.index_blocks != 0);
        expect(sb.index_addr + sb.index_blocks <= sb.device_blocks);
        expect(sb.index_extents <= static_cast<u64>(sb.index_blocks) * ES_BLOCK_EXTENTS);
    }
    es_log log{};
    es_log_init(&log, &sb);
    expect(es_log_segments(&log) != 0);
    expect(es_log_room(&log, 1) >= static_cast<s64>(log.chunk_blocks));
    es_sb again{};
    expect(decode(encode(sb), &again) == ES_OK && same(sb, again));
}

} // namespace

void fuzz_superblock(const std::uint8_t *data, std::size_t size) {
    Input input(data, size);
    const std::uint64_t which = input.take(1);
    const Block block = mutated(input, base(which), sb_field::crc);
    const Block other = base(which + 1);
    es_sb sb{};
    u64 from = 0;

    expect(es_sb_decode(&sb, block.data(), size % ES_BLOCK_SIZE) == ES_FAULT_SHORT);
    const es_fault fault = decode(block, &sb);
    expect(fault < ES_FAULT_NR);
    if (fault == ES_OK)
        check_accepted(sb);
    if (es_sb_pick(&sb, block.data(), other.data(), &from) == ES_OK)
        expect(from == es_sb_addr(sb.generation));
    if (es_sb_pick(&sb, other.data(), block.data(), &from) == ES_OK)
        expect(from == es_sb_addr(sb.generation));
}

} // namespace esnap::test
