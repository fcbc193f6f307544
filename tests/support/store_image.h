// SPDX-License-Identifier: GPL-2.0-only
//
// A whole store in memory, made as the kernel makes one (LogWriter) and then damaged on
// purpose; it can be read by the offline tools directly, or saved to a file for a command.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "offline/block_source.h"
#include "support/crash_device.h"
#include "support/log_writer.h"

namespace esnap::test {

/** Where one record of the log lies. */
struct RecordPlace {
    std::uint64_t addr = 0;    // of the header
    std::uint64_t payload = 0; // its first block; meaningful if the record has any
    std::uint64_t segment = 0;
};

class StoreImage final : public BlockSource {
public:
    /** Formatted, never attached; epoch, flags and generation of @sb do not count. */
    explicit StoreImage(es_sb sb);
    /** As sample_sb(): 4 KiB chunks, 64-block segments, 4 MiB. */
    StoreImage();

    // --- life of a store ---

    void attach();
    void detach() { writer_.detach(); }
    void detach_with_map() { writer_.detach_with_map(); }
    void close_segment() { writer_.close_segment(); }
    void grow(std::uint64_t blocks) { writer_.grow(blocks); }
    /** Appends @extents (chunk, nr, flags) in as many records as it takes; throws when full. */
    void append(std::vector<es_extent> extents);
    /** @nr chunks from @chunk on, in one extent. */
    void append(std::uint64_t chunk, std::uint32_t nr) { append({make_extent(chunk, nr)}); }
    /** A segment whose summary has several blocks: 3 records of 168 zero extents; then one more. */
    void append_with_long_summary();
    /** Writes the index and commits the state, as when a newer store has taken over. */
    void seal();

    // --- damage ---

    void flip(std::uint64_t byte, std::uint8_t mask = 1);
    void zero(std::uint64_t block) { device_.zero(block); }
    /** Changes the superblock copy at @addr, which stays valid in itself. */
    void edit_superblock(std::uint64_t addr, const std::function<void(es_sb &)> &change);
    /** Reading this block fails from now on. */
    void fail_reads_of(std::uint64_t block) { unreadable_ = block; }
    /** The device is cut off behind @blocks. */
    void shrink(std::uint64_t blocks) { shrunk_to_ = blocks; }

    // --- what is where ---

    const es_sb &sb() const { return writer_.sb(); }
    const std::vector<RecordPlace> &records() const { return records_; }
    std::uint64_t segment_start(std::uint64_t segment) const;
    /** The last block of a segment, where its summary ends. */
    std::uint64_t segment_last(std::uint64_t segment) const;
    /** Address of the superblock copy that counts, and of the other one. */
    std::uint64_t newer_copy() const;
    std::uint64_t older_copy() const;

    CrashDevice &device() { return device_; }
    LogWriter &writer() { return writer_; }

    void save(const std::filesystem::path &path) const;

    // --- BlockSource ---

    const std::string &name() const override { return name_; }
    std::uint64_t bytes() const override;
    void read(std::uint64_t block, Bytes out) const override;

private:
    es_sb superblock() const;

    std::string name_ = "image";
    CrashDevice device_;
    LogWriter writer_;
    std::vector<RecordPlace> records_;
    std::vector<es_extent> extents_;
    std::optional<std::uint64_t> unreadable_;
    std::optional<std::uint64_t> shrunk_to_;
};

/** A directory of its own for a test; removed with all that is in it. */
class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir &) = delete;
    TempDir &operator=(const TempDir &) = delete;

    std::string path(const std::string &name) const { return (path_ / name).string(); }
    /** A file of zeros; returns its path. */
    std::string file(const std::string &name, std::uint64_t bytes) const;

private:
    std::filesystem::path path_;
};

} // namespace esnap::test
