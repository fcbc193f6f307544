// SPDX-License-Identifier: GPL-2.0-only
//
// Reading single blocks that mostly follow each other without a system call for each.
#pragma once

#include "offline/device.h"

namespace esnap {

class BlockWindow {
public:
    explicit BlockWindow(const BlockSource &source);

    /** Block @addr; valid until the next call. Throws Error. */
    ConstBytes block(std::uint64_t addr);

private:
    const BlockSource &source_;
    BlockBuffer buffer_;
    std::uint64_t first_ = 0; // first block in the window
    std::uint64_t count_ = 0; // blocks in it
};

} // namespace esnap
