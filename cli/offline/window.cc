// SPDX-License-Identifier: GPL-2.0-only
#include "offline/window.h"

#include <algorithm>

#include "error.h"

namespace esnap {

namespace {

constexpr std::uint64_t window_blocks = 64;

} // namespace

BlockWindow::BlockWindow(const BlockSource &source) : source_(source), buffer_(window_blocks) {}

ConstBytes BlockWindow::block(std::uint64_t addr) {
    if (addr < first_ || addr - first_ >= count_) {
        const std::uint64_t end = source_.blocks();
        std::uint64_t want = addr < end ? std::min(window_blocks, end - addr) : 1;
        count_ = 0;
        try {
            source_.read(addr, buffer_.bytes().first(byte_offset(want)));
        } catch (const Error &) {
            // A bad block nearby must not hide the one asked for.
            want = 1;
            source_.read(addr, buffer_.bytes().first(byte_offset(want)));
        }
        first_ = addr;
        count_ = want;
    }
    return buffer_.bytes().subspan(byte_offset(addr - first_), ES_BLOCK_SIZE);
}

} // namespace esnap
