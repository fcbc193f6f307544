// SPDX-License-Identifier: GPL-2.0-only
//
// The rules for the chunk map that a clean detach may leave behind the log.
#include "offline/checker.h"

#include <bit>

#include <fmt/format.h>

#include "error.h"
#include "offline/window.h"

namespace esnap {

namespace {

constexpr std::uint64_t word_chunks = 64;
constexpr std::uint64_t block_words = ES_CHUNKMAP_CHUNKS / word_chunks;

/** Compares block @pos; @wanted: its words. */
void compare_block(const es_sb &sb, std::uint64_t pos, ConstBytes block, const u64 *wanted,
                   FindingSink &sink) {
    const std::uint64_t at = byte_offset(sb.map.addr + pos);
    std::vector<u64> found(block_words);
    if (!es_chunkmap_decode(block.data(), found.data(), es_chunkmap_chunks(&sb, pos))) {
        sink.fault(Area::map, at, "bits behind the end of the origin");
        return;
    }
    for (std::uint64_t i = 0; i < block_words; ++i) {
        if (found[i] == wanted[i])
            continue;
        const u64 chunk = pos * ES_CHUNKMAP_CHUNKS + i * word_chunks +
                          static_cast<u64>(std::countr_zero(found[i] ^ wanted[i]));
        const bool has = (found[i] >> chunk % word_chunks & 1) != 0;
        sink.fault(Area::map, at,
                   fmt::format("chunk {} is {}, in the log it is {}", chunk,
                               has ? "there" : "missing", has ? "missing" : "there"));
        return; // one for each block is enough
    }
}

void compare_counts(const es_sb &sb, const StoreFigures &figures, FindingSink &sink) {
    if (sb.map.extents != figures.extents ||
        byte_offset(sb.map.payload_blocks) != figures.payload_bytes)
        sink.fault(Area::map, {},
                   fmt::format("it counts {} extents and {} blocks of payload, the log has {} "
                               "and {}",
                               sb.map.extents, sb.map.payload_blocks, figures.extents,
                               figures.payload_bytes >> ES_BLOCK_SHIFT));
    if (byte_offset(sb.map.addr) < figures.used_bytes)
        sink.fault(Area::map, byte_offset(sb.map.addr),
                   fmt::format("it begins before the log ends (byte {})", figures.used_bytes));
}

} // namespace

std::vector<u64> chunkmap_words(const es_sb &sb, const std::vector<PlacedExtent> &extents) {
    std::vector<u64> words(es_chunkmap_blocks(&sb) * block_words);
    for (const PlacedExtent &placed : extents)
        for (u64 chunk = placed.extent.chunk; chunk < es_extent_end(&placed.extent); ++chunk)
            words[chunk / word_chunks] |= u64{1} << chunk % word_chunks;
    return words;
}

void check_chunkmap(const BlockSource &source, const es_sb &sb,
                    const std::vector<PlacedExtent> &sorted, const StoreFigures &figures,
                    FindingSink &sink) {
    const std::vector<u64> wanted = chunkmap_words(sb, sorted);
    BlockWindow window(source);
    u32 crc = ~u32{0};
    compare_counts(sb, figures, sink);
    for (std::uint64_t pos = 0; pos < sb.map.blocks; ++pos) {
        try {
            const ConstBytes block = window.block(sb.map.addr + pos);
            crc = es_crc32c(crc, block.data(), block.size());
            compare_block(sb, pos, block, wanted.data() + pos * block_words, sink);
        } catch (const Error &error) {
            sink.fault(Area::map, byte_offset(sb.map.addr + pos),
                       "cannot be read: " + error.cause());
            return;
        }
    }
    if (~crc != sb.map.crc)
        sink.fault(Area::map, byte_offset(sb.map.addr),
                   fmt::format("its checksum is {:#010x}, the superblock says {:#010x}", ~crc,
                               sb.map.crc));
}

} // namespace esnap
