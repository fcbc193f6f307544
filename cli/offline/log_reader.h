// SPDX-License-Identifier: GPL-2.0-only
//
// Reads a log segment by segment, record headers and summary both, and goes on behind what
// is damaged. The replay decides what belongs to the log; this shows all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "offline/replay.h"
#include "offline/window.h"

namespace esnap {

struct Record {
    es_block head{};
    std::vector<es_extent> extents;
};

/** A place where a record should begin and none does. */
struct Gap {
    std::uint64_t addr = 0;
    es_fault fault = ES_OK;                  /**< what is wrong with the header there */
    std::string read_error{};                /**< not empty: it cannot be read */
    std::uint64_t expected_seq = 0;          /**< the record that should be there; 0: any */
    std::optional<std::uint64_t> next_seq{}; /**< the next one found in the segment */
};

struct Summary {
    enum class Status { absent, bad, valid };

    Status status = Status::absent;
    std::uint64_t addr = 0;   /**< the first block, or the one that is bad */
    es_fault fault = ES_OK;   /**< why it is bad */
    std::string read_error{}; /**< not empty: that is why */
    es_block footer{};        /**< its last block */
    std::vector<es_extent> extents;

    bool valid() const { return status == Status::valid; }
};

struct Segment {
    std::uint64_t number = 0;
    std::uint64_t start = 0; /**< first block */
    std::uint32_t len = 0;   /**< in blocks */
    std::uint32_t used = 0;  /**< blocks up to the end of the last record */
    Summary summary{};
    std::vector<Record> records;
    std::vector<Gap> gaps;
};

class LogReader {
public:
    /** @replay tells where the log ends; if it failed, all segments are looked at. */
    LogReader(const BlockSource &source, const es_sb &sb, const ReplayResult &replay);

    /** The next segment that holds anything; nothing behind the last one. */
    std::optional<Segment> next();

private:
    /** What the next record must look like. */
    struct Position {
        bool known = true; // false: behind damage, any record will do
        std::uint64_t seq = 1;
        std::uint32_t prev_crc = 0;
        std::uint32_t epoch = 1;
    };

    bool is_behind_log(std::uint64_t number) const;
    bool is_open(const Segment &segment) const;
    Segment read_segment(std::uint64_t number);
    void read_summary(Segment &segment);
    void read_records(Segment &segment);
    bool is_complete(const Segment &segment) const;
    bool must_go_on(const Segment &segment) const;
    std::uint32_t scan_end(const Segment &segment) const;
    bool read_record(Segment &segment, Gap &gap);
    bool skip_to_next_record(Segment &segment, Gap &gap);
    void drop_replaced_record(Segment &segment);
    void move_behind(const Segment &segment);
    es_fault decode(std::uint64_t addr, es_block_type type, Record &out, std::string &read_error);

    const es_sb &sb_;
    const ReplayResult &replay_;
    BlockWindow window_;
    es_log geometry_{};
    std::uint64_t number_ = 0;
    Position position_;
    Position before_last_; // before the last record read
};

} // namespace esnap
