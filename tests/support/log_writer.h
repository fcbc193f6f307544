// SPDX-License-Identifier: GPL-2.0-only
//
// A store in user space that writes its device as the kernel does: one append at a time,
// header and payload in one FUA write; a summary goes out with the append that follows it,
// without a flush of its own; a superblock commit is PREFLUSH|FUA and its epoch is durable
// before the first append. A view's payload is durable before its header is written.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "es_replay.h"
#include "support/crash_device.h"

namespace esnap::test {

/** What a replay gave out. */
struct Replayed {
    es_fault fault = ES_OK;
    std::uint64_t fault_addr = 0;
    es_log log{};
    std::uint64_t wipe_addr = 0;
    std::vector<es_extent> extents; // all, in order, what came twice once
    std::vector<es_extent> open;    // of the open segment
    std::uint64_t reads = 0;
    std::uint64_t surprises = 0; // of them, blocks that no earlier read hinted at
};

using ReadBlock = std::function<Block(std::uint64_t addr)>;

/** Run the replay machine over @read. */
Replayed replay(const es_sb &sb, const ReadBlock &read, std::uint64_t stop_seq = 0);
/** From where the chunk map says. */
Replayed replay_skipping(const es_sb &sb, const CrashDevice &device);
Replayed replay(const es_sb &sb, const CrashDevice &device, std::uint64_t stop_seq = 0);

/** Whether the payload of @e is what its checksum says. */
bool payload_ok(const es_sb &sb, const ReadBlock &read, const es_extent &e);

/** The superblock that counts on @device. */
es_fault read_superblock(const CrashDevice &device, es_sb &sb);

class LogWriter {
public:
    explicit LogWriter(CrashDevice &device) : device_(device) {}

    /** Write both copies of @sb, as a formatted store that was never attached. */
    static void format(CrashDevice &device, es_sb sb);

    /** Replay, then commit the new epoch unless the replay failed. */
    Replayed attach();
    void detach();
    /** With a chunk map behind the log, which must have room for it. */
    void detach_with_map();
    /** Use more of the device. Commits twice: neither copy may know the old size only. */
    void grow(std::uint64_t device_blocks);

    /**
     * Append one record. Of @extents (chunk, nr and flags filled in) takes as many as fit,
     * in order, and returns how many those were: 0 means that the store is full. An
     * extent's payload follows from its first chunk and @salt; crc and addr are filled in.
     */
    std::size_t append(std::vector<es_extent> &extents, std::uint64_t salt);

    /** Close the open segment although it has room; its summary goes out unflushed. */
    void close_segment();

    const es_sb &sb() const { return sb_; }
    const es_log &log() const { return log_; }
    bool full() const { return log_.segment >= es_log_segments(&log_); }
    /** What the append under way, cut by PowerCut, had in it. */
    const std::vector<es_extent> &in_flight() const { return in_flight_; }

private:
    void commit();
    std::size_t fitting(const std::vector<es_extent> &extents) const;
    void write_record(std::vector<es_extent> &extents, std::size_t nr, std::uint64_t salt);

    CrashDevice &device_;
    es_sb sb_{};
    es_log log_{};
    std::vector<es_extent> open_;
    std::vector<es_extent> in_flight_;
};

} // namespace esnap::test
