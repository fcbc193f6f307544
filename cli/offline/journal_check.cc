// SPDX-License-Identifier: GPL-2.0-only
#include "offline/journal_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "offline/live_check.h"

namespace esnap {

namespace {

void report_invalid(const JournalCopy &copy, Severity severity, const char *remark,
                    FindingSink &sink) {
    sink.add({severity, Area::superblock, byte_offset(copy.addr),
              fmt::format("copy {}: {}{}", copy.letter, copy.why_invalid(), remark)});
}

void check_pair(const JournalSuperblocks &both, FindingSink &sink) {
    const JournalCopy &other = both.other();
    if (!other.valid()) {
        // A crash may have torn it while it was being written.
        const bool torn = (both.sb.flags & ES_JSB_ATTACHED) != 0 && other.read_error.empty();
        report_invalid(other, torn ? Severity::note : Severity::fault,
                       torn ? " (normal after a crash during its writing)" : "", sink);
    } else if (!es_uuid_equal(other.sb.journal_uuid, both.sb.journal_uuid) ||
               !es_uuid_equal(other.sb.chain_uuid, both.sb.chain_uuid)) {
        sink.fault(Area::superblock, byte_offset(other.addr),
                   fmt::format("copy {}: it is of another journal ({})", other.letter,
                               uuid_text(other.sb.journal_uuid)));
    } else if (other.sb.generation + 1 != both.sb.generation) {
        sink.note(Area::superblock, byte_offset(other.addr),
                  fmt::format("copy {}: generation {}, where {} is before {}: a write was lost",
                              other.letter, other.sb.generation, both.sb.generation - 1,
                              both.sb.generation));
    }
}

void note_state(const es_jsb &sb, FindingSink &sink) {
    if (sb.state == ES_JOURNAL_FAILED)
        sink.note(Area::superblock, {},
                  "failed: the journal was given up, the origin went on without it");
    if (sb.flags & ES_JSB_ATTACHED)
        sink.note(Area::superblock, {},
                  "attached: in use, or not detached cleanly (a crash); both are sound states");
}

/** What the superblock says of the record @rec must be so. */
void check_position(const es_jsb &sb, const es_jrec &rec, FindingSink &sink) {
    for (std::uint32_t i = 0; i < sb.nr_marks; ++i) {
        const es_jpos &pos = sb.mark[i].pos;
        if (pos.seq == rec.seq && (pos.addr != rec.addr || pos.prev_crc != rec.prev_crc))
            sink.fault(Area::superblock, {},
                       fmt::format("mark {}: record {} lies at byte {}, not {}", i, rec.seq,
                                   byte_offset(rec.addr), byte_offset(pos.addr)));
    }
}

void check_payload(const ReadRecord &record, FindingSink &sink) {
    if (record.torn) {
        sink.note(Area::record, byte_offset(record.rec.addr),
                  fmt::format("record {} was not written completely (normal after a crash, or "
                              "it is being written): it does not count",
                              record.rec.seq));
        return;
    }
    for (const ReadEntry &e : record.entries)
        if (e.payload == PayloadState::bad)
            sink.fault(Area::payload, byte_offset(e.entry.addr),
                       fmt::format("record {}, sectors {} + {}: {}", record.rec.seq, e.entry.sector,
                                   e.entry.nr,
                                   e.read_error.empty() ? es_fault_text(ES_FAULT_PAYLOAD)
                                                        : "cannot be read: " + e.read_error));
}

void report_fault(const JournalEnd &end, const char *what, FindingSink &sink) {
    sink.fault(Area::log, byte_offset(end.fault_addr), fmt::format("{}: {}", what, end.cause()));
}

void check_ring(const BlockSource &source, JournalCheck &result) {
    const es_jsb &sb = result.superblocks.sb;
    std::uint64_t last = 0;
    const auto take = [&](const ReadRecord &record) {
        last = record.rec.seq;
        check_position(sb, record.rec, result.findings);
        check_payload(record, result.findings);
        if (record.torn)
            return;
        ++result.records;
        result.entries += record.entries.size();
        if (!result.oldest_time && !record.entries.empty())
            result.oldest_time = record.entries.front().entry.time;
    };
    JournalEnd end = walk_journal(source, sb, sb.mark[0].pos, take);
    if (!end.done) {
        report_fault(end, "the history ends here", result.findings);
        /* What was read already is not told twice. */
        end = last < sb.needed.seq ? walk_journal(source, sb, sb.needed, take)
                                   : walk_journal(source, sb, sb.needed, [](const auto &) {});
        if (!end.done)
            report_fault(end, "what is needed cannot be recovered behind this", result.findings);
    }
    if (end.done)
        result.end = end;
}

} // namespace

JournalCheck check_journal(const BlockSource &source) {
    JournalCheck result;
    result.superblocks = read_journal_superblocks(source);
    const JournalSuperblocks &both = result.superblocks;
    if (!both.valid()) {
        report_invalid(both.a, Severity::fault, "", result.findings);
        report_invalid(both.b, Severity::fault, "", result.findings);
        return result;
    }
    check_pair(both, result.findings);
    note_state(both.sb, result.findings);
    if (es_jsb_check_device(&both.sb, source.blocks()) == ES_OK)
        check_ring(source, result);
    else
        result.findings.fault(
            Area::device, {},
            fmt::format("{}: {}, the superblock says {}; the ring was not checked",
                        es_fault_text(ES_FAULT_DEVICE_SHRANK),
                        bytes_text(byte_offset(source.blocks())),
                        bytes_text(byte_offset(both.sb.device_blocks))));
    return result;
}

JournalCheck check_live_journal(const BlockSource &source,
                                const std::vector<std::string> &holders) {
    return check_live([&] { return check_journal(source); }, holders);
}

} // namespace esnap
