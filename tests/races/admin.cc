// SPDX-License-Identifier: GPL-2.0-only
//
// The administrator of the race: one change every 100 ms, while everybody else goes on.
#include "race.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace races {

namespace {

using namespace std::chrono_literals;

constexpr auto pause_between = 50ms; // areas are looked at twice as often as something changes
constexpr std::size_t most_snapshots = 5, most_views = 2;
constexpr Sector first_size = 4096;  // of a store's leg
constexpr Sector wanted_room = 4096; // more than can be written while a table is switched

template <typename Thing>
void wait_until_unused(const std::shared_ptr<Thing> &thing) {
    while (thing.use_count() > 1)
        std::this_thread::sleep_for(1ms);
}

} // namespace

std::vector<unsigned> Race::stores() const {
    std::vector<unsigned> slots;

    for (const auto &snapshot : snapshots_.all())
        slots.push_back(snapshot->slot);
    return slots;
}

std::optional<unsigned> Race::free_slot() const {
    std::vector<unsigned> used = stores();

    for (const auto &view : views_.all())
        used.push_back(view->slot);
    for (unsigned slot = 0; slot < Geometry::slots; ++slot)
        if (std::ranges::find(used, slot) == used.end())
            return slot;
    return std::nullopt;
}

void Race::switch_to(const std::vector<unsigned> &slots) {
    while (grow_what_is_full()) // a suspend that flushes fails writes that wait for room
        ;
    field_.change(slots, with_journal_,
                  rng_.percent(30) ? Field::Suspend::noflush : Field::Suspend::flush);
    if (const std::string state = state_of(field_.org()); state != "ok")
        throw std::runtime_error("the chain is " + state);
}

// --- areas ---

/* As a daemon would: the newest store and those of views. */
bool Race::grow_what_is_full() {
    bool has_grown = false;
    const auto grow = [&](unsigned slot, const DmDevice &shown) {
        const Fill fill = fill_of(shown);
        Leg &leg = field_.slot(slot);
        if (fill.total - fill.used >= wanted_room || leg.sectors() >= geometry_.slot_sectors)
            return;
        leg.grow(std::min(leg.sectors() + wanted_room, geometry_.slot_sectors));
        shown.message("grown");
        ++done_["growths"];
        has_grown = true;
    };

    if (const auto snapshots = snapshots_.all(); !snapshots.empty())
        grow(snapshots.back()->slot, snapshots.back()->image->device);
    for (const auto &view : views_.all())
        grow(view->slot, view->device->device);
    return has_grown;
}

// --- changes ---

void Race::reload() {
    switch_to(stores());
    ++done_["reloads"];
}

void Race::take_snapshot() {
    const auto slot = free_slot();
    std::vector<unsigned> slots = stores();

    if (!slot || slots.size() >= most_snapshots)
        return;
    const auto previous = slots.empty() ? std::nullopt : std::optional(slots.back());
    field_.make_slot(*slot, first_size);
    field_.format_snapshot(*slot, previous);
    slots.push_back(*slot);
    Look instant = origin_.look({0, geometry_.origin_sectors});
    switch_to(slots);
    origin_.end(instant);
    const auto snapshot = std::make_shared<Snapshot>(*slot, std::move(instant));
    snapshot->image = std::make_unique<Opened>(field_.make_image(*slot), BlockFile::Mode::read);
    snapshots_.add(snapshot);
    ++done_["snapshots"];
}

void Race::drop_oldest() {
    if (snapshots_.size() < 2)
        return;
    const auto oldest = snapshots_.all().front();
    for (const auto &view : views_.all())
        if (view->base == oldest)
            return;
    snapshots_.take_off(oldest);
    wait_until_unused(oldest);
    oldest->image.reset();
    switch_to(stores());
    field_.drop_slot(oldest->slot);
    ++done_["removals"];
}

void Race::make_view() {
    const auto slot = free_slot();
    const auto base = snapshots_.any(rng_);

    if (!slot || base == nullptr || views_.size() >= most_views)
        return;
    field_.make_slot(*slot, first_size);
    field_.format_view(*slot, base->slot);
    const auto view = std::make_shared<View>(clock_, next_view_++, *slot, base);
    view->device =
        std::make_unique<Opened>(field_.make_view(*slot, base->slot), BlockFile::Mode::write);
    views_.add(view);
    ++done_["views"];
}

void Race::drop_view() {
    const auto view = views_.any(rng_);

    if (view == nullptr)
        return;
    views_.take_off(view);
    wait_until_unused(view);
    view->device.reset();
    field_.drop_slot(view->slot);
    ++done_["views' removals"];
}

void Race::toggle_journal() {
    if (snapshots_.size() == 0)
        return;
    with_journal_ = !with_journal_;
    if (with_journal_)
        field_.format_journal(stores().back());
    switch_to(stores());
    ++done_[with_journal_ ? "journals put in" : "journals taken out"];
}

/* Half of the delays are none. */
void Race::change_delay() {
    const auto slow_down = [&](Leg &leg) {
        const auto some = [&] {
            return rng_.percent(50) ? 0u
                                    : static_cast<unsigned>(rng_.below(options_.most_delay + 1));
        };
        const unsigned read = some(); // before the other, whatever the compiler likes
        leg.set_delay(read, some());
    };

    slow_down(field_.origin());
    for (const auto &snapshot : snapshots_.all())
        slow_down(field_.slot(snapshot->slot));
    for (const auto &view : views_.all())
        slow_down(field_.slot(view->slot));
    ++done_["changes of delays"];
}

void Race::change_something() {
    const std::uint64_t dice = rng_.below(100);

    if (dice < 25)
        reload();
    else if (dice < 45)
        take_snapshot();
    else if (dice < 60)
        drop_oldest();
    else if (dice < 70)
        make_view();
    else if (dice < 78)
        drop_view();
    else if (dice < 85)
        toggle_journal();
    else
        change_delay();
    ++changes_;
}

void Race::administrate() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options_.seconds);

    for (bool is_second = false; !stop_ && std::chrono::steady_clock::now() < end;
         is_second = !is_second) {
        std::this_thread::sleep_for(pause_between);
        grow_what_is_full();
        if (is_second)
            change_something();
    }
}

void Race::take_down() {
    for (const auto &view : views_.all())
        view->device.reset();
    for (const auto &snapshot : snapshots_.all())
        snapshot->image.reset();
    plain_.reset();
    durable_.reset();
    field_.detach();
    field_.check_all();
}

} // namespace races
