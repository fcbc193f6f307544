// SPDX-License-Identifier: GPL-2.0-only
//
// What is there to be read and written at this moment. Whoever uses a snapshot or view holds it
// by a shared pointer; it is taken off the board first, and down when nobody holds it any more.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "block_io.h"
#include "content.h"
#include "devices.h"
#include "ledger.h"
#include "rng.h"

namespace races {

using esmodel::BlockFile;
using esmodel::DmDevice;
using rack::Stamp;

/** A device with its image, open for those who read it. */
struct Opened {
    explicit Opened(DmDevice made, BlockFile::Mode mode)
        : device(std::move(made)), file(device.path(), mode) {}

    DmDevice device;
    BlockFile file;
};

/** A snapshot. What a sector showed once it shows for ever. */
struct Snapshot {
    Snapshot(unsigned its_slot, Look its_instant)
        : slot(its_slot), instant(std::move(its_instant)), seen_(instant.floor.size()) {}

    /** Is this what @sector shows? @written: of the origin. */
    bool shows(const Ledger &written, Sector sector, const Stamp &stamp);

    const unsigned slot;
    const Look instant; /**< from before the switch until after it */
    std::unique_ptr<Opened> image{};

private:
    std::vector<std::atomic<Number>> seen_; // by sector: the write's number and one; 0: none yet
};

struct View {
    View(Clock &clock, std::uint32_t its_number, unsigned its_slot, std::shared_ptr<Snapshot> of)
        : number(its_number), slot(its_slot), base(std::move(of)),
          written(clock, base->instant.floor.size()) {}

    /** May @sector have shown this during @look, a look at what was written to the view? */
    bool shows(const Ledger &origin, const Look &look, Sector sector, const Stamp &stamp);

    const std::uint32_t number;
    const unsigned slot;
    const std::shared_ptr<Snapshot> base;
    Ledger written;
    std::unique_ptr<Opened> device{};
};

/** Thread-safe. */
template <typename Thing>
class Shelf {
public:
    std::shared_ptr<Thing> any(esmodel::Rng &rng) const {
        const std::lock_guard lock(lock_);
        return things_.empty() ? nullptr : rng.pick(things_);
    }
    std::vector<std::shared_ptr<Thing>> all() const {
        const std::lock_guard lock(lock_);
        return things_;
    }
    std::size_t size() const {
        const std::lock_guard lock(lock_);
        return things_.size();
    }
    void add(std::shared_ptr<Thing> thing) {
        const std::lock_guard lock(lock_);
        things_.push_back(std::move(thing));
    }
    void take_off(const std::shared_ptr<Thing> &thing) {
        const std::lock_guard lock(lock_);
        std::erase(things_, thing);
    }

private:
    mutable std::mutex lock_;
    std::vector<std::shared_ptr<Thing>> things_; // guarded by lock_; oldest first
};

} // namespace races
