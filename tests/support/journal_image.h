// SPDX-License-Identifier: GPL-2.0-only
//
// A whole write journal in memory, made as the kernel makes one (JournalWriter) and then
// damaged on purpose; see store_image.h.
#pragma once

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "error.h"
#include "offline/block_source.h"
#include "support/journal_writer.h"

namespace esnap::test {

class JournalImage final : public BlockSource {
public:
    /** With @sb, never attached before. */
    explicit JournalImage(const es_jsb &sb = fresh_jsb())
        : device_(sb.device_blocks), writer_(device_) {
        JournalWriter::format(device_, sb);
    }

    void append(std::vector<es_jentry> entries) {
        if (!writer_.append(entries, 3))
            throw std::logic_error("the ring is full");
    }
    JournalWriter &writer() { return writer_; }
    CrashDevice &device() { return device_; }

    void flip(std::uint64_t byte) {
        Block block = device_.read(byte >> ES_BLOCK_SHIFT);
        block.bytes[byte % ES_BLOCK_SIZE] ^= 1;
        device_.overwrite(byte >> ES_BLOCK_SHIFT, block);
    }
    void zero(std::uint64_t block) { device_.overwrite(block, Block{}); }
    void fail_reads_of(std::uint64_t block) { unreadable_ = block; }
    void shrink(std::uint64_t blocks) { shrunk_to_ = blocks; }

    void save(const std::string &path) const {
        std::ofstream file(path, std::ios::binary);
        for (std::uint64_t addr = 0; addr < device_.blocks(); ++addr)
            file.write(reinterpret_cast<const char *>(device_.read(addr).data()), ES_BLOCK_SIZE);
    }

    const std::string &name() const override { return name_; }
    std::uint64_t bytes() const override {
        return shrunk_to_.value_or(device_.blocks()) << ES_BLOCK_SHIFT;
    }
    void read(std::uint64_t block, Bytes out) const override {
        const std::uint64_t blocks = out.size() >> ES_BLOCK_SHIFT;
        if (unreadable_ && *unreadable_ >= block && *unreadable_ < block + blocks)
            throw Error("read", name_, "Input/output error");
        for (std::uint64_t i = 0; i < blocks; ++i) {
            const Block one = device_.read(block + i);
            std::memcpy(out.data() + (i << ES_BLOCK_SHIFT), one.data(), ES_BLOCK_SIZE);
        }
    }

private:
    std::string name_ = "image";
    CrashDevice device_;
    JournalWriter writer_;
    std::optional<std::uint64_t> unreadable_;
    std::optional<std::uint64_t> shrunk_to_;
};

} // namespace esnap::test
