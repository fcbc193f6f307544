// SPDX-License-Identifier: GPL-2.0-only
#include "chain.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace esmodel {

OpenDevice::OpenDevice(const std::string &name, const Table &table, Access access)
    : device(name, table, access),
      file(device.path(),
           access == Access::read_only ? BlockFile::Mode::read : BlockFile::Mode::write) {}

Chain::Chain(ChainSetup setup, const Targets &targets, SlotPool &stores)
    : setup_(std::move(setup)), origin_number_(device_number(setup_.origin_path)),
      targets_(targets), pool_(stores) {}

Chain::~Chain() {
    detach();
}

Table Chain::org_table() const {
    const std::string journal = journal_ && !snapshots_.empty() ? journal_->number() : "";
    OrgSpec spec{setup_.sectors, origin_number_, setup_.chunk_sectors, journal, {},
                 setup_.features};

    for (const auto &snapshot : snapshots_)
        spec.stores.push_back(snapshot->store->number());
    return targets_.org(spec);
}

void Chain::attach_origin() {
    org_ = std::make_unique<OpenDevice>(setup_.name + "-org", org_table(), Access::read_write);
}

void Chain::attach() {
    attach_origin();
    for (const auto &snapshot : snapshots_)
        open_image(*snapshot);
    for (const auto &view : views_)
        open_view(*view);
}

void Chain::detach() {
    for (const auto &view : views_)
        view->open.reset();
    for (const auto &snapshot : snapshots_)
        snapshot->image.reset();
    org_.reset();
}

void Chain::switch_table(const Table &table, DmDevice::Flush flush, const SwitchHooks &hooks) {
    const DmDevice &org = org_->device;

    org.load(table);
    hooks.before_suspend();
    org.suspend(flush);
    if (targets_.needs_open_images()) {
        for (const auto &snapshot : snapshots_)
            open_image(*snapshot);
    }
    org.resume();
    hooks.after_resume();
}

Snapshot &Chain::add_snapshot(Rng &rng, DmDevice::Flush flush, const SwitchHooks &hooks) {
    const std::string previous = snapshots_.empty() ? "" : snapshots_.back()->store->path();
    auto store = pool_.take(rng);

    targets_.format_snapshot(setup_.origin_path, previous, setup_.chunk_sectors, store->path());
    snapshots_.push_back(std::make_unique<Snapshot>(
        Snapshot{++snapshots_made_, std::move(store), content().frozen(), nullptr}));
    switch_table(org_table(), flush, hooks);
    return *snapshots_.back();
}

void Chain::remove_oldest(DmDevice::Flush flush) {
    std::unique_ptr<Snapshot> oldest = std::move(snapshots_.front());

    snapshots_.erase(snapshots_.begin());
    std::erase_if(views_, [&](const auto &v) { return v->snapshot == oldest->number; });
    close_image(*oldest);
    switch_table(org_table(), flush, {});
    if (snapshots_.empty())
        journal_.reset(); /* the table has left it out */
}

void Chain::add_journal(Rng &rng, DmDevice::Flush flush, const SwitchHooks &hooks) {
    journal_ = pool_.take(rng);
    targets_.format_journal(snapshots_.back()->store->path(), journal_->path());
    switch_table(org_table(), flush, hooks);
}

void Chain::remove_journal(DmDevice::Flush flush, const SwitchHooks &hooks) {
    const std::unique_ptr<Store> leaving = std::move(journal_);

    switch_table(org_table(), flush, hooks);
    targets_.check(leaving->path());
}

void Chain::drain() const {
    if (journal_)
        org_->device.message("drain");
}

void Chain::reload(Source source, DmDevice::Flush flush, const SwitchHooks &hooks) {
    switch_table(source == Source::built ? org_table() : org_->device.table(), flush, hooks);
}

void Chain::open_image(Snapshot &snapshot) {
    const ImageSpec spec{setup_.sectors, origin_number_, snapshot.store->number(),
                         setup_.chunk_sectors};

    if (snapshot.image)
        return;
    snapshot.image =
        std::make_unique<OpenDevice>(fmt::format("{}-snap{}", setup_.name, snapshot.number),
                                     targets_.image(spec), Access::read_only);
}

Snapshot &Chain::snapshot_of(const View &view) {
    const auto found = std::find_if(snapshots_.begin(), snapshots_.end(),
                                    [&](const auto &s) { return s->number == view.snapshot; });

    if (found == snapshots_.end())
        throw std::logic_error("a view without its snapshot");
    return **found;
}

void Chain::open_view(View &view) {
    const Snapshot &of = snapshot_of(view);
    const ViewSpec spec{setup_.sectors,       origin_number_,
                        of.store->number(),   of.image ? of.image->device.number() : "",
                        view.store->number(), setup_.chunk_sectors};

    view.open = std::make_unique<OpenDevice>(fmt::format("{}-view{}", setup_.name, view.number),
                                             targets_.view(spec), Access::read_write);
}

View &Chain::add_view(Rng &rng, Snapshot &snapshot) {
    auto view =
        std::make_unique<View>(View{++views_made_, snapshot.number, pool_.take(rng),
                                    std::make_shared<Image>(snapshot.content), nullptr, false});

    targets_.format_view(snapshot.store->path(), view->store->path());
    open_view(*view);
    views_.push_back(std::move(view));
    return *views_.back();
}

void Chain::remove_view(unsigned number) {
    std::erase_if(views_, [&](const auto &v) { return v->number == number; });
}

bool Chain::has_pinned_view(const Snapshot &snapshot) const {
    return std::any_of(views_.begin(), views_.end(), [&](const auto &v) {
        return v->snapshot == snapshot.number && v->is_pinned;
    });
}

std::vector<std::string> Chain::store_paths() const {
    std::vector<std::string> paths;

    for (const auto &snapshot : snapshots_)
        paths.push_back(snapshot->store->path());
    for (const auto &view : views_)
        paths.push_back(view->store->path());
    if (journal_)
        paths.push_back(journal_->path());
    return paths;
}

} // namespace esmodel
