// SPDX-License-Identifier: GPL-2.0-only
//
// es_block_decode: what is accepted lies within the store and the origin.

#include "fuzz/fuzz.h"

namespace esnap::test {

namespace {

constexpr std::uint64_t addr = 100;

Block base(es_block_type type, const es_sb &sb) {
    const unsigned flags = sb.kind == ES_KIND_VIEW ? ES_EXT_NO_CRC : 0;
    const std::vector<es_extent> extents{make_extent(1000, 1, addr + 1, 0, flags),
                                         make_extent(2000, 5, 0, 0, ES_EXT_ZERO),
                                         make_extent(3000, 2, addr + 2, 0, flags)};
    return encode(sample_block(sb, type, addr, extents), extents);
}

void check_accepted(const es_sb &sb, const es_block &head, const std::vector<es_extent> &extents) {
    const std::uint64_t chunks = es_sb_chunks(&sb);
    expect(head.addr == addr && head.serial == sb.serial);
    expect(head.epoch != 0 && head.epoch <= sb.epoch);
    for (const es_extent &e : extents) {
        const std::uint64_t blocks = es_extent_blocks(&e, sb.chunk_sectors);
        expect(e.nr != 0 && es_extent_end(&e) <= chunks);
        if (blocks != 0)
            expect(e.addr > ES_DATA_BLOCK && e.addr + blocks <= sb.device_blocks);
        else
            expect(e.addr == 0 && e.crc == 0);
    }
    if (head.type == ES_BLOCK_RECORD)
        expect(payload_blocks(extents, sb) == head.nr_blocks &&
               head.nr_blocks <= sb.segment_blocks);
    else
        expect(head.pos < head.nr_blocks);
}

} // namespace

void fuzz_block(const std::uint8_t *data, std::size_t size) {
    Input input(data, size);
    const auto type = static_cast<es_block_type>(input.take(1) % 3 + 1);
    const es_sb sb = input.take(1) % 2 != 0 ? sample_view_sb() : sample_sb();
    const Block block = mutated(input, base(type, sb), block_field::crc);
    es_block head{};
    std::vector<es_extent> extents;

    const es_fault fault = decode(block, type, sb, addr, &head, &extents);
    expect(fault < ES_FAULT_NR);
    if (fault != ES_OK)
        return;
    check_accepted(sb, head, extents);
    es_block again{};
    std::vector<es_extent> extents_again;
    expect(decode(encode(head, extents), type, sb, addr, &again, &extents_again) == ES_OK);
    expect(same(head, again) && same(extents, extents_again));
}

} // namespace esnap::test
