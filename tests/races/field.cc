// SPDX-License-Identifier: GPL-2.0-only
#include "field.h"

#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "block_io.h"

namespace races {

namespace {

constexpr Sector alignment = 2048;
constexpr Sector head_sectors = 128; // what esnap format looks at

Sector aligned(Sector sectors) {
    return (sectors + alignment - 1) / alignment * alignment;
}

std::vector<std::string> words_of(const DmDevice &device) {
    std::istringstream stream(device.status().at(0).params);
    std::vector<std::string> words;

    for (std::string word; stream >> word;)
        words.push_back(word);
    if (words.empty())
        throw std::runtime_error(device.name() + " has no status");
    return words;
}

} // namespace

Geometry Geometry::random(esmodel::Rng &rng) {
    Geometry geometry{.origin_sectors = rng.between(5000, 9000),
                      .chunk_sectors = 8u << rng.below(5)};

    // A header for each chunk in the worst case, and what stays unused at segments' ends.
    geometry.slot_sectors = aligned(geometry.origin_sectors * 5 / 2 + 10240);
    return geometry;
}

Sector Geometry::slot_first(unsigned slot) const {
    return aligned(origin_sectors) + journal_sectors + slot * slot_sectors;
}

Sector Geometry::disk_sectors() const {
    return slot_first(slots);
}

Leg::Leg(const std::string &name, const std::string &disk, Sector first, Sector sectors)
    : disk_(disk), first_(first), sectors_(sectors), device_(name, table()) {}

esmodel::Table Leg::table() const {
    return {{0, sectors_, "delay",
             fmt::format("{} {} {} {} {} {}", disk_, first_, read_delay_, disk_, first_,
                         write_delay_)}};
}

void Leg::swap_table() {
    device_.load(table());
    device_.suspend();
    device_.resume();
}

void Leg::set_delay(unsigned read, unsigned write) {
    read_delay_ = read;
    write_delay_ = write;
    swap_table();
}

void Leg::grow(Sector sectors) {
    sectors_ = sectors;
    swap_table();
}

Field::Field(const Geometry &geometry, const std::string &disk)
    : geometry_(geometry), disk_(disk), origin_("races-origin", disk, 0, geometry.origin_sectors),
      journal_("races-journal", disk, aligned(geometry.origin_sectors), Geometry::journal_sectors) {
    org_.emplace("races-org", targets_->org(org_spec({}, false)));
}

esmodel::OrgSpec Field::org_spec(const std::vector<unsigned> &stores, bool with_journal) const {
    esmodel::OrgSpec spec;

    spec.sectors = geometry_.origin_sectors;
    spec.origin = origin_.device().number();
    spec.chunk_sectors = geometry_.chunk_sectors;
    if (with_journal)
        spec.journal = journal_.device().number();
    for (const unsigned store : stores)
        spec.stores.push_back(slots_.at(store)->device().number());
    return spec;
}

void Field::make_slot(unsigned number, Sector sectors) {
    slots_[number] = std::make_unique<Leg>(fmt::format("races-slot{}", number), disk_,
                                           geometry_.slot_first(number), sectors);
}

/* What an earlier store has left behind its first blocks stays. */
void Field::make_blank(const DmDevice &device) {
    const esmodel::BlockFile file(device.path(), esmodel::BlockFile::Mode::write);

    file.clear(esmodel::Clear::zeroout, {0, head_sectors});
}

void Field::format_snapshot(unsigned slot, std::optional<unsigned> previous) {
    make_blank(slots_.at(slot)->device());
    targets_->format_snapshot(org_->path(),
                              previous ? slots_.at(*previous)->device().path() : std::string(),
                              geometry_.chunk_sectors, slots_.at(slot)->device().path());
}

void Field::format_view(unsigned slot, unsigned base) {
    make_blank(slots_.at(slot)->device());
    targets_->format_view(slots_.at(base)->device().path(), slots_.at(slot)->device().path());
}

void Field::format_journal(unsigned newest) {
    make_blank(journal_.device());
    targets_->format_journal(slots_.at(newest)->device().path(), journal_.device().path());
}

void Field::change(const std::vector<unsigned> &stores, bool with_journal, Suspend how) {
    org_->load(targets_->org(org_spec(stores, with_journal)));
    org_->suspend(how == Suspend::flush ? DmDevice::Flush::flush : DmDevice::Flush::noflush);
    org_->resume();
}

DmDevice Field::make_image(unsigned slot) const {
    return {fmt::format("races-image{}", slot),
            targets_->image({.sectors = geometry_.origin_sectors,
                             .origin = origin_.device().number(),
                             .store = slots_.at(slot)->device().number(),
                             .chunk_sectors = geometry_.chunk_sectors}),
            esmodel::Access::read_only};
}

DmDevice Field::make_view(unsigned slot, unsigned base) const {
    esmodel::ViewSpec spec;

    spec.sectors = geometry_.origin_sectors;
    spec.origin = origin_.device().number();
    spec.snapshot_store = slots_.at(base)->device().number();
    spec.view_store = slots_.at(slot)->device().number();
    return {fmt::format("races-view{}", slot), targets_->view(spec)};
}

void Field::check_all() const {
    for (const auto &[number, leg] : slots_)
        targets_->check(leg->device().path());
}

std::string state_of(const DmDevice &org) {
    return words_of(org).at(0);
}

Fill fill_of(const DmDevice &image) {
    Fill fill;
    char slash = 0;

    std::istringstream(words_of(image).at(0)) >> fill.used >> slash >> fill.total;
    return fill;
}

} // namespace races
