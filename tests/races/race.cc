// SPDX-License-Identifier: GPL-2.0-only
//
// The race as a whole, and those who read and write. The administrator is in admin.cc.
#include "race.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace races {

namespace {

using esmodel::Buffer;
using esmodel::Rng;

constexpr Sector hot = 512;         // where half of all I/O goes
constexpr Sector most = 256;        // sectors of one request
constexpr unsigned view_actors = 2; // one writes, one reads

void write_first_content(const Geometry &geometry, const RaceOptions &options) {
    const BlockFile disk(options.disk, BlockFile::Mode::write);

    if (disk.sectors() < geometry.disk_sectors())
        throw std::runtime_error(fmt::format("{} is too small: {} sectors are needed", options.disk,
                                             geometry.disk_sectors()));
    Buffer buffer(geometry.origin_sectors * rack::sector_bytes);
    rack::fill_sectors(buffer.bytes(), {.device = rack::origin_device, .salt = options.seed});
    disk.write(0, buffer.bytes());
    disk.flush();
}

/* The disk has its first content before anything stands on it. */
Geometry prepared(const RaceOptions &options, Rng &rng) {
    const Geometry geometry = Geometry::random(rng);

    write_first_content(geometry, options);
    return geometry;
}

} // namespace

Race::Race(const RaceOptions &options)
    : options_(options), rng_(options.seed), geometry_(prepared(options, rng_)),
      field_(geometry_, options.disk), origin_(clock_, geometry_.origin_sectors),
      plain_(std::make_unique<BlockFile>(field_.org().path(), BlockFile::Mode::write)),
      durable_(std::make_unique<BlockFile>(field_.org().path(), BlockFile::Mode::durable_write)) {}

// --- those who write ---

Range Race::random_range(Rng &rng) const {
    const Sector count = rng.between(1, rng.percent(80) ? 16 : most);
    const Sector room = rng.percent(50) ? hot : geometry_.origin_sectors;

    return {rng.below(room - count + 1), count};
}

void Race::write(const BlockFile &file, Ledger &ledger, Stamp stamp, Range range) {
    Buffer buffer(range.count * rack::sector_bytes);

    stamp.address = range.first;
    stamp.seq = ledger.begin();
    stamp.salt = options_.seed;
    rack::fill_sectors(buffer.bytes(), stamp);
    file.write(range.first, buffer.bytes());
    ledger.end(stamp.seq, range);
    sectors_written_ += range.count;
}

void Race::write_origin(unsigned writer, Rng &rng) {
    if (rng.percent(5))
        plain_->flush();
    else
        write(rng.percent(20) ? *durable_ : *plain_, origin_,
              {.device = rack::origin_device, .writer = writer}, random_range(rng));
}

void Race::write_view(unsigned writer, Rng &rng) {
    const auto view = views_.any(rng);

    if (view == nullptr)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    else if (rng.percent(5))
        view->device->file.flush();
    else
        write(view->device->file, view->written,
              {.device = rack::first_view + view->number, .writer = writer}, random_range(rng));
}

// --- those who read ---

/* @shows(sector, stamp): may it be there? @look, if there is one, ends when all is read. */
template <typename Judge>
void Race::judge(const BlockFile &file, Range range, const Judge &shows, Look *look) {
    Buffer buffer(range.count * rack::sector_bytes);

    file.read(range.first, buffer.bytes());
    if (look != nullptr)
        look->until = clock_.tick();
    for (Sector i = 0; i < range.count; ++i) {
        const auto stamp = rack::parse_sector(std::span<const std::byte, rack::sector_bytes>(
            buffer.data() + i * rack::sector_bytes, rack::sector_bytes));
        const Sector sector = range.first + i;
        if (!stamp || stamp->salt != options_.seed || !shows(sector, *stamp))
            throw std::runtime_error(
                fmt::format("{}: sector {} is wrong: it holds {}", file.path(), sector,
                            stamp ? rack::describe(*stamp) : std::string("nothing of ours")));
    }
    sectors_read_ += range.count;
}

void Race::read_origin(Rng &rng) {
    const Range range = random_range(rng);
    Look look = origin_.look(range);

    judge(
        *plain_, range,
        [&](Sector sector, const Stamp &stamp) {
            return stamp.device == rack::origin_device && stamp.address == sector &&
                   origin_.allows(look, sector, stamp.seq);
        },
        &look);
}

void Race::verify(Snapshot &snapshot, Range range) {
    judge(
        snapshot.image->file, range,
        [&](Sector sector, const Stamp &stamp) { return snapshot.shows(origin_, sector, stamp); },
        nullptr);
}

void Race::verify(View &view, Range range) {
    Look look = view.written.look(range);

    judge(
        view.device->file, range,
        [&](Sector sector, const Stamp &stamp) { return view.shows(origin_, look, sector, stamp); },
        &look);
}

template <typename Thing>
void Race::read_any(const Shelf<Thing> &shelf, Rng &rng) {
    if (const auto thing = shelf.any(rng))
        verify(*thing, random_range(rng));
    else
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

void Race::verify_all() {
    const auto verify_each = [this](const auto &shelf) {
        for (const auto &thing : shelf.all())
            for (Sector first = 0; first < geometry_.origin_sectors; first += most)
                verify(*thing, {first, std::min(most, geometry_.origin_sectors - first)});
    };

    verify_each(snapshots_);
    verify_each(views_);
}

// --- all of them ---

/* Writers of the origin first, then one who reads it, readers of snapshots, and the views' two. */
void Race::act(unsigned actor) {
    Rng rng(options_.seed * 1000 + actor);

    try {
        while (!stop_) {
            if (actor < options_.writers)
                write_origin(actor, rng);
            else if (actor == options_.writers)
                read_origin(rng);
            else if (actor <= options_.writers + options_.readers)
                read_any(snapshots_, rng);
            else if (actor == options_.writers + options_.readers + 1)
                write_view(actor, rng);
            else
                read_any(views_, rng);
        }
    } catch (const std::exception &e) {
        const std::lock_guard lock(failure_lock_);
        if (failure_.empty())
            failure_ = fmt::format("actor {}: {}", actor, e.what());
        stop_ = true;
    }
}

std::string Race::describe() const {
    std::string text = fmt::format(
        "origin {} sectors, chunks of {}; {} writes of {} sectors, {} sectors read and judged",
        geometry_.origin_sectors, geometry_.chunk_sectors, origin_.writes(),
        sectors_written_.load(), sectors_read_.load());

    for (const auto &[name, count] : done_)
        text += fmt::format(", {} {}", count, name);
    return text;
}

void Race::run() {
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < options_.writers + 1 + options_.readers + view_actors; ++i)
            threads.emplace_back([this, i] { act(i); });
        try {
            administrate();
        } catch (...) {
            stop_ = true;
            throw;
        }
        stop_ = true;
    }
    if (!failure_.empty())
        throw std::runtime_error(failure_);
    verify_all();
    take_down();
}

} // namespace races
