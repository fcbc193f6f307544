// SPDX-License-Identifier: GPL-2.0-only
//
// Everything at once: writers with overlapping ranges, on the origin and on views; readers of
// the origin, of all snapshots and of all views; and an administrator who reloads tables, takes
// and drops snapshots, makes and drops views, grows what is nearly full, puts a journal in and
// takes it out, and makes disks slow and fast again. Every sector that is read says which write it
// is, and is judged (ledger.h, board.h).
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "board.h"
#include "field.h"

namespace races {

struct RaceOptions {
    std::uint64_t seed = 1;
    unsigned seconds = 60;
    unsigned writers = 6;
    unsigned readers = 4;
    unsigned most_delay = 20; /**< of a leg, in ms */
    std::string disk;
};

class Race {
public:
    explicit Race(const RaceOptions &options);

    /** Until time is up; then everything is read once more, taken down, and checked. Throws. */
    void run();
    std::string describe() const;
    /** Grows while anything goes on. */
    std::uint64_t pulse() const { return sectors_read_ + sectors_written_ + changes_; }

private:
    // Actors; each is called again and again in a thread of its own.
    void write_origin(unsigned writer, esmodel::Rng &rng);
    void read_origin(esmodel::Rng &rng);
    void write_view(unsigned writer, esmodel::Rng &rng);
    template <typename Thing>
    void read_any(const Shelf<Thing> &shelf, esmodel::Rng &rng);
    void act(unsigned actor);

    Range random_range(esmodel::Rng &rng) const;
    void write(const BlockFile &file, Ledger &ledger, Stamp stamp, Range range);
    template <typename Judge>
    void judge(const BlockFile &file, Range range, const Judge &shows, Look *look);
    void verify(Snapshot &snapshot, Range range);
    void verify(View &view, Range range);

    // The administrator.
    void administrate();
    void change_something();
    bool grow_what_is_full();
    void reload();
    void take_snapshot();
    void drop_oldest();
    void make_view();
    void drop_view();
    void toggle_journal();
    void change_delay();
    std::optional<unsigned> free_slot() const;
    std::vector<unsigned> stores() const;
    void switch_to(const std::vector<unsigned> &stores);
    void verify_all();
    void take_down();

    const RaceOptions options_;
    esmodel::Rng rng_; // the administrator's
    Clock clock_;
    const Geometry geometry_;
    Field field_;
    Ledger origin_;
    std::unique_ptr<BlockFile> plain_, durable_;
    Shelf<Snapshot> snapshots_;
    Shelf<View> views_;
    std::uint32_t next_view_ = 0;
    bool with_journal_ = false;
    std::map<std::string, unsigned> done_; // changes by name
    std::atomic<std::uint64_t> sectors_read_ = 0, sectors_written_ = 0, changes_ = 0;
    std::atomic<bool> stop_ = false;
    std::mutex failure_lock_;
    std::string failure_; // guarded by failure_lock_
};

} // namespace races
