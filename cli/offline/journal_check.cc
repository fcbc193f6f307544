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
        const bool torn = other.read_error.empty() &&
                          ((both.sb.flags & ES_JSB_ATTACHED) != 0 ||
                           other.claim.is_torn_commit(both.sb.journal_uuid, both.sb.generation));
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

void report_torn(const ReadRecord &record, FindingSink &sink) {
    sink.note(Area::record, byte_offset(record.rec.addr),
              fmt::format("record {} was not written completely (normal after a crash, or it is "
                          "being written): it does not count",
                          record.rec.seq));
}

void report_bad_payload(const ReadRecord &record, FindingSink &sink) {
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

/*
 * Reads the ring, every record once. One in use is written meanwhile. What is overwritten there
 * was given up in the superblock before, so that tells whether a walk met damage or the head; and
 * the walk goes on with what is the oldest by then, unless that happens again and again.
 */
class RingChecker {
public:
    RingChecker(const BlockSource &source, bool is_live, JournalCheck &result)
        : source_(source), is_live_(is_live), result_(result), sb_(result.superblocks.sb),
          next_(sb_.mark[0].pos.seq) {}

    void run();

private:
    static constexpr int most_walks = 16;

    JournalEnd walk(const es_jpos &from);
    void take(const es_jsb &sb, const ReadRecord &record);
    bool is_given_up(std::uint64_t seq);
    JournalEnd walk_history();
    void report_history(const JournalEnd &end);

    const BlockSource &source_;
    bool is_live_;
    JournalCheck &result_;
    es_jsb sb_;
    std::uint64_t next_;         // the first record that was not taken yet
    std::uint64_t given_up_ = 0; // how many could not be taken any more
};

/** As the superblock is by now. */
bool RingChecker::is_given_up(std::uint64_t seq) {
    if (!is_live_)
        return false;
    const JournalSuperblocks now = read_journal_superblocks(source_);
    if (now.valid() && es_jsb_check_device(&now.sb, source_.blocks()) == ES_OK)
        sb_ = now.sb;
    return sb_.mark[0].pos.seq > seq;
}

void RingChecker::take(const es_jsb &sb, const ReadRecord &record) {
    if (record.rec.seq < next_)
        return;
    check_position(sb, record.rec, result_.findings);
    if (record.torn) {
        report_torn(record, result_.findings);
        return;
    }
    next_ = record.rec.seq + 1;
    if (!record.payload_ok() && is_given_up(record.rec.seq)) {
        ++given_up_;
        return;
    }
    report_bad_payload(record, result_.findings);
    ++result_.records;
    result_.entries += record.entries.size();
    if (!result_.oldest_time && !record.entries.empty())
        result_.oldest_time = record.entries.front().entry.time;
}

JournalEnd RingChecker::walk(const es_jpos &from) {
    const es_jsb sb = sb_; // a copy: it is the walk's, and must stay as it is
    return walk_journal(source_, sb, from, [&](const ReadRecord &record) { take(sb, record); });
}

JournalEnd RingChecker::walk_history() {
    JournalEnd end = walk(sb_.mark[0].pos);
    std::uint64_t ended_before = 0;
    for (int walks = 1; is_live_ && !end.done && walks < most_walks; ++walks) {
        if (is_given_up(next_)) {
            given_up_ += sb_.mark[0].pos.seq - next_;
            next_ = sb_.mark[0].pos.seq;
        } else if (next_ == ended_before) {
            break; // twice in the same place
        }
        ended_before = next_;
        std::uint32_t from = 0;
        while (from + 1 < sb_.nr_marks && sb_.mark[from + 1].pos.seq <= next_)
            ++from;
        end = walk(sb_.mark[from].pos);
    }
    return end;
}

void RingChecker::report_history(const JournalEnd &end) {
    if (is_given_up(next_))
        result_.findings.unverified(
            Area::log, byte_offset(end.fault_addr),
            fmt::format("record {} and what follows was overwritten before it was read: the "
                        "journal is written faster than it is read",
                        next_));
    else
        report_fault(end, "the history ends here", result_.findings);
}

void RingChecker::run() {
    JournalEnd end = walk_history();
    if (!end.done) {
        report_history(end);
        end = walk(sb_.needed);
        if (!end.done)
            report_fault(end, "what is needed cannot be recovered behind this", result_.findings);
    }
    if (given_up_ > 0)
        result_.findings.note(
            Area::log, {},
            fmt::format("{} records were overwritten by newer ones before they were read",
                        given_up_));
    if (end.done)
        result_.end = end;
}

JournalCheck check_journal(const BlockSource &source, bool is_live) {
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
        RingChecker(source, is_live, result).run();
    else
        result.findings.fault(
            Area::device, {},
            fmt::format("{}: {}, the superblock says {}; the ring was not checked",
                        es_fault_text(ES_FAULT_DEVICE_SHRANK),
                        bytes_text(byte_offset(source.blocks())),
                        bytes_text(byte_offset(both.sb.device_blocks))));
    return result;
}

} // namespace

JournalCheck check_journal(const BlockSource &source) {
    return check_journal(source, false);
}

JournalCheck check_live_journal(const BlockSource &source,
                                const std::vector<std::string> &holders) {
    return check_live([&] { return check_journal(source, true); }, holders,
                      [](const JournalCheck &, const Finding &) { return false; });
}

} // namespace esnap
