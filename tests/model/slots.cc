// SPDX-License-Identifier: GPL-2.0-only
#include "slots.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fmt/format.h>

#include "block_io.h"

namespace esmodel {

namespace {

constexpr std::size_t head_bytes = 64 * 1024;
/* How much smaller than its slot a store may be: stores of odd sizes must work. */
constexpr Sector size_variation = 1024;

} // namespace

std::string device_number(const std::string &path) {
    struct stat info {};

    if (::stat(path.c_str(), &info) != 0)
        throw IoError("stat", path, {}, errno);
    if (!S_ISBLK(info.st_mode))
        throw IoError("stat", path, {}, ENOTBLK);
    return fmt::format("{}:{}", major(info.st_rdev), minor(info.st_rdev));
}

void wipe_head(const std::string &path) {
    const BlockFile file(path, BlockFile::Mode::write);
    Buffer zeros(std::min<std::size_t>(head_bytes, file.sectors() * sector_bytes));

    std::memset(zeros.data(), 0, zeros.bytes().size());
    file.write(0, zeros.bytes());
}

Store::Store(SlotPool &pool, std::size_t slot, const std::string &name, const Table &table)
    : pool_(pool), slot_(slot), device_(name, table) {}

Store::~Store() {
    pool_.free_.push_back(slot_);
}

SlotPool::SlotPool(std::string prefix, Sector slot_sectors)
    : prefix_(std::move(prefix)), slot_sectors_((slot_sectors + 2047) / 2048 * 2048) {}

void SlotPool::add_disk(const std::string &path) {
    const BlockFile disk(path, BlockFile::Mode::read);
    const std::string number = device_number(path);

    for (Sector at = 0; at + slot_sectors_ <= disk.sectors(); at += slot_sectors_) {
        free_.push_back(slots_.size());
        slots_.push_back({number, at, disk.block_sectors()});
    }
}

std::unique_ptr<Store> SlotPool::take(Rng &rng) {
    if (free_.empty())
        throw std::runtime_error("no free slot for a store: use a larger disk");

    const std::size_t at = rng.below(free_.size());
    const std::size_t slot = free_[at];
    const Slot &place = slots_[slot];
    const Sector less = rng.below(size_variation) / place.block_sectors * place.block_sectors;
    const Table table = linear_table(place.disk, {place.first, slot_sectors_ - less});
    auto store = std::make_unique<Store>(*this, slot, fmt::format("{}{}", prefix_, taken_), table);

    free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(at));
    taken_++;
    wipe_head(store->path());
    return store;
}

} // namespace esmodel
