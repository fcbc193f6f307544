// SPDX-License-Identifier: GPL-2.0-only
//
// es_index_check: what is accepted is sorted and disjoint.

#include "es_replay.h"
#include "fuzz/fuzz.h"

namespace esnap::test {

namespace {

constexpr std::uint32_t nr_extents = ES_BLOCK_EXTENTS + 20;

es_sb sealed() {
    es_sb sb = sample_sb();
    sb.state = ES_STATE_SEALED;
    sb.index_addr = 200;
    sb.index_blocks = 2;
    sb.index_extents = nr_extents;
    return sb;
}

Block base(const es_sb &sb, std::uint32_t pos) {
    std::vector<es_extent> extents;
    for (std::uint32_t i = 0; i < nr_extents; ++i)
        extents.push_back(make_extent(3 * i, 2, 17 + 2 * i));
    const std::uint32_t first = pos * ES_BLOCK_EXTENTS;
    es_log log{};
    es_log_init(&log, &sb);
    Block block;
    es_log_index(&log, sb.index_addr, sb.index_blocks, pos, extents.data() + first,
                 pos == 0 ? ES_BLOCK_EXTENTS : nr_extents - first, block.data());
    return block;
}

} // namespace

void fuzz_index(const std::uint8_t *data, std::size_t size) {
    Input input(data, size);
    const es_sb sb = sealed();
    const auto pos = static_cast<std::uint32_t>(input.take(1) % 2);
    const std::uint64_t start = input.take(2);
    const Block block = mutated(input, base(sb, pos), block_field::crc);
    std::array<es_extent, ES_BLOCK_EXTENTS> extents{};
    u64 end = start;
    u32 nr = 0;

    if (es_index_check(&sb, pos, block.data(), &end, extents.data(), &nr) != ES_OK) {
        expect(end == start);
        return;
    }
    expect(nr == (pos == 0 ? ES_BLOCK_EXTENTS : nr_extents - ES_BLOCK_EXTENTS));
    std::uint64_t previous = start;
    for (u32 i = 0; i < nr; ++i) {
        expect(extents[i].chunk >= previous);
        previous = es_extent_end(&extents[i]);
    }
    expect(end == previous);
}

} // namespace esnap::test
