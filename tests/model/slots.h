/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stores carved from a few big disks: each disk is cut into slots of one size,
 * and a store is a dm-linear device on a slot.
 *
 * A new store's first 64 KiB are wiped (esnap format insists on it); the rest
 * keeps whatever the slot's last user left there, which a correct store must
 * never take for its own.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devices.h"
#include "rng.h"

namespace esmodel {

class SlotPool;

/** A store's device; gives its slot back at the end. */
class Store {
public:
    Store(SlotPool &pool, std::size_t slot, const std::string &name, const Table &table);
    ~Store();
    Store(const Store &) = delete;
    Store &operator=(const Store &) = delete;

    std::string path() const { return device_.path(); }
    const std::string &number() const { return device_.number(); }
    const DmDevice &device() const { return device_; }

private:
    SlotPool &pool_;
    std::size_t slot_;
    DmDevice device_;
};

class SlotPool {
public:
    /** Devices are called @prefix and a number. */
    SlotPool(std::string prefix, Sector slot_sectors);

    void add_disk(const std::string &path);
    std::size_t free_slots() const { return free_.size(); }

    /** A store on a random free slot, a little smaller than the slot, and wiped. */
    std::unique_ptr<Store> take(Rng &rng);

private:
    friend class Store;

    struct Slot {
        std::string disk; /* major:minor */
        Sector first = 0;
        Sector block_sectors = 1;
    };

    std::string prefix_;
    Sector slot_sectors_;
    std::vector<Slot> slots_;
    std::vector<std::size_t> free_;
    unsigned taken_ = 0;
};

/** major:minor of the block device @path. */
std::string device_number(const std::string &path);

/** Writes zeros to the first 64 KiB of @path. */
void wipe_head(const std::string &path);

} // namespace esmodel
