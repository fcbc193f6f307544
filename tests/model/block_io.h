/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Direct I/O on block devices: aligned buffers and an open device.
 *
 * Errors are exceptions that name operation, device and place.  "Not supported"
 * is an answer (false), not an error, where a device may lack an operation.
 */
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "pattern.h"

namespace esmodel {

/** An I/O operation failed: which, where, why. */
class IoError : public std::runtime_error {
public:
    IoError(const std::string &operation, const std::string &path, Range range, int error);

    int error() const { return error_; }

private:
    int error_;
};

/** Memory for direct I/O: page aligned, or off by @skew bytes (a multiple of 512). */
class Buffer {
public:
    explicit Buffer(std::size_t bytes, std::size_t skew = 0);

    Bytes bytes() { return {memory_.get() + skew_, size_}; }
    ConstBytes bytes() const { return {memory_.get() + skew_, size_}; }
    std::byte *data() { return memory_.get() + skew_; }

private:
    struct Free {
        void operator()(std::byte *memory) const;
    };

    std::unique_ptr<std::byte, Free> memory_;
    std::size_t size_;
    std::size_t skew_;
};

/** The ways to clear a range; each may be missing on a device. */
enum class Clear {
    discard,        /**< BLKDISCARD: contents undefined afterwards */
    secure_discard, /**< BLKSECDISCARD: contents undefined afterwards */
    zeroout,        /**< BLKZEROOUT: zeros, by writing them if need be */
    punch_hole,     /**< fallocate: zeros */
    zero_range,     /**< fallocate: zeros, space stays allocated */
};

/** Do the contents read as zeros after it? */
bool leaves_zeros(Clear how);
const char *name_of(Clear how);

/** An open block device, O_DIRECT.  Safe to use from several threads at once. */
class BlockFile {
public:
    enum class Mode { read, write, durable_write /**< O_DSYNC: every write FUA or flushed */ };

    BlockFile(const std::string &path, Mode mode);
    ~BlockFile();
    BlockFile(BlockFile &&other) noexcept;
    BlockFile &operator=(BlockFile &&other) = delete;
    BlockFile(const BlockFile &) = delete;
    BlockFile &operator=(const BlockFile &) = delete;

    const std::string &path() const { return path_; }
    Sector sectors() const { return sectors_; }
    /** The logical block size in sectors: every range must be a multiple of it. */
    Sector block_sectors() const { return block_sectors_; }

    void read(Sector first, Bytes out) const;
    void write(Sector first, ConstBytes data) const;
    void flush() const;
    /** Returns false when the device cannot do it at all. */
    bool clear(Clear how, Range range) const;

private:
    std::string path_;
    int fd_;
    Sector sectors_ = 0;
    Sector block_sectors_ = 1;
};

/** Writes the pattern of @id to @range. */
void write_pattern(const BlockFile &file, Range range, WriteId id, std::size_t skew = 0);

} // namespace esmodel
