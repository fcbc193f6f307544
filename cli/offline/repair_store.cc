// SPDX-License-Identifier: GPL-2.0-only
//
// What of a store, or a journal, can be written again.
#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "error.h"
#include "offline/checker.h"
#include "offline/journal.h"
#include "offline/log_reader.h"
#include "offline/patched_source.h"
#include "offline/repair.h"

namespace esnap {

namespace {

bool has_fault(const FindingList &findings, Area area, std::uint64_t first_block,
               std::uint64_t blocks) {
    return std::ranges::any_of(findings.all(), [&](const Finding &f) {
        return f.severity == Severity::fault && f.area == area && f.offset &&
               *f.offset >= byte_offset(first_block) &&
               *f.offset < byte_offset(first_block + blocks);
    });
}

bool has_fault(const FindingList &findings, Area area) {
    return std::ranges::any_of(findings.all(), [&](const Finding &f) {
        return f.severity == Severity::fault && f.area == area;
    });
}

std::vector<std::byte> zeros(std::uint64_t blocks) {
    return std::vector<std::byte>(byte_offset(blocks));
}

/** The copy that does not count, from the one that does (@Copies: of a store or a journal). */
template <typename Copies, typename Encode>
void mend_superblock(const Copies &both, const FindingList &faults, const Encode &encode,
                     std::vector<Mend> &mends) {
    if (!both.valid() || !has_fault(faults, Area::superblock, both.other().addr, 1))
        return;
    auto sb = both.sb;
    ++sb.generation;
    if (es_sb_addr(sb.generation) != both.other().addr)
        return; // it would overwrite the good one
    Mend mend{Area::superblock, both.other().addr, zeros(1),
              fmt::format("copy {} is written again from copy {}, as generation {}",
                          both.other().letter, both.chosen().letter, sb.generation)};
    if (!both.other().read_error.empty())
        mend.what += "; if it was the newer one, what only it said is lost";
    encode(&sb, mend.data.data());
    mends.push_back(std::move(mend));
}

/** Whether it can only be of a summary, never of a record. */
bool is_summary_block(const BlockSource &source, const es_sb &sb, std::uint64_t addr) {
    es_log log{};
    es_block footer{};
    BlockBuffer block(1);
    std::vector<es_extent> extents(ES_BLOCK_EXTENTS);

    es_log_init(&log, &sb);
    if (addr < ES_DATA_BLOCK)
        return false;
    const std::uint64_t segment = (addr - ES_DATA_BLOCK) / sb.segment_blocks;
    if (segment >= es_log_segments(&log))
        return false;
    const std::uint64_t last =
        es_log_segment_start(&log, segment) + es_log_segment_len(&log, segment) - 1;
    if (addr >= last) // records leave room for it
        return addr == last;
    try {
        source.read(last, block.bytes());
    } catch (const Error &) {
        return false;
    }
    return es_block_decode(&footer, extents.data(), block.data(), ES_BLOCK_SIZE, ES_BLOCK_SUMMARY,
                           &sb, last) == ES_OK &&
           footer.pos + 1 == footer.nr_blocks && addr + footer.nr_blocks > last;
}

/**
 * The replay as it is with zeros for blocks of summaries that cannot be read, which go to @blanks:
 * a summary may be missing, its segment's records say the same, and each proves the one before it.
 */
ReplayResult replay_around(const BlockSource &source, const es_sb &sb, std::vector<Mend> &blanks) {
    for (;;) {
        const PatchedSource readable(source, blanks);
        ReplayResult replay = replay_log(readable, sb);
        if (replay.read_error.empty() || !is_summary_block(readable, sb, replay.fault_addr))
            return replay;
        blanks.push_back({Area::summary, replay.fault_addr, zeros(1),
                          "it is cleared: without a summary the segment's records count"});
    }
}

/** The log, if it is whole: nothing is missing, nothing there twice. */
struct Log {
    es_log end{};
    std::vector<Segment> segments;
    std::vector<PlacedExtent> sorted;
};

std::optional<Log> read_whole_log(const BlockSource &source, const es_sb &sb,
                                  const ReplayResult &replay) {
    LogReader reader(source, sb, replay);
    Log log{.end = replay.log, .segments = {}, .sorted = {}};

    while (auto segment = reader.next()) {
        if (!segment->gaps.empty())
            return {};
        for (const Record &record : segment->records)
            for (const es_extent &extent : record.extents)
                log.sorted.push_back({extent, record.head.addr});
        log.segments.push_back(std::move(*segment));
    }
    FindingList twice;
    check_extents(sb, log.sorted, twice);
    if (!twice.clean() || log.sorted.size() != log.end.nr_extents)
        return {};
    return log;
}

class StoreMender {
public:
    StoreMender(const BlockSource &source, const es_sb &sb, const FindingList &faults,
                std::vector<Mend> &mends)
        : source_(source), sb_(sb), faults_(faults), mends_(mends) {}

    /** @blanks: as replay_around() has found them. */
    void run(const Log &log, const std::vector<Mend> &blanks);

private:
    void mend_summary(const Segment &segment);
    void clear(const Mend &blank);
    void mend_index(const Log &log);
    void mend_map(const Log &log);
    void add(Area area, std::uint64_t addr, std::vector<std::byte> data, const std::string &what);

    const BlockSource &source_;
    const es_sb &sb_;
    const FindingList &faults_;
    std::vector<Mend> &mends_;
};

/* Only blocks that are not as they should be. */
void StoreMender::add(Area area, std::uint64_t addr, std::vector<std::byte> data,
                      const std::string &what) {
    for (std::size_t at = 0; at < data.size(); at += ES_BLOCK_SIZE, ++addr) {
        BlockBuffer found(1);
        try {
            source_.read(addr, found.bytes());
            if (std::memcmp(found.data(), data.data() + at, ES_BLOCK_SIZE) == 0)
                continue;
        } catch (const Error &) {
            // that it cannot be read is what shall be mended
        }
        mends_.push_back({area,
                          addr,
                          {data.begin() + static_cast<std::ptrdiff_t>(at),
                           data.begin() + static_cast<std::ptrdiff_t>(at) + ES_BLOCK_SIZE},
                          what});
    }
}

void StoreMender::mend_summary(const Segment &segment) {
    std::vector<es_extent> extents;
    es_log log{};

    if (!has_fault(faults_, Area::summary, segment.start, segment.len) || segment.records.empty())
        return;
    for (const Record &record : segment.records)
        extents.insert(extents.end(), record.extents.begin(), record.extents.end());
    const std::uint64_t blocks = es_table_blocks(extents.size());
    if (segment.used + blocks > segment.len)
        return;
    const es_block &last = segment.records.back().head;
    es_log_init(&log, &sb_);
    log.segment = segment.number;
    log.nr_open = static_cast<u32>(extents.size());
    log.epoch = last.epoch;
    log.seq = last.seq + 1;
    log.prev_crc = last.crc;
    std::vector<std::byte> data = zeros(blocks);
    for (u32 pos = 0; pos < blocks; ++pos)
        es_log_summary(&log, extents.data(), pos, data.data() + byte_offset(pos));
    add(Area::summary, segment.start + segment.len - blocks, std::move(data),
        fmt::format("the summary of segment {} is written again from its records", segment.number));
}

/* Unless it is mended as part of a summary that is written again, or is the index's or the chunk
 * map's. */
void StoreMender::clear(const Mend &blank) {
    const std::uint64_t behind_log = sb_.state == ES_STATE_SEALED ? sb_.index_addr : sb_.map.addr;

    if (behind_log != 0 && blank.addr >= behind_log)
        return;
    if (std::ranges::find(mends_, blank.addr, &Mend::addr) == mends_.end())
        mends_.push_back(blank);
}

void StoreMender::mend_index(const Log &log) {
    const std::uint64_t nr = log.sorted.size(), blocks = es_table_blocks(nr);
    std::vector<es_extent> extents;

    if (sb_.state != ES_STATE_SEALED || sb_.kind != ES_KIND_SNAPSHOT ||
        !has_fault(faults_, Area::index))
        return;
    if (sb_.index_extents != nr || sb_.index_blocks != blocks ||
        sb_.index_addr < es_log_used_blocks(&log.end))
        return; // not the index of this log
    for (const PlacedExtent &placed : log.sorted)
        extents.push_back(placed.extent);
    std::vector<std::byte> data = zeros(blocks);
    for (u32 pos = 0; pos < blocks; ++pos) {
        const u32 first = pos * ES_BLOCK_EXTENTS;
        const u32 here = static_cast<u32>(std::min<std::uint64_t>(nr - first, ES_BLOCK_EXTENTS));
        es_log_index(&log.end, sb_.index_addr, sb_.index_blocks, pos, extents.data() + first, here,
                     data.data() + byte_offset(pos));
    }
    add(Area::index, sb_.index_addr, std::move(data), "the index is written again from the log");
}

void StoreMender::mend_map(const Log &log) {
    if (!sb_.map.addr || !has_fault(faults_, Area::map) ||
        sb_.map.addr < es_log_used_blocks(&log.end))
        return;
    const std::vector<u64> words = chunkmap_words(sb_, log.sorted);
    std::vector<std::byte> data = zeros(sb_.map.blocks);
    u32 crc = ~u32{0};
    for (std::uint64_t pos = 0; pos < sb_.map.blocks; ++pos) {
        std::byte *block = data.data() + byte_offset(pos);
        es_chunkmap_encode(words.data() + pos * (ES_CHUNKMAP_CHUNKS / 64),
                           es_chunkmap_chunks(&sb_, pos), block);
        crc = es_crc32c(crc, block, ES_BLOCK_SIZE);
    }
    if (~crc == sb_.map.crc)
        add(Area::map, sb_.map.addr, std::move(data),
            "the chunk map is written again from the log");
}

void StoreMender::run(const Log &log, const std::vector<Mend> &blanks) {
    for (const Segment &segment : log.segments)
        if (segment.number < log.end.segment)
            mend_summary(segment);
    for (const Mend &blank : blanks)
        clear(blank);
    mend_index(log);
    mend_map(log);
}

} // namespace

std::vector<Mend> mend_store(const BlockSource &source, const FindingList &faults) {
    const Superblocks both = read_superblocks(source);
    std::vector<Mend> mends;

    if (es_sb_check_device(&both.sb, source.blocks()) != ES_OK)
        return mends; // a part of it is missing
    /* A log that goes on where this copy has it end shows that the other one was newer. */
    std::vector<Mend> blanks;
    const ReplayResult replay = replay_around(source, both.sb, blanks);
    if (!replay.done)
        return mends;
    if (const auto log = read_whole_log(PatchedSource(source, blanks), both.sb, replay))
        StoreMender(source, both.sb, faults, mends).run(*log, blanks);
    mend_superblock(both, faults, es_sb_encode, mends);
    return mends;
}

std::vector<Mend> mend_journal(const BlockSource &source, const FindingList &faults) {
    std::vector<Mend> mends;

    const JournalSuperblocks both = read_journal_superblocks(source);
    if (both.valid() && walk_journal(source, both.sb, both.sb.needed, [](const auto &) {}).done)
        mend_superblock(both, faults, es_jsb_encode, mends);
    return mends;
}

} // namespace esnap
