// SPDX-License-Identifier: GPL-2.0-only
//
// The rules for all extents of a store together, and for the index that repeats them.
#include "offline/checker.h"

#include <algorithm>

#include <fmt/format.h>

#include "error.h"
#include "es_replay.h"
#include "offline/window.h"

namespace esnap {

namespace {

std::string chunks_text(const es_extent &extent) {
    return fmt::format("chunks {}..{}", extent.chunk, es_extent_end(&extent) - 1);
}

bool same(const es_extent &a, const es_extent &b) {
    return a.chunk == b.chunk && a.nr == b.nr && a.crc == b.crc && a.addr == b.addr &&
           a.flags == b.flags;
}

/** The index as far as it can be read; false if a block of it is damaged. */
bool read_index(const BlockSource &source, const es_sb &sb, std::vector<es_extent> &all,
                FindingSink &sink) {
    BlockWindow window(source);
    std::vector<es_extent> extents(ES_BLOCK_EXTENTS);
    std::uint64_t previous_end = 0;
    bool good = true;
    for (std::uint32_t pos = 0; pos < sb.index_blocks; ++pos) {
        const std::uint64_t at = byte_offset(sb.index_addr + pos);
        std::uint32_t nr = 0;
        try {
            const es_fault fault =
                es_index_check(&sb, pos, window.block(sb.index_addr + pos).data(), &previous_end,
                               extents.data(), &nr);
            if (fault == ES_OK) {
                all.insert(all.end(), extents.begin(), extents.begin() + nr);
                continue;
            }
            sink.fault(Area::index, at, es_fault_text(fault));
        } catch (const Error &error) {
            sink.fault(Area::index, at, "cannot be read: " + error.cause());
        }
        good = false;
    }
    return good;
}

void compare_index(const es_sb &sb, const std::vector<es_extent> &index,
                   const std::vector<PlacedExtent> &sorted, FindingSink &sink) {
    const auto matches = [](const es_extent &a, const PlacedExtent &b) {
        return same(a, b.extent);
    };
    const auto [in_index, in_log] = std::ranges::mismatch(index, sorted, matches);
    if (in_index == index.end() && in_log == sorted.end())
        return;
    const auto entry = static_cast<std::uint64_t>(in_index - index.begin());
    const std::uint64_t at = byte_offset(sb.index_addr + entry / ES_BLOCK_EXTENTS);
    std::string text = fmt::format("entry {} ", entry);
    text += in_index == index.end() ? "is missing" : "is " + chunks_text(*in_index);
    text += in_log == sorted.end()
                ? ", the log has no more extents"
                : fmt::format(", the log has {} (at byte {})", chunks_text(in_log->extent),
                              byte_offset(in_log->addr));
    sink.fault(Area::index, at, std::move(text));
}

} // namespace

void check_extents(const es_sb &sb, std::vector<PlacedExtent> &extents, FindingSink &sink) {
    std::ranges::stable_sort(extents, {}, [](const PlacedExtent &p) { return p.extent.chunk; });
    if (sb.kind == ES_KIND_VIEW)
        return;            // a view may write a chunk down again; the later one holds
    std::size_t reach = 0; // the extent that reaches furthest so far
    for (std::size_t i = 1; i < extents.size(); ++i) {
        const PlacedExtent &before = extents[reach], &now = extents[i];
        if (now.extent.chunk < es_extent_end(&before.extent))
            sink.fault(Area::extent, byte_offset(now.addr),
                       fmt::format("{} overlap {} at byte {}: copied twice",
                                   chunks_text(now.extent), chunks_text(before.extent),
                                   byte_offset(before.addr)));
        if (es_extent_end(&now.extent) > es_extent_end(&before.extent))
            reach = i;
    }
}

void check_index(const BlockSource &source, const es_sb &sb,
                 const std::vector<PlacedExtent> &sorted, std::uint64_t log_end,
                 FindingSink &sink) {
    if (sb.index_addr < log_end)
        sink.fault(Area::index, byte_offset(sb.index_addr),
                   fmt::format("it begins before the log ends (byte {})", byte_offset(log_end)));
    std::vector<es_extent> index;
    if (read_index(source, sb, index, sink) && sb.kind == ES_KIND_SNAPSHOT)
        compare_index(sb, index, sorted, sink);
}

} // namespace esnap
