// SPDX-License-Identifier: GPL-2.0-only
#include "offline/journal_dump.h"

#include <fmt/format.h>

#include "error.h"
#include "offline/json.h"

namespace esnap {

namespace {

JournalSuperblocks valid_superblocks(const BlockSource &source) {
    JournalSuperblocks both = read_journal_superblocks(source);
    if (!both.valid())
        load_journal_superblock(source); // says why
    return both;
}

/** What the walk does not say: how much there was, and since when. */
struct Walked {
    JournalEnd end{};
    std::optional<std::uint64_t> oldest_time{};
};

/** All that is kept; where the history is damaged, @damage and then what is needed. */
template <typename Take, typename Damage>
Walked walk_all(const BlockSource &source, const es_jsb &sb, const Take &take,
                const Damage &damage) {
    Walked walked;
    const auto each = [&](const ReadRecord &record) {
        if (!walked.oldest_time && !record.entries.empty() && !record.torn)
            walked.oldest_time = record.entries.front().entry.time;
        take(record);
    };
    std::uint64_t last = 0;
    walked.end = walk_journal(source, sb, sb.mark[0].pos, [&](const ReadRecord &record) {
        last = record.rec.seq;
        each(record);
    });
    if (!walked.end.done && last < sb.needed.seq) {
        damage(walked.end);
        walked.oldest_time.reset();
        walked.end = walk_journal(source, sb, sb.needed, each);
    }
    return walked;
}

// --- for people ---

class Text {
public:
    explicit Text(std::ostream &out) : out_(out) {}

    void superblock(const BlockSource &source, const JournalSuperblocks &both);
    void record(const ReadRecord &record);
    void damage(const JournalEnd &end) {
        line("  damaged: the walk stops at byte {}: {}", byte_offset(end.fault_addr), end.cause());
    }
    void end(const Walked &walked);

private:
    template <typename... Args>
    void line(fmt::format_string<Args...> format, Args &&...args) {
        out_ << fmt::format(format, std::forward<Args>(args)...) << '\n';
    }
    void field(const char *name, const std::string &value) { line("  {:<16} {}", name, value); }
    void copy(const JournalCopy &copy, bool chosen) {
        field(copy.letter == 'A' ? "copy A" : "copy B",
              fmt::format("byte {}: {}{}", byte_offset(copy.addr),
                          copy.valid() ? fmt::format("generation {}", copy.sb.generation)
                                       : copy.why_invalid(),
                          chosen ? ", counts" : ""));
    }
    static std::string position(const es_jpos &pos) {
        return fmt::format("record {} at byte {}", pos.seq, byte_offset(pos.addr));
    }

    std::ostream &out_;
};

void Text::superblock(const BlockSource &source, const JournalSuperblocks &both) {
    const es_jsb &sb = both.sb;
    line("superblock");
    field("device", fmt::format("{}, {}", source.name(), bytes_text(source.bytes())));
    copy(both.a, both.from == both.a.addr);
    copy(both.b, both.from == both.b.addr);
    field("kind", "journal");
    field("journal uuid", uuid_text(sb.journal_uuid));
    field("chain uuid", uuid_text(sb.chain_uuid));
    field("created", time_text(sb.created));
    field("journal size", fmt::format("{} blocks ({})", sb.device_blocks,
                                      size_text(byte_offset(sb.device_blocks))));
    field("origin", fmt::format("logical blocks of {} bytes", sb.origin_lbs));
    field("state", journal_state_text(sb.state));
    field("flags", (sb.flags & ES_JSB_ATTACHED) != 0 ? "attached" : "none");
    field("epoch", fmt::format("{}", sb.epoch));
    field("tail", fmt::format("record {}", sb.tail_seq));
    field("needed from", position(sb.needed));
    field("kept from",
          fmt::format("{}, {}", position(sb.mark[0].pos), nanoseconds_text(sb.mark[0].time)));
    line("records");
}

void Text::record(const ReadRecord &record) {
    const es_jrec &rec = record.rec;
    const bool pad = rec.type == ES_JREC_PAD;
    line("  {:<8} byte {:>12}  seq {:>8}  epoch {:>4}  {} {:>4} blocks{}",
         pad ? "padding" : "record", byte_offset(rec.addr), rec.seq, rec.epoch,
         pad ? "length " : "payload", rec.nr_blocks,
         record.torn ? "  not written completely: it does not count" : "");
    std::uint64_t lsn = rec.lsn;
    for (const ReadEntry &e : record.entries) {
        const bool fua = (e.entry.flags & ES_JENT_FUA) != 0;
        line("    lsn {:>10}  {}  {:<7} sector {:>12} + {:<8} crc {}{}", lsn++,
             nanoseconds_text(e.entry.time), op_text(e.entry.op), e.entry.sector, e.entry.nr,
             payload_text(e.payload), fua ? "  fua" : "");
    }
}

void Text::end(const Walked &walked) {
    const JournalEnd &end = walked.end;
    if (!end.done) {
        damage(end);
        return;
    }
    line("  end: next record {} at byte {}, next lsn {}", end.ring.head.seq,
         byte_offset(end.ring.head.addr), end.ring.lsn);
    line("  needed from {}: {}; kept: {} of {}{}", position(end.ring.needed),
         size_text(end.needed_bytes()), size_text(end.kept_bytes()), size_text(end.total_bytes()),
         walked.oldest_time ? ", from " + nanoseconds_text(*walked.oldest_time) + " on" : "");
}

// --- for programs ---

Json copy_json(const JournalCopy &copy, bool counts) {
    return {{"copy", std::string(1, copy.letter)},
            {"offset", byte_offset(copy.addr)},
            {"generation", copy.valid() ? Json(copy.sb.generation) : Json(nullptr)},
            {"fault", copy.valid() ? Json(nullptr) : Json(copy.why_invalid())},
            {"counts", counts}};
}

Json position_json(const es_jpos &pos) {
    return {{"addr", pos.addr}, {"seq", pos.seq}, {"prev_crc", pos.prev_crc}};
}

Json superblock_json(const JournalSuperblocks &both) {
    const es_jsb &sb = both.sb;
    Json marks = Json::array();
    for (std::uint32_t i = 0; i < sb.nr_marks; ++i) {
        Json mark = position_json(sb.mark[i].pos);
        mark["time"] = nanoseconds_text(sb.mark[i].time);
        marks.push_back(mark);
    }
    return {{"copies",
             {copy_json(both.a, both.from == both.a.addr),
              copy_json(both.b, both.from == both.b.addr)}},
            {"kind", "journal"},
            {"state", journal_state_text(sb.state)},
            {"attached", (sb.flags & ES_JSB_ATTACHED) != 0},
            {"generation", sb.generation},
            {"epoch", sb.epoch},
            {"journal_uuid", uuid_text(sb.journal_uuid)},
            {"chain_uuid", uuid_text(sb.chain_uuid)},
            {"created", sb.created},
            {"device_blocks", sb.device_blocks},
            {"origin_logical_block_bytes", sb.origin_lbs},
            {"tail_seq", sb.tail_seq},
            {"needed", position_json(sb.needed)},
            {"next_lsn", sb.next_lsn},
            {"time", nanoseconds_text(sb.time)},
            {"marks", marks}};
}

Json entry_json(const ReadEntry &e, std::uint64_t lsn) {
    const bool payload = e.payload != PayloadState::none;
    return {{"lsn", lsn},
            {"time", nanoseconds_text(e.entry.time)},
            {"op", op_text(e.entry.op)},
            {"fua", (e.entry.flags & ES_JENT_FUA) != 0},
            {"sector", e.entry.sector},
            {"sectors", e.entry.nr},
            {"addr", payload ? Json(e.entry.addr) : Json(nullptr)},
            {"crc", payload ? Json(e.entry.crc) : Json(nullptr)},
            {"crc_state", payload_text(e.payload)}};
}

Json record_json(const ReadRecord &record, const es_jsb &sb) {
    const es_jrec &rec = record.rec;
    Json entries = Json::array();
    std::uint64_t lsn = rec.lsn;
    for (const ReadEntry &e : record.entries)
        entries.push_back(entry_json(e, lsn++));
    return {{"offset", byte_offset(rec.addr)},
            {"addr", rec.addr},
            {"seq", rec.seq},
            {"epoch", rec.epoch},
            {"type", rec.type == ES_JREC_PAD ? "padding" : "data"},
            {"blocks", rec.nr_blocks},
            {"needed_seq", rec.needed.seq},
            {"needed", rec.seq >= sb.needed.seq},
            {"torn", record.torn},
            {"entries", entries}};
}

Json end_json(const Walked &walked) {
    const JournalEnd &end = walked.end;
    const auto if_done = [&](std::uint64_t value) {
        return end.done ? Json(value) : Json(nullptr);
    };
    return {{"complete", end.done},
            {"next_seq", if_done(end.ring.head.seq)},
            {"next_lsn", if_done(end.ring.lsn)},
            {"offset", if_done(byte_offset(end.ring.head.addr))},
            {"needed_seq", if_done(end.ring.needed.seq)},
            {"needed_bytes", if_done(end.needed_bytes())},
            {"kept_bytes", if_done(end.kept_bytes())},
            {"total_bytes", end.total_bytes()},
            {"oldest_time",
             walked.oldest_time ? Json(nanoseconds_text(*walked.oldest_time)) : Json(nullptr)},
            {"fault", end.done ? Json(nullptr) : Json(end.cause())},
            {"fault_offset", end.done ? Json(nullptr) : Json(byte_offset(end.fault_addr))}};
}

void require_whole(const BlockSource &source, const es_jsb &sb) {
    if (es_jsb_check_device(&sb, source.blocks()) != ES_OK)
        throw Error("dump", source.name(), es_fault_text(ES_FAULT_DEVICE_SHRANK));
}

} // namespace

void dump_journal_text(const BlockSource &source, std::ostream &out) {
    const JournalSuperblocks both = valid_superblocks(source);
    Text text(out);
    text.superblock(source, both);
    require_whole(source, both.sb);
    text.end(walk_all(
        source, both.sb, [&](const ReadRecord &record) { text.record(record); },
        [&](const JournalEnd &end) { text.damage(end); }));
    out.flush();
}

void dump_journal_json(const BlockSource &source, std::ostream &out) {
    const JournalSuperblocks both = valid_superblocks(source);
    require_whole(source, both.sb);
    out << "{\n\"device\": " << to_text(Json{{"path", source.name()}, {"bytes", source.bytes()}})
        << ",\n\"superblock\": " << to_text(superblock_json(both), 2) << ",\n\"records\": [";
    const char *separator = "\n";
    Json damage = nullptr;
    const Walked walked = walk_all(
        source, both.sb,
        [&](const ReadRecord &record) {
            out << separator << to_text(record_json(record, both.sb));
            separator = ",\n";
        },
        [&](const JournalEnd &end) {
            damage = {{"fault", end.cause()}, {"offset", byte_offset(end.fault_addr)}};
        });
    out << "\n],\n\"history_fault\": " << to_text(damage)
        << ",\n\"end\": " << to_text(end_json(walked)) << "\n}\n";
}

} // namespace esnap
