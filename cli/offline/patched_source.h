// SPDX-License-Identifier: GPL-2.0-only
//
// A device as it will be when mends have been made.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "offline/repair.h"

namespace esnap {

class PatchedSource final : public BlockSource {
public:
    PatchedSource(const BlockSource &source, const std::vector<Mend> &mends) : source_(source) {
        for (const Mend &mend : mends)
            for (std::size_t at = 0; at < mend.data.size(); at += ES_BLOCK_SIZE)
                blocks_[mend.addr + at / ES_BLOCK_SIZE] = mend.data.data() + at;
    }

    const std::string &name() const override { return source_.name(); }
    std::uint64_t bytes() const override { return source_.bytes(); }

    /* Block by block where anything is patched: what is underneath may be unreadable. */
    void read(std::uint64_t block, Bytes out) const override {
        const std::uint64_t end = block + out.size() / ES_BLOCK_SIZE;
        const auto first = blocks_.lower_bound(block);

        if (first == blocks_.end() || first->first >= end) {
            source_.read(block, out);
            return;
        }
        for (; block < end; ++block, out = out.subspan(ES_BLOCK_SIZE)) {
            const auto found = blocks_.find(block);
            if (found == blocks_.end())
                source_.read(block, out.first(ES_BLOCK_SIZE));
            else
                std::memcpy(out.data(), found->second, ES_BLOCK_SIZE);
        }
    }

private:
    const BlockSource &source_;
    std::map<std::uint64_t, const std::byte *> blocks_;
};

} // namespace esnap
