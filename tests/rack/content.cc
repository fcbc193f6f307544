// SPDX-License-Identifier: GPL-2.0-only
#include "content.h"

#include <array>
#include <cstring>

#include <fmt/format.h>

#include "es_env.h"

namespace rack {

namespace {

constexpr std::uint64_t magic = 0x4b434152504e5345ull; // "ESNPRACK"
constexpr std::size_t words = sector_bytes / sizeof(std::uint64_t);

/** A sector as it lies on the disk. */
struct Layout {
    std::uint64_t magic;
    std::uint64_t address;
    std::uint64_t seq;
    std::uint64_t time;
    std::uint64_t salt;
    std::uint32_t device;
    std::uint32_t writer;
    std::array<std::uint64_t, words - 7> filler;
    std::uint32_t reserved;
    std::uint32_t crc;
};
static_assert(sizeof(Layout) == sector_bytes);

std::uint32_t crc_of(const Layout &sector) {
    return es_checksum(&sector, sizeof(sector) - sizeof(sector.crc));
}

std::uint64_t hash_of(std::span<const std::byte, sector_bytes> sector) {
    std::array<std::uint64_t, words> w;
    std::memcpy(w.data(), sector.data(), sector_bytes);
    std::uint64_t hash = 0x9e3779b97f4a7c15ull;
    for (const std::uint64_t word : w) {
        hash = (hash ^ word) * 0xff51afd7ed558ccdull;
        hash ^= hash >> 29;
    }
    return hash;
}

} // namespace

void fill_sectors(std::span<std::byte> out, const Stamp &first) {
    Sector address = first.address;
    for (std::size_t at = 0; at < out.size(); at += sector_bytes, ++address) {
        Layout sector{.magic = magic,
                      .address = address,
                      .seq = first.seq,
                      .time = first.time,
                      .salt = first.salt,
                      .device = first.device,
                      .writer = first.writer,
                      .filler = {},
                      .reserved = 0,
                      .crc = 0};
        std::uint64_t x = first.seq * 0x9e3779b97f4a7c15ull ^ (address << 20) ^ first.salt;
        for (std::uint64_t &word : sector.filler)
            word = x += 0x632be59bd9b4e019ull;
        sector.crc = crc_of(sector);
        std::memcpy(out.data() + at, &sector, sector_bytes);
    }
}

std::optional<Stamp> parse_sector(std::span<const std::byte, sector_bytes> bytes) {
    Layout sector;
    std::memcpy(&sector, bytes.data(), sector_bytes);
    if (sector.magic != magic || sector.crc != crc_of(sector))
        return std::nullopt;
    return Stamp{.device = sector.device,
                 .writer = sector.writer,
                 .address = sector.address,
                 .seq = sector.seq,
                 .time = sector.time,
                 .salt = sector.salt};
}

std::string describe(const Stamp &stamp) {
    if (stamp.device == no_device)
        return "nothing that the workload wrote";
    const std::string device = stamp.device == origin_device
                                   ? "the origin"
                                   : fmt::format("view {}", stamp.device - first_view);
    if (stamp.seq == 0)
        return fmt::format("the first content of sector {} of {}", stamp.address, device);
    return fmt::format("write {} by writer {} to sector {} of {} at {} us", stamp.seq, stamp.writer,
                       stamp.address, device, stamp.time / 1000);
}

SectorPool::SectorPool(std::uint64_t salt) : salt_(salt) {
    const std::array<std::byte, sector_bytes> empty{};
    intern(empty);
}

ContentId SectorPool::intern(std::span<const std::byte, sector_bytes> sector) {
    const std::uint64_t hash = hash_of(sector);
    const auto [first, last] = by_hash_.equal_range(hash);
    for (auto it = first; it != last; ++it)
        if (std::memcmp(bytes(it->second).data(), sector.data(), sector_bytes) == 0)
            return it->second;
    const auto id = static_cast<ContentId>(stamps_.size());
    data_.insert(data_.end(), sector.begin(), sector.end());
    const auto stamp = parse_sector(sector);
    stamps_.push_back(stamp && stamp->salt == salt_ ? *stamp : Stamp{});
    by_hash_.emplace(hash, id);
    return id;
}

std::span<const std::byte, sector_bytes> SectorPool::bytes(ContentId id) const {
    return std::span<const std::byte, sector_bytes>(data_.data() + std::size_t{id} * sector_bytes,
                                                    sector_bytes);
}

} // namespace rack
