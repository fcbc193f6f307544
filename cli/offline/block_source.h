// SPDX-License-Identifier: GPL-2.0-only
//
// The seam between the offline tools and the outside world: something with blocks that can
// be read. A Device is one, a test's faulty disk another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "es_types.h"

namespace esnap {

using Bytes = std::span<std::byte>;
using ConstBytes = std::span<const std::byte>;

/** Byte offset of a block, as people look it up with dd or hexdump. */
constexpr std::uint64_t byte_offset(std::uint64_t block) {
    return block << ES_BLOCK_SHIFT;
}

class BlockSource {
public:
    virtual ~BlockSource() = default;

    /** What messages call it. */
    virtual const std::string &name() const = 0;

    /** Size in bytes and in whole blocks. */
    virtual std::uint64_t bytes() const = 0;
    std::uint64_t blocks() const { return bytes() >> ES_BLOCK_SHIFT; }

    /** Reads out.size() bytes, a multiple of the block size, from @block on; throws Error. */
    virtual void read(std::uint64_t block, Bytes out) const = 0;

protected:
    BlockSource() = default;
    BlockSource(const BlockSource &) = default;
    BlockSource(BlockSource &&) = default;
    BlockSource &operator=(const BlockSource &) = default;
    BlockSource &operator=(BlockSource &&) = default;
};

} // namespace esnap
