// SPDX-License-Identifier: GPL-2.0-only
//
// A dump for people.
#include "offline/dumper.h"

#include <fmt/format.h>

namespace esnap {

namespace {

std::string uuid_or_none(const std::uint8_t *uuid) {
    return es_uuid_is_null(uuid) ? "none" : uuid_text(uuid);
}

std::string extent_flags_text(const es_extent &extent) {
    std::string text;
    for (const auto &[flag, word] : {std::pair{ES_EXT_ZERO, " zero"}, std::pair{ES_EXT_BAD, " bad"},
                                     std::pair{ES_EXT_NO_CRC, " no-crc"}})
        if (extent.flags & flag)
            text += word;
    return text;
}

class TextDump final : public DumpWriter {
public:
    TextDump(std::ostream &out, bool with_extents) : out_(out), with_extents_(with_extents) {}

    void superblocks(const BlockSource &source, const Superblocks &both) override;
    void segment(const Segment &segment) override;
    void log_end(const ReplayResult &replay) override;
    void index_begin(const es_sb &sb) override;
    void index_block(std::uint64_t addr, const std::string &fault,
                     std::span<const es_extent> extents) override;
    void index_end() override {}
    void finish() override { out_.flush(); }

private:
    template <typename... Args>
    void line(fmt::format_string<Args...> format, Args &&...args) {
        out_ << fmt::format(format, std::forward<Args>(args)...) << '\n';
    }
    void field(const char *name, const std::string &value) { line("  {:<16} {}", name, value); }
    void copy(const SuperblockCopy &copy, bool chosen);
    void identity(const es_sb &sb);
    void geometry(const es_sb &sb);
    void lifetime(const es_sb &sb);
    void summary(const Summary &summary);
    void gap(const Gap &gap);
    void record(const Record &record);
    void extents(std::span<const es_extent> list);

    std::ostream &out_;
    bool with_extents_;
    std::uint32_t chunk_sectors_ = 0;
};

// --- superblock ---

void TextDump::copy(const SuperblockCopy &copy, bool chosen) {
    const std::string what = copy.valid() ? fmt::format("generation {}", copy.sb.generation)
                             : copy.read_error.empty() ? es_fault_text(copy.fault)
                                                       : "cannot be read: " + copy.read_error;
    field(copy.letter == 'A' ? "copy A" : "copy B",
          fmt::format("byte {}: {}{}", byte_offset(copy.addr), what, chosen ? ", counts" : ""));
}

void TextDump::identity(const es_sb &sb) {
    field("kind", kind_text(sb.kind));
    field("store uuid", uuid_text(sb.store_uuid));
    field("chain uuid", uuid_text(sb.chain_uuid));
    field(sb.kind == ES_KIND_VIEW ? "view of store" : "older store", uuid_or_none(sb.link_uuid));
    field("newer store", uuid_or_none(sb.next_uuid));
    field("snapshot uuid", uuid_or_none(sb.snapshot_uuid));
    if (!es_uuid_is_null(sb.journal_uuid))
        field("journal", uuid_text(sb.journal_uuid));
    field("serial", fmt::format("{}", sb.serial));
    field("created", time_text(sb.created));
}

void TextDump::geometry(const es_sb &sb) {
    field("chunk size", fmt::format("{} sectors ({})", sb.chunk_sectors,
                                    size_text(std::uint64_t{sb.chunk_sectors} << ES_SECTOR_SHIFT)));
    field("segment size", fmt::format("{} blocks ({})", sb.segment_blocks,
                                      size_text(byte_offset(sb.segment_blocks))));
    field("store size", fmt::format("{} blocks ({})", sb.device_blocks,
                                    size_text(byte_offset(sb.device_blocks))));
    field("origin size",
          fmt::format("{} sectors ({}), logical blocks of {} bytes", sb.origin_sectors,
                      size_text(sb.origin_sectors << ES_SECTOR_SHIFT), sb.origin_lbs));
}

void TextDump::lifetime(const es_sb &sb) {
    field("state", state_text(sb.state));
    field("flags", flags_text(sb.flags));
    field("epoch", fmt::format("{}", sb.epoch));
    field("next record", sb.tail_seq ? fmt::format("{}", sb.tail_seq) : "not known");
    field("index", sb.index_addr ? fmt::format("block {}, {} blocks, {} extents, {} of payload",
                                               sb.index_addr, sb.index_blocks, sb.index_extents,
                                               size_text(byte_offset(sb.payload_blocks)))
                                 : "none");
    if (sb.map.addr)
        field("chunk map",
              fmt::format("block {}, {} blocks, crc {:#010x}; replay from segment {}; "
                          "{} extents, {} of payload",
                          sb.map.addr, sb.map.blocks, sb.map.crc, sb.map.segment, sb.map.extents,
                          size_text(byte_offset(sb.map.payload_blocks))));
    if (sb.fp.nr)
        field("fingerprint",
              fmt::format("{} samples of an origin of {} sectors", sb.fp.nr, sb.fp.sectors));
    if (with_extents_)
        for (std::uint32_t i = 0; i < sb.fp.nr; ++i)
            line("    block {:>12}  crc {:#010x}", sb.fp.sample[i].block, sb.fp.sample[i].crc);
}

void TextDump::superblocks(const BlockSource &source, const Superblocks &both) {
    chunk_sectors_ = both.sb.chunk_sectors;
    line("superblock");
    field("device", fmt::format("{}, {}", source.name(), bytes_text(source.bytes())));
    copy(both.a, both.from == both.a.addr);
    copy(both.b, both.from == both.b.addr);
    identity(both.sb);
    geometry(both.sb);
    lifetime(both.sb);
    line("log");
}

// --- log ---

void TextDump::summary(const Summary &summary) {
    switch (summary.status) {
    case Summary::Status::absent:
        break;
    case Summary::Status::bad:
        line("    summary  byte {:>12}  {}", byte_offset(summary.addr),
             summary.read_error.empty() ? es_fault_text(summary.fault) : summary.read_error);
        break;
    case Summary::Status::valid:
        line("    summary  byte {:>12}  seq {:>8}  epoch {:>4}  extents {:>6}  blocks {:>6}",
             byte_offset(summary.addr), summary.footer.seq, summary.footer.epoch,
             summary.extents.size(), summary.footer.nr_blocks);
        break;
    }
}

void TextDump::gap(const Gap &gap) {
    line("    damaged  byte {:>12}  {}{}", byte_offset(gap.addr),
         gap.read_error.empty() ? es_fault_text(gap.fault) : gap.read_error,
         gap.next_seq ? fmt::format("; next record found: {}", *gap.next_seq) : "");
}

void TextDump::extents(std::span<const es_extent> list) {
    if (!with_extents_)
        return;
    for (const es_extent &extent : list) {
        if (es_extent_has_payload(&extent))
            line("      chunk {:>12} + {:<8} byte {:>12}  crc {:#010x}{}", extent.chunk, extent.nr,
                 byte_offset(extent.addr), extent.crc, extent_flags_text(extent));
        else
            line("      chunk {:>12} + {:<8}{}", extent.chunk, extent.nr,
                 extent_flags_text(extent));
    }
}

void TextDump::record(const Record &record) {
    const es_block &head = record.head;
    line("    record   byte {:>12}  seq {:>8}  epoch {:>4}  extents {:>6}  payload {:>6} blocks",
         byte_offset(head.addr), head.seq, head.epoch, record.extents.size(), head.nr_blocks);
    extents(record.extents);
}

void TextDump::segment(const Segment &segment) {
    line("  segment {}: blocks {}..{}, {}, {} records, {} blocks used", segment.number,
         segment.start, segment.start + segment.len - 1,
         segment.summary.valid() ? "closed" : "no summary", segment.records.size(), segment.used);
    for (const Record &one : segment.records)
        record(one);
    for (const Gap &one : segment.gaps)
        gap(one);
    summary(segment.summary);
}

void TextDump::log_end(const ReplayResult &replay) {
    const es_log &log = replay.log;
    if (replay.done)
        line("  end: segment {}, block {} in it; next record {}; {} extents, {} of payload",
             log.segment, log.used, log.seq, log.nr_extents,
             size_text(byte_offset(log.payload_blocks)));
    else
        line("  damaged: the replay stops at byte {}: {}", byte_offset(replay.fault_addr),
             replay.read_error.empty() ? es_fault_text(replay.fault) : replay.read_error);
}

// --- index ---

void TextDump::index_begin(const es_sb &sb) {
    line("index: {} extents in {} blocks from byte {}", sb.index_extents, sb.index_blocks,
         byte_offset(sb.index_addr));
}

void TextDump::index_block(std::uint64_t addr, const std::string &fault,
                           std::span<const es_extent> list) {
    if (!fault.empty())
        line("    damaged  byte {:>12}  {}", byte_offset(addr), fault);
    extents(list);
}

} // namespace

std::unique_ptr<DumpWriter> make_text_dump(std::ostream &out, bool with_extents) {
    return std::make_unique<TextDump>(out, with_extents);
}

} // namespace esnap
