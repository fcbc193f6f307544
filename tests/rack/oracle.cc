// SPDX-License-Identifier: GPL-2.0-only
#include "oracle.h"

#include <algorithm>
#include <stdexcept>

namespace rack {

Oracle::Oracle(const Layout &layout)
    : layout_(layout), held_(layout.origin_sectors, 0), least_(layout.origin_sectors, 0),
      sizes_(layout.slots, 0) {}

void Oracle::acknowledge(std::uint64_t device, const Write &write) {
    if (device != origin_device)
        return;
    std::fill_n(held_.begin() + static_cast<std::ptrdiff_t>(write.first), write.count, write.seq);
    // The copies of these chunks were durable before: what a snapshot shows is settled.
    const Sector chunk = layout_.chunk_sectors;
    const Sector from = write.first / chunk * chunk;
    const Sector to = std::min<Sector>((write.first + write.count + chunk - 1) / chunk * chunk,
                                       layout_.origin_sectors);
    for (Snapshot &s : snapshots_)
        std::copy(s.most.begin() + static_cast<std::ptrdiff_t>(from),
                  s.most.begin() + static_cast<std::ptrdiff_t>(to),
                  s.least.begin() + static_cast<std::ptrdiff_t>(from));
}

void Oracle::make_durable(std::uint64_t device, const Write &write) {
    if (device != origin_device) {
        if (View *view = find_view(device - first_view))
            for (Sector s = write.first; s < write.first + write.count; ++s)
                view->least[s] = std::max(view->least[s], write.seq);
        return;
    }
    for (Sector s = write.first; s < write.first + write.count; ++s) {
        least_[s] = std::max(least_[s], write.seq);
        for (Snapshot &snapshot : snapshots_)
            if (write.seq <= snapshot.most[s])
                snapshot.least[s] = std::max(snapshot.least[s], write.seq);
    }
}

void Oracle::end_flush(std::uint64_t device, std::uint64_t number) {
    Unflushed &u = unflushed_[device];
    const std::uint64_t covered = u.begun.at(number);
    u.begun.erase(number);
    if (covered <= u.gone)
        return;
    const auto end = u.writes.begin() + static_cast<std::ptrdiff_t>(covered - u.gone);
    for (auto write = u.writes.begin(); write != end; ++write)
        make_durable(device, *write);
    u.writes.erase(u.writes.begin(), end);
    u.gone = covered;
}

void Oracle::begin_snapshot(const Event &e) {
    snapshots_.push_back({.number = e.v[0],
                          .slot = static_cast<std::uint32_t>(e.v[1]),
                          .least = least_,
                          .most = held_});
    sizes_.at(e.v[1]) = e.v[2];
    adding_ = true;
}

View *Oracle::find_view(std::uint64_t number) {
    const auto view = std::ranges::find(views_, number, &View::number);
    return view == views_.end() ? nullptr : &*view;
}

void Oracle::apply_to_chain(const Event &e) {
    switch (e.kind) {
    case EventKind::snap_begin:
        begin_snapshot(e);
        break;
    case EventKind::snap_end:
        adding_ = false;
        break;
    case EventKind::drop_begin:
        dropping_ = true;
        break;
    case EventKind::drop_end:
        dropping_ = false;
        snapshots_.erase(snapshots_.begin());
        break;
    case EventKind::view_begin:
        views_.push_back({.number = e.v[0],
                          .snapshot = e.v[1],
                          .slot = static_cast<std::uint32_t>(e.v[2]),
                          .least = std::vector<Seq>(layout_.origin_sectors, 0)});
        sizes_.at(e.v[2]) = e.v[3];
        break;
    case EventKind::view_end:
        if (View *view = find_view(e.v[0]))
            view->ready = true;
        break;
    case EventKind::unview:
        std::erase_if(views_, [&](const View &view) { return view.number == e.v[0]; });
        break;
    case EventKind::grow_begin:
        sizes_.at(e.v[0]) = e.v[1];
        break;
    case EventKind::journal_on:
        has_journal_ = true;
        break;
    default:
        break;
    }
}

void Oracle::apply(const Event &e) {
    const Write write{static_cast<Seq>(e.v[1]), e.v[2], e.v[3]};
    switch (e.kind) {
    case EventKind::plain:
        acknowledge(e.v[0], write);
        if (has_journal_ && e.v[0] == origin_device)
            make_durable(e.v[0], write);
        else
            unflushed_[e.v[0]].writes.push_back(write);
        break;
    case EventKind::fua:
        acknowledge(e.v[0], write);
        make_durable(e.v[0], write);
        break;
    case EventKind::flush_begin: {
        Unflushed &u = unflushed_[e.v[0]];
        u.begun[e.v[1]] = u.gone + u.writes.size();
        break;
    }
    case EventKind::flush_end:
        end_flush(e.v[0], e.v[1]);
        break;
    default:
        apply_to_chain(e);
    }
}

std::vector<Oracle::Range> Oracle::candidates() const {
    const std::size_t n = snapshots_.size();
    if (adding_)
        return {{0, n}, {0, n - 1}};
    if (dropping_)
        return {{1, n}, {0, n}};
    return {{0, n}};
}

} // namespace rack
