// SPDX-License-Identifier: GPL-2.0-only
//
// Attaching stores in user space, with the same core code as the module: superblocks, rules,
// replay, index, chunk map, fingerprint. Nothing is written.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "disk.h"
#include "es_jwalk.h"
#include "es_replay.h"
#include "es_rules.h"
#include "offline/block_source.h"

namespace rack {

/** A region of the disk as the offline tools want it. */
class RegionSource final : public esnap::BlockSource {
public:
    RegionSource(const Disk &disk, const SectorPool &pool, Region region)
        : disk_(disk), pool_(pool), region_(region) {}

    const std::string &name() const override { return name_; }
    std::uint64_t bytes() const override { return region_.sectors * sector_bytes; }
    void read(std::uint64_t block, esnap::Bytes out) const override;

private:
    std::string name_ = "region";
    const Disk &disk_;
    const SectorPool &pool_;
    Region region_;
};

/** Where a store has a chunk. */
struct Place {
    enum class Kind : std::uint8_t { absent, payload, zero, bad };

    Kind kind = Kind::absent;
    std::uint64_t addr = 0; /**< first payload block */
};

/** A store as an attach finds it. */
struct LoadedStore {
    std::string refused{}; /**< not empty: why it cannot be used */
    es_sb sb{};
    std::vector<Place> places{}; /**< by chunk */
};

/** Loads stores, and keeps those whose region has not changed since. */
class StoreLoader {
public:
    StoreLoader(const Disk &disk, const SectorPool &pool, const Layout &layout)
        : disk_(disk), pool_(pool), layout_(layout), machine_(std::make_unique<es_replay>()) {}

    std::shared_ptr<const LoadedStore> load(std::uint32_t slot, Sector sectors);

    /** Figures: replays done, and answered from what was kept. */
    std::uint64_t replays() const { return replays_; }
    std::uint64_t reused() const { return reused_; }

private:
    struct Kept {
        ContentHash hash = 0;
        Sector sectors = 0;
        std::shared_ptr<const LoadedStore> store;
    };

    std::shared_ptr<const LoadedStore> load_now(std::uint32_t slot, Sector sectors);
    void read_log(LoadedStore &store, const RegionSource &source);
    void read_index(LoadedStore &store, const RegionSource &source) const;
    void compare_chunk_map(LoadedStore &store, const RegionSource &source) const;
    void take(LoadedStore &store, std::span<const es_extent> extents) const;

    const Disk &disk_;
    const SectorPool &pool_;
    const Layout &layout_;
    std::unique_ptr<es_replay> machine_; // large
    std::map<std::uint32_t, std::vector<Kept>> kept_;
    std::uint64_t replays_ = 0, reused_ = 0;
};

/** Stores of a chain, oldest first, or why the module would refuse or distrust it. */
struct LoadedChain {
    std::string refused{};
    bool suspect = false; /**< it would attach, and serve no snapshot */
    std::vector<std::shared_ptr<const LoadedStore>> stores{};
};

/**
 * What the chain's journal holds, laid over an image of the origin: with core's walk, as the module
 * replays it. Returns why the module would refuse it, or nothing.
 */
std::string replay_journal(const LoadedChain &chain, const Disk &disk, const SectorPool &pool,
                           const Layout &layout, std::vector<ContentId> &image);

LoadedChain load_chain(StoreLoader &loader, const Disk &disk, const SectorPool &pool,
                       const Layout &layout,
                       std::span<const std::pair<std::uint32_t, Sector>> slots);

} // namespace rack
