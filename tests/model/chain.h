/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One origin with its chain of snapshots, their views, and its journal: the live devices, and
 * beside each of them the model of what it must hold.
 *
 * The functions here change devices and keep the models in step; they verify
 * nothing.  All are to be called from one thread; the open devices may be read
 * and written from any.
 */
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "block_io.h"
#include "devices.h"
#include "model.h"
#include "slots.h"
#include "targets.h"

namespace esmodel {

/** A device-mapper device, open for direct I/O. */
struct OpenDevice {
    OpenDevice(const std::string &name, const Table &table, Access access);

    DmDevice device;
    BlockFile file; /* closed before the device is removed */
};

struct Snapshot {
    unsigned number = 0; /**< counts from 1 and is never used again */
    std::unique_ptr<Store> store;
    Image content;
    std::unique_ptr<OpenDevice> image; /**< null while closed */
};

struct View {
    unsigned number = 0;
    unsigned snapshot = 0; /**< number of the snapshot it shows */
    std::unique_ptr<Store> store;
    std::shared_ptr<Image> content;
    std::unique_ptr<OpenDevice> open; /**< null while detached */
    bool is_pinned = false;           /**< another chain's origin: leave it alone */
};

/** What happens around the switch to a new table. */
struct SwitchHooks {
    std::function<void()> before_suspend = [] {};
    std::function<void()> after_resume = [] {};
};

struct ChainSetup {
    std::string name; /**< prefix of its devices */
    unsigned index = 0;
    std::string origin_path;
    Sector sectors = 0;
    unsigned chunk_sectors = 0;
    std::vector<std::string> features;
    std::shared_ptr<Image> content; /**< what the origin holds */
};

class Chain {
public:
    Chain(ChainSetup setup, const Targets &targets, SlotPool &stores);
    ~Chain();
    Chain(const Chain &) = delete;
    Chain &operator=(const Chain &) = delete;

    const ChainSetup &setup() const { return setup_; }
    const Targets &targets() const { return targets_; }
    std::size_t free_slots() const { return pool_.free_slots(); }

    /** The device users see. */
    OpenDevice &origin() { return *org_; }
    Image &content() { return *setup_.content; }
    /** Oldest first. */
    std::vector<std::unique_ptr<Snapshot>> &snapshots() { return snapshots_; }
    std::vector<std::unique_ptr<View>> &views() { return views_; }

    /** Brings the origin up, and with attach() every image and every view as well. */
    void attach_origin();
    void attach();
    /** Takes all of them down, views first. */
    void detach();

    /** Formats a store, appends it to the live table; the new snapshot holds the model as it is
     * now. */
    Snapshot &add_snapshot(Rng &rng, DmDevice::Flush flush, const SwitchHooks &hooks = {});
    /** Leaves the oldest store out; its image and views go first. */
    void remove_oldest(DmDevice::Flush flush);
    /** Loads the present table again, as built or as the kernel prints it. */
    enum class Source { built, printed };
    void reload(Source source, DmDevice::Flush flush, const SwitchHooks &hooks = {});

    void open_image(Snapshot &snapshot);
    void close_image(Snapshot &snapshot) { snapshot.image.reset(); }

    View &add_view(Rng &rng, Snapshot &snapshot);
    void remove_view(unsigned number);
    bool has_pinned_view(const Snapshot &snapshot) const;

    /** Formats a journal and takes it into use; there is a snapshot, and no journal. */
    void add_journal(Rng &rng, DmDevice::Flush flush, const SwitchHooks &hooks = {});
    void remove_journal(DmDevice::Flush flush, const SwitchHooks &hooks = {});
    bool has_journal() const { return journal_ != nullptr; }
    /** Everything acknowledged is in place when it returns, with a journal or without. */
    void drain() const;

    /** The paths of all stores, those of views and the journal included. */
    std::vector<std::string> store_paths() const;

private:
    Table org_table() const;
    void switch_table(const Table &table, DmDevice::Flush flush, const SwitchHooks &hooks);
    void open_view(View &view);
    Snapshot &snapshot_of(const View &view);

    ChainSetup setup_;
    std::string origin_number_;
    const Targets &targets_;
    SlotPool &pool_;
    std::unique_ptr<OpenDevice> org_;
    std::unique_ptr<Store> journal_;
    std::vector<std::unique_ptr<Snapshot>> snapshots_;
    std::vector<std::unique_ptr<View>> views_;
    unsigned snapshots_made_ = 0;
    unsigned views_made_ = 0;
};

} // namespace esmodel
