// SPDX-License-Identifier: GPL-2.0-only
#include "offline/checker.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

namespace esnap {

namespace {

constexpr int live_runs = 3;
constexpr std::chrono::milliseconds live_pause{50};

void note_state(const es_sb &sb, FindingSink &sink) {
    const auto note = [&](std::string text) { sink.note(Area::superblock, {}, std::move(text)); };
    if (sb.flags & ES_SB_ATTACHED)
        note("attached: in use, or not detached cleanly (a crash); both are sound states");
    if (sb.flags & ES_SB_SUSPECT)
        note("suspect: the origin was written behind the chain's back");
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

// Keeps what is also in @other; order stays.
void intersect(std::vector<Finding> &faults, const std::vector<Finding> &other) {
    std::erase_if(faults, [&](const Finding &fault) {
        return std::ranges::find(other, fault) == other.end();
    });
}

std::vector<Finding> faults_of(const CheckResult &result) {
    std::vector<Finding> faults;
    std::ranges::copy_if(result.findings.all(), std::back_inserter(faults),
                         [](const Finding &f) { return f.severity == Severity::fault; });
    return faults;
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
    CheckResult result = check_store(source);
    std::vector<Finding> persistent = faults_of(result);
    const std::size_t at_first = persistent.size();
    for (int run = 1; run < live_runs && !persistent.empty(); ++run) {
        std::this_thread::sleep_for(live_pause);
        result = check_store(source);
        intersect(persistent, faults_of(result));
    }
    FindingList kept;
    kept.note(Area::device, {},
              fmt::format("in use by {}: it may have changed while it was checked",
                          fmt::join(holders, ", ")));
    if (persistent.size() < at_first)
        kept.note(Area::device, {},
                  fmt::format("{} findings were gone when it was checked again",
                              at_first - persistent.size()));
    for (const Finding &finding : result.findings.all())
        if (finding.severity == Severity::note)
            kept.add(finding);
    for (Finding &fault : persistent)
        kept.add(std::move(fault));
    result.findings = std::move(kept);
    return result;
}

} // namespace esnap
