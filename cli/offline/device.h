// SPDX-License-Identifier: GPL-2.0-only
//
// A block device, or a regular file in its place, in blocks. It is read and written past
// the page cache: the kernel writes below that cache, so what it holds of a live store may
// be old.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "offline/block_source.h"
#include "offline/file.h"

namespace esnap {

/** Memory for direct I/O: aligned to a block, zero at first. */
class BlockBuffer {
public:
    explicit BlockBuffer(std::size_t blocks);

    Bytes bytes() { return {memory_.get(), size_}; }
    ConstBytes bytes() const { return {memory_.get(), size_}; }
    std::byte *data() { return memory_.get(); }
    const std::byte *data() const { return memory_.get(); }

private:
    struct Free {
        void operator()(std::byte *memory) const;
    };

    std::unique_ptr<std::byte, Free> memory_;
    std::size_t size_;
};

class Device final : public BlockSource {
public:
    /** Opens it to be read; it may be in use. Throws Error. */
    static Device open_to_read(const std::string &path);

    /** Opens a device that nobody else uses to be read and written. Throws Error. */
    static Device open_exclusively(const std::string &path);

    const std::string &name() const override { return file_.path(); }
    std::uint64_t bytes() const override { return file_.bytes(); }
    void read(std::uint64_t block, Bytes out) const override;
    std::uint32_t logical_block_bytes() const { return file_.logical_block_bytes(); }

    /** Writes whole blocks; durable only after flush(). */
    void write(std::uint64_t block, ConstBytes data);
    void flush() { file_.flush(); }

    /** Whether both are the same device or file, whatever their paths. */
    bool is_same_as(const Device &other) const {
        return file_.identity() == other.file_.identity();
    }

    /** What the kernel says holds it. */
    std::vector<std::string> holders() const { return file_.holders(); }

private:
    explicit Device(File file) : file_(std::move(file)) {}

    File file_;
};

} // namespace esnap
