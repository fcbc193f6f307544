// SPDX-License-Identifier: GPL-2.0-only
#include "workload.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <fmt/format.h>

#include "content.h"

namespace rack {

namespace {

using esmodel::BlockFile;
using esmodel::Buffer;
using esmodel::Range;
using esmodel::Rng;

constexpr std::uint32_t slots = 6;
constexpr Sector stripe = 128; // what one writer of the origin has to itself
constexpr unsigned view_writer = 100;
constexpr std::size_t most_snapshots = 4, most_views = 2;

std::uint64_t nanoseconds() {
    static const auto start = std::chrono::steady_clock::now();
    return static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count());
}

} // namespace

Layout layout_for(std::uint64_t seed, bool with_journal) {
    Rng rng(seed);
    Layout layout{.salt = seed,
                  .origin_sectors = rng.between(5000, 11000),
                  .chunk_sectors = static_cast<std::uint32_t>(8u << rng.below(4)),
                  .slot_sectors = 0,
                  .slots = slots + with_journal,
                  .has_journal = with_journal};
    // A header for each chunk in the worst case, and what stays unused at segments' ends.
    const Sector need = layout.origin_sectors * 5 / 2 + 10240;
    layout.slot_sectors = (need + Layout::alignment - 1) / Layout::alignment * Layout::alignment;
    return layout;
}

Workload::Open::Open(const std::string &path, std::uint64_t number)
    : device(number), plain(path, BlockFile::Mode::write),
      fua(path, BlockFile::Mode::durable_write) {}

Workload::Workload(const WorkloadOptions &options, const Disks &disks)
    : options_(options), layout_(layout_for(options.seed, options.with_journal)),
      rng_(options.seed ^ 0x7261636bu) {
    write_first_content(disks);
    stack_ = std::make_unique<Stack>(layout_, disks);
    stack_->mark(layout_.begin());
    stack_->attach({});
    org_ = std::make_unique<Open>(stack_->org().path(), origin_device);
}

Workload::~Workload() = default;

void Workload::write_first_content(const Disks &disks) const {
    const BlockFile disk(disks.data, BlockFile::Mode::write);
    if (disk.sectors() < layout_.disk_sectors())
        throw std::runtime_error(fmt::format("{} is too small: {} sectors are needed", disks.data,
                                             layout_.disk_sectors()));
    disk.clear(esmodel::Clear::zeroout, {0, layout_.disk_sectors()});
    Buffer buffer(layout_.origin_sectors * sector_bytes);
    fill_sectors(buffer.bytes(), {.device = origin_device, .salt = layout_.salt});
    disk.write(0, buffer.bytes());
    disk.flush();
}

// --- writers ---

void Workload::write(Open &file, unsigned writer, Range range, bool fua) {
    const std::uint64_t seq = ++seq_;
    Buffer buffer(range.count * sector_bytes);
    fill_sectors(buffer.bytes(), {.device = static_cast<std::uint32_t>(file.device),
                                  .writer = writer,
                                  .address = range.first,
                                  .seq = seq,
                                  .time = nanoseconds(),
                                  .salt = layout_.salt});
    (fua ? file.fua : file.plain).write(range.first, buffer.bytes());
    stack_->mark(
        {fua ? EventKind::fua : EventKind::plain, {file.device, seq, range.first, range.count, 0}});
}

void Workload::flush(Open &file) {
    const std::uint64_t number = ++flushes_;
    stack_->mark({EventKind::flush_begin, {file.device, number}});
    file.plain.flush();
    stack_->mark({EventKind::flush_end, {file.device, number}});
}

std::shared_lock<std::shared_mutex> Workload::wait_for_turn() {
    while (pausing_)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return std::shared_lock(pause_);
}

void Workload::operate(Open &file, unsigned writer, Range range, Rng &rng) {
    if (rng.percent(15))
        flush(file);
    else
        write(file, writer, range, rng.percent(25));
}

/** A part of one of the writer's stripes; half of the time of the first few. */
Range Workload::origin_range(unsigned writer, Rng &rng) const {
    const std::uint64_t all = layout_.origin_sectors / stripe / options_.writers;
    const std::uint64_t mine = rng.below(rng.percent(50) ? all / 4 : all);
    const Sector first = (mine * options_.writers + writer) * stripe;
    const Sector count = rng.between(1, rng.percent(70) ? 16 : stripe);
    return {first + rng.below(stripe - count + 1), count};
}

void Workload::write_origin(unsigned writer) {
    Rng rng(options_.seed * 31 + writer);
    while (!stop_) {
        const auto lock = wait_for_turn();
        operate(*org_, writer, origin_range(writer, rng), rng);
    }
}

void Workload::write_views(unsigned writer) {
    Rng rng(options_.seed * 31 + writer);
    while (!stop_) {
        bool idle = true;
        {
            const auto lock = wait_for_turn();
            if (!views_.empty()) {
                ViewSlot &view = *rng.pick(views_);
                const Sector count = rng.between(1, rng.percent(70) ? 16 : stripe);
                const Sector room = rng.percent(50) ? stripe * 4 : layout_.origin_sectors;
                operate(*view.open, writer, {rng.below(room - count + 1), count}, rng);
                idle = false;
            }
        }
        if (idle)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

void Workload::guarded(void (Workload::*body)(unsigned), unsigned writer) {
    try {
        (this->*body)(writer);
    } catch (const std::exception &e) {
        const std::lock_guard lock(failure_lock_);
        failure_ = fmt::format("writer {}: {}", writer, e.what());
        stop_ = true;
    }
}

// --- what an administrator does ---

std::vector<std::uint32_t> Workload::stores() const {
    std::vector<std::uint32_t> list;
    for (const SnapshotSlot &s : snapshots_)
        list.push_back(s.slot);
    return list;
}

std::optional<std::uint32_t> Workload::free_slot() const {
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
        const bool used =
            std::ranges::any_of(snapshots_, [&](const auto &s) { return s.slot == slot; }) ||
            std::ranges::any_of(views_, [&](const auto &v) { return v->slot == slot; });
        if (!used)
            return slot;
    }
    return std::nullopt;
}

Sector Workload::first_size() {
    return layout_.slot_sectors - rng_.below(layout_.slot_sectors / 10) / 8 * 8;
}

/** Small segments: many are closed in a short time. */
std::string Workload::segment_option() {
    const std::uint64_t blocks = 4 * layout_.chunk_sectors / 8 + rng_.between(40, 300);
    return fmt::format("{}k", blocks * 4);
}

void Workload::take_snapshot() {
    const auto slot = free_slot();
    if (!slot)
        return;
    const Sector size = sizes_[*slot] = first_size();
    if (rng_.percent(60))
        flush(*org_);
    const std::uint64_t number = next_snapshot_++;
    stack_->mark({EventKind::snap_begin, {number, *slot, size}});
    stack_->set_slot(*slot, size);
    std::vector<std::string> words{"format", "--force", "--origin", stack_->origin().path()};
    if (snapshots_.empty())
        words.insert(words.end(), {"-c", fmt::format("{}k", layout_.chunk_sectors / 2)});
    else
        words.insert(words.end(), {"--after", stack_->slot(snapshots_.back().slot).path()});
    words.insert(words.end(), {"--segment", segment_option(), stack_->slot(*slot).path()});
    run_esnap(words);
    snapshots_.push_back({number, *slot});
    stack_->change(stores());
    if (stack_->state() != "ok")
        throw std::runtime_error("the chain is " + stack_->state() + " after a snapshot");
    stack_->mark({EventKind::snap_end, {number}});
}

/** A small ring: it comes around many times. */
void Workload::add_journal() {
    const std::uint32_t slot = layout_.journal_slot();
    stack_->set_slot(slot, Layout::journal_sectors);
    run_esnap({"format", "--force", "--journal-for", stack_->slot(snapshots_.back().slot).path(),
               stack_->slot(slot).path()});
    stack_->use_journal(true);
    stack_->change(stores());
    stack_->mark({EventKind::journal_on, {slot, Layout::journal_sectors}});
}

void Workload::drop_oldest() {
    const SnapshotSlot oldest = snapshots_.front();
    for (std::size_t i = views_.size(); i-- > 0;)
        if (views_[i]->snapshot == oldest.number)
            drop_view(i);
    stack_->mark({EventKind::drop_begin, {oldest.number}});
    snapshots_.erase(snapshots_.begin());
    stack_->change(stores());
    stack_->mark({EventKind::drop_end, {oldest.number}});
}

void Workload::open_view(ViewSlot &view) {
    const auto base = std::ranges::find(snapshots_, view.snapshot, &SnapshotSlot::number);
    view.device = std::make_unique<esmodel::DmDevice>(stack_->make_view(view.slot, base->slot));
    view.open = std::make_unique<Open>(view.device->path(), first_view + view.number);
}

void Workload::make_view() {
    const auto slot = free_slot();
    if (!slot)
        return;
    const SnapshotSlot base = rng_.pick(snapshots_);
    const Sector size = sizes_[*slot] = first_size();
    auto view = std::make_unique<ViewSlot>(
        ViewSlot{.number = next_view_++, .snapshot = base.number, .slot = *slot});
    stack_->mark({EventKind::view_begin, {view->number, base.number, *slot, size}});
    stack_->set_slot(*slot, size);
    run_esnap({"format", "--force", "--view-of", stack_->slot(base.slot).path(), "--segment",
               segment_option(), stack_->slot(*slot).path()});
    open_view(*view);
    stack_->mark({EventKind::view_end, {view->number}});
    views_.push_back(std::move(view));
}

void Workload::drop_view(std::size_t index) {
    ViewSlot &view = *views_[index];
    stack_->mark({EventKind::unview, {view.number}});
    view.open.reset();
    view.device->remove();
    views_.erase(views_.begin() + static_cast<std::ptrdiff_t>(index));
}

/** The newest store's slot or a view's, to the size it can have. */
void Workload::grow_slot() {
    const bool a_view = !views_.empty() && rng_.percent(40);
    const std::uint32_t slot = a_view ? rng_.pick(views_)->slot : snapshots_.back().slot;
    sizes_[slot] = layout_.slot_sectors;
    stack_->mark({EventKind::grow_begin, {slot, sizes_[slot]}});
    stack_->set_slot(slot, sizes_[slot]);
    if (!a_view)
        stack_->change(stores());
}

void Workload::take_down() {
    for (const auto &view : views_) {
        view->open.reset();
        view->device->remove();
    }
    org_.reset();
    stack_->detach();
}

void Workload::reattach() {
    take_down();
    stack_->attach(stores());
    org_ = std::make_unique<Open>(stack_->org().path(), origin_device);
    for (const auto &view : views_)
        open_view(*view);
    if (stack_->state() != "ok")
        throw std::runtime_error("the chain is " + stack_->state() + " after attaching");
}

void Workload::change_something() {
    const std::uint64_t dice = rng_.below(100);
    const char *name = "snapshot";
    if (snapshots_.empty() || (dice < 30 && snapshots_.size() < most_snapshots)) {
        const bool is_first = snapshots_.empty();
        take_snapshot();
        if (is_first && layout_.has_journal)
            add_journal();
    } else if (dice < 50 && snapshots_.size() > 1) {
        name = "removal";
        drop_oldest();
    } else if (dice < 70 && views_.size() < most_views) {
        name = "view";
        make_view();
    } else if (dice < 75 && !views_.empty()) {
        name = "view's removal";
        drop_view(rng_.below(views_.size()));
    } else if (dice < 83) {
        name = "growth";
        grow_slot();
    } else {
        name = "reattach";
        reattach();
    }
    ++done_[name];
}

std::string Workload::describe() const {
    std::string text =
        fmt::format("origin {} sectors, chunks of {}; {} writes, {} flushes",
                    layout_.origin_sectors, layout_.chunk_sectors, seq_.load(), flushes_.load());
    for (const auto &[name, count] : done_)
        text += fmt::format(", {} {}", count, name);
    return text;
}

void Workload::run() {
    {
        std::vector<std::jthread> threads;
        for (unsigned w = 0; w < options_.writers; ++w)
            threads.emplace_back([this, w] { guarded(&Workload::write_origin, w); });
        threads.emplace_back([this] { guarded(&Workload::write_views, view_writer); });
        try {
            while (!stop_ && seq_ < options_.writes) {
                const std::uint64_t until = seq_ + rng_.between(20, 90);
                while (!stop_ && seq_ < until)
                    std::this_thread::sleep_for(std::chrono::milliseconds(2));
                pausing_ = true;
                const std::unique_lock lock(pause_);
                change_something();
                pausing_ = false;
            }
        } catch (...) {
            stop_ = true;
            pausing_ = false;
            throw;
        }
        stop_ = true;
    }
    if (!failure_.empty())
        throw std::runtime_error(failure_);
    stack_->mark({EventKind::end, {}});
    take_down();
}

} // namespace rack
