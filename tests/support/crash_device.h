// SPDX-License-Identifier: GPL-2.0-only
//
// A disk in memory that can lose power. Writes go to a volatile cache, sector by sector;
// a flush, or FUA for the write itself, makes them durable. When the power fails each
// 512-byte sector that was not durable keeps, independently, its durable content or any
// of the contents written since: writes are lost, torn and reordered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <vector>

#include "es_types.h"
#include "support/core_values.h"

namespace esnap::test {

/** Thrown in the middle of the write that the power failed in. */
struct PowerCut : std::runtime_error {
    PowerCut() : std::runtime_error("power cut") {}
};

class CrashDevice {
public:
    explicit CrashDevice(std::uint64_t blocks) : durable_(blocks << ES_BLOCK_SHIFT) {}

    std::uint64_t blocks() const { return durable_.size() >> ES_BLOCK_SHIFT; }
    void grow(std::uint64_t blocks) { durable_.resize(blocks << ES_BLOCK_SHIFT); }

    /** What a running machine sees: cached content where there is some. */
    void read(std::uint64_t block, std::span<std::uint8_t> out) const;
    Block read(std::uint64_t block) const;

    void write(std::uint64_t block, std::span<const std::uint8_t> data);
    /** Durable when it returns; says nothing about other writes. */
    void write_fua(std::uint64_t block, std::span<const std::uint8_t> data);
    void flush();

    /** Let the @nth write from now (1 is the next) fail with PowerCut; 0: none. */
    void cut_power_at(std::uint64_t nth) { cut_at_ = nth; }
    std::uint64_t writes() const { return writes_; }

    /** Settle what the power cut left of everything not durable. */
    void lose_power(Rng &rng);
    /** Damage: overwrite durably, whatever is cached. */
    void overwrite(std::uint64_t block, const Block &data);
    void zero(std::uint64_t block) { overwrite(block, Block{}); }

private:
    using Sector = std::array<std::uint8_t, 1u << ES_SECTOR_SHIFT>;

    void cache(std::uint64_t block, std::span<const std::uint8_t> data);
    void settle(std::uint64_t sector, const Sector &content);

    std::vector<std::uint8_t> durable_;
    std::map<std::uint64_t, std::vector<Sector>> cached_; // oldest content first
    std::uint64_t cut_at_ = 0;
    std::uint64_t writes_ = 0;
};

} // namespace esnap::test
