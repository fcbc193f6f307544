// SPDX-License-Identifier: GPL-2.0-only
//
// The workload whose log is replayed: writers on the origin and on views, who write sectors
// that say what they are, with and without FUA, and flush; and between their writes what an
// administrator does: snapshots, removals, views, growing stores, detaching and attaching.
//
// Everything follows from the seed but the times at which threads get on. Every acknowledged
// write, flush and change leaves a mark in the log (event.h).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "block_io.h"
#include "rng.h"
#include "stack.h"

namespace rack {

struct WorkloadOptions {
    std::uint64_t seed = 1;
    std::uint64_t writes = 1500; /**< in all */
    unsigned writers = 3;        /**< of the origin */
    bool with_journal = false;
};

/** Geometry from the seed. */
Layout layout_for(std::uint64_t seed, bool with_journal);

class Workload {
public:
    Workload(const WorkloadOptions &options, const Disks &disks);
    ~Workload();

    /** To its end; everything is taken down. Throws when anything fails. */
    void run();
    std::string describe() const;

private:
    /** An open device that is written to. */
    struct Open {
        Open(const std::string &path, std::uint64_t number);

        std::uint64_t device; // as in Stamp
        esmodel::BlockFile plain, fua;
    };
    struct SnapshotSlot {
        std::uint64_t number;
        std::uint32_t slot;
    };
    struct ViewSlot {
        std::uint64_t number;
        std::uint64_t snapshot;
        std::uint32_t slot;
        std::unique_ptr<esmodel::DmDevice> device{};
        std::unique_ptr<Open> open{};
    };

    void write_first_content(const Disks &disks) const;
    // Writers; each holds pause_ shared while it does an operation.
    std::shared_lock<std::shared_mutex> wait_for_turn();
    void write_origin(unsigned writer);
    void write_views(unsigned writer);
    void operate(Open &file, unsigned writer, esmodel::Range range, esmodel::Rng &rng);
    void write(Open &file, unsigned writer, esmodel::Range range, bool fua);
    void flush(Open &file);
    esmodel::Range origin_range(unsigned writer, esmodel::Rng &rng) const;
    void guarded(void (Workload::*body)(unsigned), unsigned writer);
    // What an administrator does; writers are paused.
    void change_something();
    void take_snapshot();
    void add_journal();
    void drop_oldest();
    void make_view();
    void drop_view(std::size_t index);
    void grow_slot();
    void reattach();
    void open_view(ViewSlot &view);
    std::vector<std::uint32_t> stores() const;
    std::optional<std::uint32_t> free_slot() const;
    Sector first_size();
    std::string segment_option();
    void take_down();

    const WorkloadOptions options_;
    const Layout layout_;
    esmodel::Rng rng_;
    std::unique_ptr<Stack> stack_;
    std::unique_ptr<Open> org_;
    std::vector<SnapshotSlot> snapshots_;
    std::vector<std::unique_ptr<ViewSlot>> views_;
    std::map<std::uint32_t, Sector> sizes_;
    std::uint64_t next_snapshot_ = 1, next_view_ = 1;
    std::atomic<std::uint64_t> seq_ = 0, flushes_ = 0;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> pausing_ = false; // a lock of pause_ prefers those who share it
    std::shared_mutex pause_;
    std::mutex failure_lock_;
    std::string failure_;
    std::map<std::string, unsigned> done_; // changes by name
};

} // namespace rack
