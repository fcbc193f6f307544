// SPDX-License-Identifier: GPL-2.0-only
#include "support/crash_device.h"

#include <algorithm>

namespace esnap::test {

namespace {

constexpr std::size_t sector_size = 1u << ES_SECTOR_SHIFT;

} // namespace

void CrashDevice::read(std::uint64_t block, std::span<std::uint8_t> out) const {
    const std::size_t start = block << ES_BLOCK_SHIFT;
    if (start + out.size() > durable_.size())
        throw std::out_of_range("read behind the end of the device");
    std::copy_n(durable_.begin() + static_cast<std::ptrdiff_t>(start), out.size(), out.begin());
    const std::uint64_t first = start / sector_size;
    const std::uint64_t end = first + out.size() / sector_size;
    for (auto it = cached_.lower_bound(first); it != cached_.end() && it->first < end; ++it)
        std::ranges::copy(it->second.back(), out.begin() + static_cast<std::ptrdiff_t>(
                                                               (it->first - first) * sector_size));
}

Block CrashDevice::read(std::uint64_t block) const {
    Block out;
    read(block, out.bytes);
    return out;
}

void CrashDevice::cache(std::uint64_t block, std::span<const std::uint8_t> data) {
    if ((block << ES_BLOCK_SHIFT) + data.size() > durable_.size())
        throw std::out_of_range("write behind the end of the device");
    std::uint64_t sector = block * ES_BLOCK_SECTORS;
    for (std::size_t at = 0; at < data.size(); at += sector_size, ++sector) {
        Sector content;
        std::ranges::copy(data.subspan(at, sector_size), content.begin());
        cached_[sector].push_back(content);
    }
    ++writes_;
    if (cut_at_ != 0 && --cut_at_ == 0)
        throw PowerCut();
}

void CrashDevice::write(std::uint64_t block, std::span<const std::uint8_t> data) {
    cache(block, data);
}

void CrashDevice::write_fua(std::uint64_t block, std::span<const std::uint8_t> data) {
    cache(block, data);
    const std::uint64_t first = block * ES_BLOCK_SECTORS;
    for (std::uint64_t s = first; s < first + data.size() / sector_size; ++s) {
        settle(s, cached_.at(s).back());
        cached_.erase(s);
    }
}

void CrashDevice::flush() {
    for (const auto &[sector, contents] : cached_)
        settle(sector, contents.back());
    cached_.clear();
}

void CrashDevice::lose_power(Rng &rng) {
    // Some disks lose all, some nothing, most something; some never tear a block.
    const auto keep = static_cast<unsigned>(std::array{0, 100, 50, 90, 10, 97}[rng.below(6)]);
    const bool whole_blocks = rng.chance(50);
    std::uint64_t block = ~0ull;
    bool kept = false;
    for (const auto &[sector, contents] : cached_) {
        if (!whole_blocks || sector / ES_BLOCK_SECTORS != block)
            kept = rng.chance(keep);
        block = sector / ES_BLOCK_SECTORS;
        if (kept)
            settle(sector, whole_blocks ? contents.back() : contents[rng.below(contents.size())]);
    }
    cached_.clear();
    cut_at_ = 0;
}

void CrashDevice::overwrite(std::uint64_t block, const Block &data) {
    const std::uint64_t first = block * ES_BLOCK_SECTORS;
    cached_.erase(cached_.lower_bound(first), cached_.lower_bound(first + ES_BLOCK_SECTORS));
    std::ranges::copy(data.bytes,
                      durable_.begin() + static_cast<std::ptrdiff_t>(block << ES_BLOCK_SHIFT));
}

void CrashDevice::settle(std::uint64_t sector, const Sector &content) {
    std::ranges::copy(content,
                      durable_.begin() + static_cast<std::ptrdiff_t>(sector * sector_size));
}

} // namespace esnap::test
