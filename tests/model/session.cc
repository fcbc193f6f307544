// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

namespace esmodel {

namespace {

constexpr std::size_t history_lines = 20;
/* Write numbers of an operation: below are single writes, above each writer has a block. */
constexpr unsigned writer_block = 8192;
constexpr unsigned verify_threads = 3;

} // namespace

void History::begin(unsigned op, const std::string &name) {
    const std::lock_guard guard(lock_);

    pulse_++;
    if (is_verbose_ && !lines_.empty())
        fmt::print("{}\n", lines_.back());
    lines_.push_back(fmt::format("{:>4} {}", op, name));
    if (lines_.size() > history_lines)
        lines_.pop_front();
}

void History::note(const std::string &detail) {
    const std::lock_guard guard(lock_);

    pulse_++;
    if (!lines_.empty())
        lines_.back() += ": " + detail;
}

std::vector<std::string> History::last() const {
    const std::lock_guard guard(lock_);

    return {lines_.begin(), lines_.end()};
}

Session::Session(std::uint64_t seed, bool is_verbose)
    : rng(seed), history(is_verbose), salt(static_cast<unsigned>(seed * 2654435761U >> 7) | 1U) {
    salt &= 0x7fffU;
}

WriteId Session::next_id(unsigned device) {
    if (sub_op_ != op) {
        sub_op_ = op;
        sub_ = 0;
        writer_ = 0;
    }
    return make_id({salt, device, op, ++sub_});
}

WriteOrigin Session::next_writer(unsigned device) {
    next_id(device);
    return {salt, device, op, ++writer_ * writer_block};
}

Range random_range(Rng &rng, Sector sectors, Sector block_sectors, Sector max_count) {
    const unsigned kind = static_cast<unsigned>(rng.below(100));
    const Sector limit = kind < 55 ? 16 : kind < 80 ? 128 : kind < 95 ? 512 : 2048;
    const Sector area = rng.percent(50) ? sectors : std::max<Sector>(sectors / 8, block_sectors);
    Sector count = rng.between(1, std::min(limit, max_count));
    Sector first = rng.below(area);

    if (rng.percent(4))
        first = sectors - std::min(sectors, count); /* the odd end */
    if (rng.percent(20)) {
        first &= ~Sector{127}; /* well aligned, as file systems do it */
        count = (count + 7) & ~Sector{7};
    }
    first = first / block_sectors * block_sectors;
    count = std::max(count / block_sectors, Sector{1}) * block_sectors;
    return {first, std::min(count, sectors - first)};
}

void run_parallel(const std::vector<std::function<void()>> &jobs, unsigned threads) {
    std::atomic<std::size_t> next{0};
    std::mutex lock;
    std::exception_ptr failure;
    std::vector<std::thread> workers;
    const auto work = [&] {
        for (std::size_t i = next++; i < jobs.size(); i = next++) {
            try {
                jobs[i]();
            } catch (...) {
                const std::lock_guard guard(lock);

                if (!failure)
                    failure = std::current_exception();
                next = jobs.size();
            }
        }
    };

    for (std::size_t i = 1; i < std::min<std::size_t>(threads, jobs.size()); i++)
        workers.emplace_back(work);
    work();
    for (std::thread &worker : workers)
        worker.join();
    if (failure)
        std::rethrow_exception(failure);
}

void verify_range(Session &session, const OpenDevice &device, Image &content, Range range) {
    Buffer data(range.count * sector_bytes);

    device.file.read(range.first, data.bytes());
    session.verified_bytes += data.bytes().size();

    const auto mismatch = content.check(range.first, data.bytes());

    if (mismatch)
        throw TestFailure(fmt::format("{} ({}), reading {} sectors at {}:\n"
                                      "  first differing sector: {}\n"
                                      "  expected: {}\n  actual:   {}",
                                      device.device.name(), device.device.number(), range.count,
                                      range.first, mismatch->sector, mismatch->expected,
                                      mismatch->actual));
}

void verify_device(Session &session, const OpenDevice &device, Image &content,
                   std::size_t piece_bytes) {
    const Sector piece = piece_bytes / sector_bytes;

    for (Sector at = 0; at < content.sectors(); at += piece) {
        verify_range(session, device, content, {at, std::min(piece, content.sectors() - at)});
        session.history.touch();
    }
}

void decide(Session &session, const OpenDevice &device, Image &content) {
    const Sector block = device.file.block_sectors();

    for (const Range &open : content.undecided_ranges()) {
        for (Sector at = open.first / block * block; at < open.end(); at += 1024)
            verify_range(session, device, content,
                         {at, std::min<Sector>(1024, content.sectors() - at)});
    }
}

namespace {

void require_healthy(const Targets &targets, const DmDevice &device) {
    for (const Target &line : device.status()) {
        if (!targets.is_healthy(line))
            throw TestFailure(
                fmt::format("{} reports: {} {}", device.name(), line.type, line.params));
    }
}

} // namespace

void verify_all(Run &run) {
    static const std::vector<std::size_t> piece_sizes{64 << 10, 256 << 10, 1 << 20};
    Session &session = run.session;
    Chain &chain = run.chain;
    const std::size_t piece = session.rng.pick(piece_sizes);
    std::vector<std::function<void()>> jobs;
    std::vector<Snapshot *> opened;
    const auto add = [&](OpenDevice &device, Image &content) {
        require_healthy(chain.targets(), device.device);
        jobs.push_back([&session, &device, &content, piece] {
            verify_device(session, device, content, piece);
        });
    };

    for (const auto &view : chain.views())
        add(*view->open, *view->content);
    for (const auto &snapshot : chain.snapshots()) {
        if (!snapshot->image) {
            chain.open_image(*snapshot);
            opened.push_back(snapshot.get());
        }
        add(*snapshot->image, snapshot->content);
    }
    add(chain.origin(), chain.content());
    session.rng.shuffle(jobs);
    run_parallel(jobs, verify_threads);
    for (Snapshot *snapshot : opened)
        chain.close_image(*snapshot);
}

} // namespace esmodel
