// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cstdlib>

#include "fuzz/fuzz.h"

namespace esnap::test {

void expect(bool promise) {
    if (!promise)
        std::abort();
}

std::uint64_t Input::take(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes && left_ != 0; ++i, ++data_, --left_)
        value |= static_cast<std::uint64_t>(*data_) << (8 * i);
    return value;
}

void Input::rest(Block &block) {
    const std::size_t nr = std::min(left_, block.bytes.size());
    std::copy_n(data_, nr, block.bytes.begin());
    data_ += nr;
    left_ -= nr;
}

void patch(Input &input, Block &block) {
    const std::size_t offset = input.take(2) % ES_BLOCK_SIZE;
    const auto width = static_cast<unsigned>(1u << input.take(1) % 4);
    const std::uint64_t value = input.take(width);
    for (unsigned i = 0; i < width && offset + i < ES_BLOCK_SIZE; ++i)
        block.bytes[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

Block mutated(Input &input, const Block &base, Field crc) {
    Block block;
    if (input.take(1) % 2 != 0) {
        input.rest(block);
        return block;
    }
    block = base;
    while (!input.empty())
        patch(input, block);
    fix_crc(block, crc);
    return block;
}

} // namespace esnap::test
