// SPDX-License-Identifier: GPL-2.0-only
//
// The rules for the log: replay, records, summaries, payload.
#include "offline/checker.h"

#include <algorithm>

#include <fmt/format.h>

#include "offline/log_reader.h"
#include "offline/payload.h"

namespace esnap {

namespace {

bool equal(const es_extent &a, const es_extent &b) {
    return a.chunk == b.chunk && a.nr == b.nr && a.crc == b.crc && a.addr == b.addr &&
           a.flags == b.flags;
}

std::string extent_text(const es_extent &extent) {
    return fmt::format("chunks {}..{}", extent.chunk, es_extent_end(&extent) - 1);
}

class LogChecker {
public:
    LogChecker(const BlockSource &source, const es_sb &sb, StoreFigures &figures, FindingSink &sink)
        : source_(source), sb_(sb), figures_(figures), sink_(sink), payload_(source, sb),
          replay_(replay_log(source, sb)) {}

    std::vector<PlacedExtent> run();

private:
    void report_replay();
    void report_gap(const Gap &gap);
    void check_summary(const Segment &segment);
    void report_invalid_summary(const Segment &segment);
    bool check_summary_end(const Segment &segment);
    bool check_summary_extents(const Segment &segment);
    std::vector<PlacedExtent> extents_of(const Segment &segment);
    void check_payload(const Segment &segment, const std::vector<PlacedExtent> &extents);
    void count(const Segment &segment, const std::vector<PlacedExtent> &extents);
    void compare_with_replay();

    bool attached() const { return sb_.flags & ES_SB_ATTACHED; }

    const BlockSource &source_;
    const es_sb &sb_;
    StoreFigures &figures_;
    FindingSink &sink_;
    PayloadVerifier payload_;
    ReplayResult replay_;
    bool summaries_equal_ = true; // of the segment at hand
};

// --- replay ---

void LogChecker::report_replay() {
    const std::uint64_t at = byte_offset(replay_.fault_addr);
    if (!replay_.read_error.empty())
        sink_.fault(Area::log, at,
                    fmt::format("the replay stops: cannot be read: {}", replay_.read_error));
    else if (replay_.fault != ES_OK)
        sink_.fault(Area::log, at,
                    fmt::format("the replay stops: {} (record {} was due)",
                                es_fault_text(replay_.fault), replay_.log.seq));
    else if (replay_.torn_addr)
        sink_.note(Area::log, byte_offset(*replay_.torn_addr),
                   "the payload of the last record is torn (normal after a crash: it is ignored)");
    if (!attached() && sb_.epoch && !sb_.tail_seq && sb_.state == ES_STATE_ACTIVE)
        sink_.note(Area::log, {}, "detached, but without the number of the last record");
}

// --- records ---

void LogChecker::report_gap(const Gap &gap) {
    std::string text = gap.read_error.empty() ? es_fault_text(gap.fault)
                                              : "header cannot be read: " + gap.read_error;
    if (gap.expected_seq)
        text += fmt::format(" (record {} was due", gap.expected_seq);
    else
        text += " (a record was due";
    text += gap.next_seq ? fmt::format(", the next one found is {})", *gap.next_seq)
                         : ", none follows in this segment)";
    sink_.fault(Area::record, byte_offset(gap.addr), std::move(text));
}

// --- summaries ---

void LogChecker::check_summary(const Segment &segment) {
    summaries_equal_ = true;
    if (!segment.summary.valid()) {
        report_invalid_summary(segment);
        return;
    }
    const bool same_end = check_summary_end(segment);
    const bool same_extents = check_summary_extents(segment);
    summaries_equal_ = same_end && same_extents;
}

/*
 * A summary is written without waiting, not at all when memory is short, and never again;
 * so one that is missing, or torn by a crash, is a note. But an attach clears a torn one
 * where it goes on, so one that is damaged where all was written in an epoch that ended
 * cleanly was damaged later.
 */
void LogChecker::report_invalid_summary(const Segment &segment) {
    const Summary &summary = segment.summary;
    const bool closed = replay_.done && segment.number < replay_.log.segment;
    const bool absent = summary.status == Summary::Status::absent;
    if (absent && !closed)
        return;
    const bool sound_once = closed && !attached() && !segment.records.empty() &&
                            segment.records.back().head.epoch == sb_.epoch;
    std::string text = fmt::format("of segment {}: ", segment.number);
    if (!summary.read_error.empty())
        text += "cannot be read: " + summary.read_error;
    else
        text += absent ? "missing (its records are there)" : es_fault_text(summary.fault);
    const bool fault = !summary.read_error.empty() || (sound_once && !absent);
    if (!fault && !absent)
        text += " (normal after a crash; its records are there)";
    sink_.add({fault ? Severity::fault : Severity::note, Area::summary, byte_offset(summary.addr),
               std::move(text)});
}

// The summary names the last record it covers.
bool LogChecker::check_summary_end(const Segment &segment) {
    const es_block &footer = segment.summary.footer;
    if (segment.records.empty() || (!segment.gaps.empty() && !segment.gaps.back().next_seq))
        return true; // the last record is damaged, and that is reported
    const es_block &last = segment.records.back().head;
    if (footer.seq == last.seq && footer.prev_crc == last.crc && footer.epoch >= last.epoch)
        return true;
    sink_.fault(Area::summary, byte_offset(footer.addr),
                fmt::format("of segment {}: it ends with record {} (checksum {:#010x}), the log "
                            "with record {} (checksum {:#010x})",
                            segment.number, footer.seq, footer.prev_crc, last.seq, last.crc));
    return false;
}

// The extents of the records, in order; all of them if no record is damaged.
bool LogChecker::check_summary_extents(const Segment &segment) {
    const auto &in_summary = segment.summary.extents;
    std::size_t next = 0;
    for (const Record &record : segment.records) {
        for (const es_extent &extent : record.extents) {
            const std::size_t expected = next;
            while (next < in_summary.size() && !equal(in_summary[next], extent))
                ++next;
            const bool skipped = next != expected && segment.gaps.empty();
            if (next < in_summary.size() && !skipped) {
                ++next;
                continue;
            }
            sink_.fault(Area::summary,
                        byte_offset(segment.summary.addr + expected / ES_BLOCK_EXTENTS),
                        fmt::format("of segment {}: extent {} is not the one of the record at "
                                    "byte {} ({})",
                                    segment.number, expected, byte_offset(record.head.addr),
                                    extent_text(extent)));
            return false;
        }
    }
    if (next == in_summary.size() || !segment.gaps.empty())
        return true;
    sink_.fault(Area::summary, byte_offset(segment.summary.addr + next / ES_BLOCK_EXTENTS),
                fmt::format("of segment {}: {} extents that no record has", segment.number,
                            in_summary.size() - next));
    return false;
}

// --- extents and payload of a segment ---

// What the kernel would load: the summary, unless the records say the same with a better place.
std::vector<PlacedExtent> LogChecker::extents_of(const Segment &segment) {
    std::vector<PlacedExtent> extents;
    if (segment.summary.valid() && (!segment.gaps.empty() || !summaries_equal_)) {
        for (std::size_t i = 0; i < segment.summary.extents.size(); ++i)
            extents.push_back(
                {segment.summary.extents[i], segment.summary.addr + i / ES_BLOCK_EXTENTS});
        return extents;
    }
    for (const Record &record : segment.records)
        for (const es_extent &extent : record.extents)
            extents.push_back({extent, record.head.addr});
    return extents;
}

void LogChecker::check_payload(const Segment &segment, const std::vector<PlacedExtent> &extents) {
    const std::uint64_t end = segment.start + segment.len;
    std::uint64_t free = segment.start + 1; // behind the first header
    for (const auto &[extent, where] : extents) {
        if (!es_extent_has_payload(&extent))
            continue;
        const std::uint64_t blocks = es_extent_blocks(&extent, sb_.chunk_sectors);
        if (extent.addr < free || extent.addr + blocks > end)
            sink_.fault(Area::payload, byte_offset(extent.addr),
                        fmt::format("{} ({} at byte {}) {}", extent_text(extent), "written down",
                                    byte_offset(where),
                                    extent.addr < free ? "overlaps what lies before it"
                                                       : "reaches out of its segment"));
        free = std::max(free, std::uint64_t{extent.addr} + blocks);
        if (const auto fault = payload_.find_fault(extent))
            sink_.fault(Area::payload, byte_offset(extent.addr),
                        fmt::format("{}: {}", extent_text(extent), *fault));
    }
}

void LogChecker::count(const Segment &segment, const std::vector<PlacedExtent> &extents) {
    ++figures_.segments;
    figures_.records += segment.records.size();
    figures_.extents += extents.size();
    for (const auto &[extent, where] : extents) {
        figures_.chunks += extent.nr;
        figures_.bad_chunks += extent.flags & ES_EXT_BAD ? extent.nr : 0;
        figures_.payload_bytes += byte_offset(es_extent_blocks(&extent, sb_.chunk_sectors));
    }
    figures_.used_bytes = byte_offset(segment.start + segment.used);
}

// Two ways of reading the log must come to the same end.
void LogChecker::compare_with_replay() {
    if (!replay_.done)
        return;
    figures_.used_bytes = byte_offset(es_log_used_blocks(&replay_.log));
    if (!attached() && figures_.extents != replay_.log.nr_extents)
        sink_.fault(Area::log, figures_.used_bytes,
                    fmt::format("the replay finds {} extents, the segments hold {}",
                                replay_.log.nr_extents, figures_.extents));
}

std::vector<PlacedExtent> LogChecker::run() {
    std::vector<PlacedExtent> all;
    figures_.total_bytes = byte_offset(sb_.device_blocks);
    figures_.used_bytes = byte_offset(ES_DATA_BLOCK);
    report_replay();
    LogReader reader(source_, sb_, replay_);
    while (const auto segment = reader.next()) {
        for (const Gap &gap : segment->gaps)
            report_gap(gap);
        check_summary(*segment);
        const auto extents = extents_of(*segment);
        check_payload(*segment, extents);
        count(*segment, extents);
        all.insert(all.end(), extents.begin(), extents.end());
    }
    compare_with_replay();
    return all;
}

} // namespace

std::vector<PlacedExtent> check_log(const BlockSource &source, const es_sb &sb,
                                    StoreFigures &figures, FindingSink &sink) {
    return LogChecker(source, sb, figures, sink).run();
}

} // namespace esnap
