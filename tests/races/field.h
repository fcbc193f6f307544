// SPDX-License-Identifier: GPL-2.0-only
//
// The devices: one disk cut into legs, for the origin, a journal, and stores of snapshots and
// views; each leg has a delay that can be changed under load. On them the chain.
//
// Used by one thread. Units: sectors.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices.h"
#include "rng.h"
#include "targets.h"

namespace races {

using esmodel::DmDevice;
using esmodel::Sector;

struct Geometry {
    Sector origin_sectors = 0;
    unsigned chunk_sectors = 0;
    Sector slot_sectors = 0; /**< what a store's leg can grow to */

    static constexpr Sector journal_sectors = 8192;
    static constexpr unsigned slots = 8;

    static Geometry random(esmodel::Rng &rng);
    Sector disk_sectors() const;
    Sector slot_first(unsigned slot) const;
};

/** A part of the disk behind dm-delay. */
class Leg {
public:
    Leg(const std::string &name, const std::string &disk, Sector first, Sector sectors);

    const DmDevice &device() const { return device_; }
    Sector sectors() const { return sectors_; }
    /** Both while it is used. Delays in ms; a read that waits longer than a write is overtaken. */
    void set_delay(unsigned read, unsigned write);
    void grow(Sector sectors);

private:
    esmodel::Table table() const;
    void swap_table();

    std::string disk_;
    Sector first_, sectors_;
    unsigned read_delay_ = 0, write_delay_ = 0;
    DmDevice device_;
};

/** How full an image's or view's store is. */
struct Fill {
    Sector used = 0, total = 0;
};

class Field {
public:
    Field(const Geometry &geometry, const std::string &disk);

    const DmDevice &org() const { return *org_; }
    Leg &origin() { return origin_; }
    /** A leg of @sectors for a slot that has none. */
    void make_slot(unsigned number, Sector sectors);
    Leg &slot(unsigned number) { return *slots_.at(number); }
    void drop_slot(unsigned number) { slots_.erase(number); }

    /** Formats @slot as the newest store of the chain after @previous, or its first. */
    void format_snapshot(unsigned slot, std::optional<unsigned> previous);
    void format_view(unsigned slot, unsigned base);
    void format_journal(unsigned newest);

    enum class Suspend { flush, noflush };
    /** Loads a table with these stores, oldest first, and switches to it. */
    void change(const std::vector<unsigned> &stores, bool with_journal,
                Suspend how = Suspend::flush);
    DmDevice make_image(unsigned slot) const;
    DmDevice make_view(unsigned slot, unsigned base) const;
    /** The chain's device and its legs; images and views must be gone. */
    void detach() { org_.reset(); }
    /** Verifies every store and the journal; the chain is detached. */
    void check_all() const;

private:
    esmodel::OrgSpec org_spec(const std::vector<unsigned> &stores, bool with_journal) const;
    static void make_blank(const DmDevice &device);

    const Geometry geometry_;
    std::string disk_;
    std::unique_ptr<esmodel::Targets> targets_ = esmodel::make_esnap_targets();
    Leg origin_;
    Leg journal_;
    std::map<unsigned, std::unique_ptr<Leg>> slots_;
    std::optional<DmDevice> org_;
};

/** The first word of the chain's status. */
std::string state_of(const DmDevice &org);
Fill fill_of(const DmDevice &image);

} // namespace races
