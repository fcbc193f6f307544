// SPDX-License-Identifier: GPL-2.0-only
#include "offline/checker.h"

#include <fmt/format.h>

#include "offline/live_check.h"

namespace esnap {

namespace {

void note_state(const es_sb &sb, FindingSink &sink) {
    const auto note = [&](std::string text) { sink.note(Area::superblock, {}, std::move(text)); };
    if (sb.flags & ES_SB_ATTACHED)
        note("attached: in use, or not detached cleanly (a crash); both are sound states");
    if (sb.flags & ES_SB_SUSPECT)
        note("suspect: the origin was written behind the chain's back");
    if (!es_uuid_is_null(sb.journal_uuid))
        note(fmt::format("there is a write journal ({}): the origin alone is not complete",
                         uuid_text(sb.journal_uuid)));
    if (sb.state == ES_STATE_INVALID)
        note("the snapshot is invalid: copies are missing, it must not be read");
    if (sb.state == ES_STATE_REMOVED)
        note("the store was taken out of its chain; the origin went on without it");
}

// The same store may have been written to since @before was read.
void note_changes(const BlockSource &source, const Superblocks &before, FindingSink &sink) {
    const Superblocks after = read_superblocks(source);
    if (after.valid() && after.sb.generation != before.sb.generation)
        sink.note(Area::superblock, {},
                  fmt::format("the store changed while it was checked (generation {} to {})",
                              before.sb.generation, after.sb.generation));
}

void check_contents(const BlockSource &source, CheckResult &result) {
    const es_sb &sb = result.superblocks.sb;
    auto extents = check_log(source, sb, result.figures, result.findings);
    result.log_checked = true;
    check_extents(sb, extents, result.findings);
    if (sb.state == ES_STATE_SEALED) {
        if (byte_offset(sb.payload_blocks) != result.figures.payload_bytes)
            result.findings.fault(Area::superblock, byte_offset(result.superblocks.from),
                                  fmt::format("{} blocks of payload, the log has {}",
                                              sb.payload_blocks,
                                              result.figures.payload_bytes >> ES_BLOCK_SHIFT));
        check_index(source, sb, extents, result.figures.used_bytes >> ES_BLOCK_SHIFT,
                    result.findings);
        result.figures.used_bytes += byte_offset(sb.index_blocks);
    }
    if (sb.map.addr)
        check_chunkmap(source, sb, extents, result.figures, result.findings);
    if (result.figures.bad_chunks)
        result.findings.note(
            Area::extent, {},
            fmt::format("{} chunks could not be read from the origin when they "
                        "were to be copied; the snapshot answers with errors there",
                        result.figures.bad_chunks));
}

} // namespace

CheckResult check_store(const BlockSource &source) {
    CheckResult result;
    result.superblocks = read_superblocks(source);
    check_superblocks(result.superblocks, source.blocks(), result.findings);
    if (!result.superblocks.valid())
        return result;
    const es_sb &sb = result.superblocks.sb;
    note_state(sb, result.findings);
    if (es_sb_check_device(&sb, source.blocks()) == ES_OK)
        check_contents(source, result);
    note_changes(source, result.superblocks, result.findings);
    return result;
}

CheckResult check_live_store(const BlockSource &source, const std::vector<std::string> &holders) {
    /* A log only grows: what lies behind its end came later. */
    return check_live([&] { return check_store(source); }, holders,
                      [](const CheckResult &before, const Finding &fault) {
                          return before.log_checked && fault.offset &&
                                 *fault.offset >= before.figures.used_bytes;
                      });
}

} // namespace esnap
