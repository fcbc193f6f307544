// SPDX-License-Identifier: GPL-2.0-only
#include "offline/log_reader.h"

#include <utility>

#include "error.h"

namespace esnap {

LogReader::LogReader(const BlockSource &source, const es_sb &sb, const ReplayResult &replay)
    : sb_(sb), replay_(replay), window_(source) {
    es_log_init(&geometry_, &sb);
}

// --- where the log ends ---

bool LogReader::is_behind_log(std::uint64_t number) const {
    if (number >= es_log_segments(&geometry_))
        return true;
    if (!replay_.done)
        return false;
    const es_log &end = replay_.log;
    return number > end.segment || (number == end.segment && end.used == 0);
}

// Whether the replay says that the log ends in this segment.
bool LogReader::is_open(const Segment &segment) const {
    return replay_.done && segment.number == replay_.log.segment;
}

std::optional<Segment> LogReader::next() {
    while (!is_behind_log(number_)) {
        Segment segment = read_segment(number_++);
        const bool empty = segment.records.empty() && segment.gaps.empty() &&
                           segment.summary.status == Summary::Status::absent;
        if (!empty || replay_.done)
            return segment;
    }
    return {};
}

Segment LogReader::read_segment(std::uint64_t number) {
    Segment segment;
    segment.number = number;
    segment.start = es_log_segment_start(&geometry_, number);
    segment.len = es_log_segment_len(&geometry_, number);
    read_summary(segment);
    read_records(segment);
    if (!segment.summary.valid() && !is_open(segment))
        drop_replaced_record(segment);
    move_behind(segment);
    return segment;
}

// --- blocks ---

es_fault LogReader::decode(std::uint64_t addr, es_block_type type, Record &out,
                           std::string &read_error) {
    try {
        const ConstBytes block = window_.block(addr);
        out.extents.resize(ES_BLOCK_EXTENTS);
        const es_fault fault = es_block_decode(&out.head, out.extents.data(), block.data(),
                                               block.size(), type, &sb_, addr);
        out.extents.resize(fault == ES_OK ? out.head.nr_extents : 0);
        return fault;
    } catch (const Error &error) {
        read_error = error.cause();
        return ES_FAULT_SHORT;
    }
}

// --- the summary at the end of a closed segment ---

void LogReader::read_summary(Segment &segment) {
    Summary &summary = segment.summary;
    Record block;
    summary.addr = segment.start + segment.len - 1;
    summary.fault = decode(summary.addr, ES_BLOCK_SUMMARY, block, summary.read_error);
    if (summary.fault == ES_FAULT_MAGIC)
        return;
    summary.status = Summary::Status::bad;
    if (summary.fault != ES_OK)
        return;
    const es_block footer = summary.footer = block.head;
    if (footer.pos + 1 != footer.nr_blocks || footer.nr_blocks >= segment.len ||
        footer.nr_blocks > es_table_blocks(ES_LOG_MAX_OPEN)) {
        summary.fault = ES_FAULT_COUNT;
        return;
    }
    const std::uint64_t first = summary.addr + 1 - footer.nr_blocks;
    for (std::uint32_t pos = 0; pos < footer.nr_blocks; ++pos) {
        summary.addr = first + pos;
        summary.fault = decode(summary.addr, ES_BLOCK_SUMMARY, block, summary.read_error);
        if (summary.fault == ES_OK &&
            (block.head.pos != pos || block.head.nr_blocks != footer.nr_blocks ||
             block.head.seq != footer.seq))
            summary.fault = ES_FAULT_COUNT;
        if (summary.fault != ES_OK)
            return;
        summary.extents.insert(summary.extents.end(), block.extents.begin(), block.extents.end());
    }
    summary.addr = first;
    summary.status = Summary::Status::valid;
}

// --- the records ---

// Whether the last record of the segment has been read, as far as that is known.
bool LogReader::is_complete(const Segment &segment) const {
    if (segment.summary.valid())
        return position_.known && position_.seq > segment.summary.footer.seq;
    return is_open(segment) && segment.used >= replay_.log.used;
}

// Whether a place without a record must be a gap, or may be one that is worth a scan.
bool LogReader::must_go_on(const Segment &segment) const {
    if (segment.summary.valid() || is_open(segment))
        return true;
    // Without a known end: look around where the replay failed, not through the whole device.
    return !replay_.done && segment.number <= replay_.log.segment + 1;
}

std::uint32_t LogReader::scan_end(const Segment &segment) const {
    if (segment.summary.valid())
        return segment.len - segment.summary.footer.nr_blocks;
    return is_open(segment) ? replay_.log.used : segment.len;
}

void LogReader::read_records(Segment &segment) {
    while (!is_complete(segment)) {
        Gap gap;
        if (read_record(segment, gap))
            continue;
        if (!must_go_on(segment))
            return;
        const bool found = skip_to_next_record(segment, gap);
        // Without a summary and a known end this is simply where the log ends.
        if (found || segment.summary.valid() || is_open(segment))
            segment.gaps.push_back(gap);
        if (!found)
            return;
    }
}

// Takes the record at segment.used if it is the one that comes next; else fills in @gap.
bool LogReader::read_record(Segment &segment, Gap &gap) {
    Record record;
    gap.addr = segment.start + segment.used;
    gap.expected_seq = position_.known ? position_.seq : 0;
    gap.fault = ES_FAULT_COUNT; // no room for one
    if (segment.used + 1 >= segment.len)
        return false;
    gap.fault = decode(gap.addr, ES_BLOCK_RECORD, record, gap.read_error);
    if (gap.fault != ES_OK)
        return false;
    const es_block &head = record.head;
    const bool follows = head.seq == position_.seq && head.prev_crc == position_.prev_crc &&
                         head.epoch >= position_.epoch;
    if (position_.known && !follows) {
        gap.fault = ES_FAULT_SEQUENCE;
        return false;
    }
    if (segment.used + 1 + std::uint64_t{head.nr_blocks} >= segment.len) {
        gap.fault = ES_FAULT_COUNT;
        return false;
    }
    before_last_ =
        std::exchange(position_, {.seq = head.seq + 1, .prev_crc = head.crc, .epoch = head.epoch});
    segment.used += 1 + head.nr_blocks;
    segment.records.push_back(std::move(record));
    return true;
}

// Looks for a later record in the segment; decoding accepts none that was not written there.
bool LogReader::skip_to_next_record(Segment &segment, Gap &gap) {
    const std::uint32_t end = scan_end(segment);
    for (std::uint32_t at = segment.used; at < end; ++at) {
        Record record;
        std::string ignored;
        if (decode(segment.start + at, ES_BLOCK_RECORD, record, ignored) != ES_OK ||
            (position_.known && record.head.seq <= position_.seq) ||
            at + 1 + std::uint64_t{record.head.nr_blocks} >= segment.len)
            continue;
        gap.next_seq = record.head.seq;
        segment.used = at;
        position_ = {
            .seq = record.head.seq, .prev_crc = record.head.prev_crc, .epoch = record.head.epoch};
        return true;
    }
    return false;
}

/*
 * A torn last record is forgotten at the next attach, and what replaces it may not have
 * fitted behind its predecessor and have gone to the next segment: same number, same
 * predecessor, later epoch. The replay knows the same rule.
 */
void LogReader::drop_replaced_record(Segment &segment) {
    if (segment.records.empty() || is_behind_log(segment.number + 1))
        return;
    Record next;
    std::string ignored;
    const es_block last = segment.records.back().head;
    if (decode(es_log_segment_start(&geometry_, segment.number + 1), ES_BLOCK_RECORD, next,
               ignored) != ES_OK ||
        next.head.seq != last.seq || next.head.prev_crc != last.prev_crc ||
        next.head.epoch <= last.epoch)
        return;
    segment.used -= 1 + last.nr_blocks;
    segment.records.pop_back();
    position_ = before_last_;
}

// What the first record of the next segment must look like.
void LogReader::move_behind(const Segment &segment) {
    if (segment.summary.valid()) {
        const es_block &footer = segment.summary.footer;
        position_ = {.seq = footer.seq + 1, .prev_crc = footer.prev_crc, .epoch = footer.epoch};
    } else if (!replay_.done) {
        position_.known = false;
    }
}

} // namespace esnap
