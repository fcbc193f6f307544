// SPDX-License-Identifier: GPL-2.0-only
#include "offline/payload.h"

#include <algorithm>

#include <fmt/format.h>

#include "error.h"

namespace esnap {

namespace {

constexpr std::uint64_t piece_blocks = 256;

bool has_checksum(const es_extent &extent) {
    return es_extent_has_payload(&extent) && !(extent.flags & ES_EXT_NO_CRC);
}

} // namespace

PayloadVerifier::PayloadVerifier(const BlockSource &source, const es_sb &sb)
    : source_(source), sb_(sb), buffer_(piece_blocks) {}

// How much of the payload the origin holds; the rest of its last chunk lies behind its end.
std::uint64_t PayloadVerifier::bytes_in_origin(const es_extent &extent) const {
    const std::uint64_t sectors = sb_.origin_sectors - extent.chunk * sb_.chunk_sectors;
    return std::min<std::uint64_t>(sectors, std::uint64_t{extent.nr} * sb_.chunk_sectors)
           << ES_SECTOR_SHIFT;
}

PayloadVerifier::Content PayloadVerifier::read_content(const es_extent &extent) {
    const std::uint64_t blocks = es_extent_blocks(&extent, sb_.chunk_sectors);
    const std::uint64_t used = bytes_in_origin(extent);
    Content content{.crc = ~std::uint32_t{0}};
    for (std::uint64_t done = 0; done < blocks;) {
        const std::uint64_t n = std::min(piece_blocks, blocks - done);
        const Bytes piece = buffer_.bytes().first(byte_offset(n));
        source_.read(extent.addr + done, piece);
        for (std::size_t at = 0; at < piece.size(); at += ES_BLOCK_SIZE)
            content.crc = es_data_crc(content.crc, piece.data() + at);
        const std::uint64_t start = byte_offset(done);
        const auto tail = piece.subspan(
            static_cast<std::size_t>(std::clamp(used, start, start + piece.size()) - start));
        if (!std::ranges::all_of(tail, [](std::byte b) { return b == std::byte{0}; }))
            content.is_zero_behind_origin = false;
        done += n;
    }
    content.crc = ~content.crc;
    return content;
}

bool PayloadVerifier::checksum_matches(const es_extent &extent) {
    return !has_checksum(extent) || read_content(extent).crc == extent.crc;
}

std::optional<std::string> PayloadVerifier::find_fault(const es_extent &extent) {
    if (!es_extent_has_payload(&extent))
        return {};
    try {
        const Content content = read_content(extent);
        if (!has_checksum(extent))
            return {};
        if (content.crc != extent.crc)
            return fmt::format("checksum mismatch ({:#010x}, the record says {:#010x})",
                               content.crc, extent.crc);
        if (!content.is_zero_behind_origin)
            return "not zero behind the origin's end";
        return {};
    } catch (const Error &error) {
        return fmt::format("cannot be read: {}", error.cause());
    }
}

} // namespace esnap
