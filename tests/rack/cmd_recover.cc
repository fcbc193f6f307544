// SPDX-License-Identifier: GPL-2.0-only
//
// esnap-rack recover: points recovered by the module itself, twice each: what it writes
// while it recovers, and while it detaches, is recorded and cut once more.
#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <fmt/format.h>

#include "block_io.h"
#include "commands.h"
#include "judge.h"
#include "points.h"
#include "stack.h"

namespace rack {

namespace {

using esmodel::BlockFile;
using esmodel::Buffer;
using esmodel::DmDevice;

/** A disk of which it is known what it holds, so that only differences are written. */
class ScratchDisk {
public:
    ScratchDisk(const std::string &path, const Layout &layout, const SectorPool &pool)
        : file_(path, BlockFile::Mode::write), pool_(pool), holds_(layout.disk_sectors(), zeros) {
        file_.clear(esmodel::Clear::zeroout, {0, layout.disk_sectors()});
    }

    void make(const std::vector<ContentId> &wanted) {
        for (Sector s = 0; s < wanted.size();) {
            Sector end = s;
            while (end < wanted.size() && end - s < most && wanted[end] != holds_[end])
                ++end;
            if (end > s)
                write(s, std::span(wanted).subspan(s, end - s));
            s = std::max(end, s + 1);
        }
    }

    /** It was written to behind our back, as @disk has been. */
    void take(const Disk &disk) { holds_ = disk.contents(); }

private:
    static constexpr Sector most = 1024;

    void write(Sector first, std::span<const ContentId> contents) {
        Buffer buffer(contents.size() * sector_bytes);
        for (std::size_t i = 0; i < contents.size(); ++i) {
            std::ranges::copy(pool_.bytes(contents[i]), buffer.data() + i * sector_bytes);
            holds_[first + i] = contents[i];
        }
        file_.write(first, buffer.bytes());
    }

    BlockFile file_;
    const SectorPool &pool_;
    std::vector<ContentId> holds_;
};

/** What is recovered, looked at, and taken down again. */
class Recovery {
public:
    Recovery(Run &run, const Options &options)
        : run_(run), disks_{options.data_disk, options.recovery_log},
          scratch_(options.data_disk, run.layout(), run.pool()) {}

    /** From what @disk holds; on return it holds what this has left, and @log has the steps. */
    Verdict recover(Disk &disk, Log &log) {
        scratch_.make(disk.contents());
        Verdict verdict = recover_scratch();
        log = read_log(disks_.log, run_.pool());
        for (const Step &step : make_timeline(log, run_.pool(), run_.layout()))
            disk.apply(log, step);
        disk.settle();
        scratch_.take(disk);
        return verdict;
    }

private:
    Verdict recover_scratch() {
        Stack stack(run_.layout(), disks_);
        const Oracle &oracle = run_.oracle();
        for (const Snapshot &s : oracle.snapshots())
            stack.set_slot(s.slot, oracle.slot_sectors(s.slot));
        for (const View &v : oracle.views())
            stack.set_slot(v.slot, oracle.slot_sectors(v.slot));
        if (run_.layout().has_journal)
            stack.set_slot(run_.layout().journal_slot(), Layout::journal_sectors);
        std::string refusals;
        for (const Oracle::Range range : oracle.candidates()) {
            if (const auto refusal = attach(stack, range)) {
                refusals += *refusal + "; ";
                continue;
            }
            Verdict verdict = look(stack, range);
            stack.detach();
            return verdict ? verdict : check(stack, range);
        }
        return "the module attaches none: " + refusals;
    }

    Verdict attach(Stack &stack, Oracle::Range range) const {
        std::vector<std::uint32_t> stores;
        for (std::size_t i = range.first; i < range.end; ++i)
            stores.push_back(run_.oracle().snapshots()[i].slot);
        // With the journal, if it can be one; without, if the chain does not name it.
        std::string refusals;
        for (const bool journal : {true, false}) {
            if (journal && !run_.layout().has_journal)
                continue;
            stack.use_journal(journal);
            try {
                stack.attach(stores);
                return std::nullopt;
            } catch (const esmodel::DmError &e) {
                refusals += std::string(e.what()) + "; ";
            }
        }
        return refusals;
    }

    std::vector<ContentId> read(const DmDevice &device) {
        const BlockFile file(device.path(), BlockFile::Mode::read);
        Buffer buffer(file.sectors() * sector_bytes);
        std::vector<ContentId> ids;
        for (std::size_t at = 0; at < buffer.bytes().size(); at += piece)
            file.read(at / sector_bytes,
                      buffer.bytes().subspan(at, std::min(piece, buffer.bytes().size() - at)));
        for (std::size_t at = 0; at < buffer.bytes().size(); at += sector_bytes)
            ids.push_back(run_.pool().intern(
                std::span<const std::byte, sector_bytes>(buffer.data() + at, sector_bytes)));
        return ids;
    }

    Verdict look(Stack &stack, Oracle::Range range) {
        try {
            return look_at_all(stack, range);
        } catch (const std::exception &e) {
            return fmt::format("{} (the chain is {})", e.what(), stack.state());
        }
    }

    Verdict look_at_all(Stack &stack, Oracle::Range range) {
        const ImageJudge judge(run_.oracle(), run_.pool());
        if (auto verdict = judge.origin(read(stack.org())))
            return verdict;
        const auto &all = run_.oracle().snapshots();
        for (std::size_t i = range.first; i < range.end; ++i)
            if (auto verdict = judge.snapshot(all[i], read(stack.make_image(all[i].slot))))
                return verdict;
        for (const View &view : run_.oracle().views())
            for (std::size_t i = range.first; view.ready && i < range.end; ++i)
                if (all[i].number == view.snapshot)
                    if (auto verdict =
                            judge.view(view, read(stack.make_view(view.slot, all[i].slot))))
                        return verdict;
        return std::nullopt;
    }

    /** esnap check of all stores, now detached. */
    Verdict check(const Stack &stack, Oracle::Range range) const {
        std::vector<std::uint32_t> slots;
        for (std::size_t i = range.first; i < range.end; ++i)
            slots.push_back(run_.oracle().snapshots()[i].slot);
        for (const View &view : run_.oracle().views())
            if (view.ready)
                slots.push_back(view.slot);
        if (run_.oracle().has_journal())
            slots.push_back(run_.layout().journal_slot());
        for (const std::uint32_t slot : slots)
            try {
                run_esnap({"check", stack.slot(slot).path()});
            } catch (const std::exception &e) {
                return e.what();
            }
        return std::nullopt;
    }

    static constexpr std::size_t piece = 1 << 20;

    Run &run_;
    const Disks disks_;
    ScratchDisk scratch_;
};

class Recoveries {
public:
    Recoveries(const Options &options, Run &run)
        : options_(options), run_(run), recovery_(run, options), rng_(options.seed) {}

    bool look(const Point &point) {
        Verdict verdict = recover_twice();
        ++looked_at_;
        if (!verdict)
            return true;
        fmt::print("VIOLATION: {}: {}\n  again: esnap-rack recover … --seed {} --point {} "
                   "--variant {}\n",
                   run_.name(point), *verdict, options_.seed, point.step, point.variant);
        std::fflush(stdout);
        return ++violations_ < options_.failures;
    }

    std::uint64_t looked_at() const { return looked_at_; }
    std::uint64_t cuts() const { return cuts_; }
    std::uint64_t violations() const { return violations_; }

private:
    Verdict recover_twice() {
        Disk first = run_.disk(), second = run_.disk();
        first.lose_pending();
        second.lose_pending();
        Log log, unused;
        if (auto verdict = recover(first, log))
            return verdict;
        ++cuts_;
        cut_recovery(second, log);
        if (auto verdict = recover(second, unused))
            return "after a second cut while recovering: " + *verdict;
        ++cuts_;
        return std::nullopt;
    }

    Verdict recover(Disk &disk, Log &log) { return recovery_.recover(disk, log); }

    /** The power fails somewhere in what the recovery recorded. */
    void cut_recovery(Disk &disk, const Log &log) {
        const auto steps = make_timeline(log, run_.pool(), run_.layout());
        const std::size_t end = rng_.below(steps.size() + 1);
        for (std::size_t i = 0; i < end; ++i)
            disk.apply(log, steps[i]);
        disk.cut(rng_.below(6), rng_, log, end < steps.size() ? &steps[end] : nullptr);
        disk.keep_cut();
        disk.lose_pending();
    }

    const Options &options_;
    Run &run_;
    Recovery recovery_;
    esmodel::Rng rng_;
    std::uint64_t looked_at_ = 0, cuts_ = 0, violations_ = 0;
};

} // namespace

int command_recover(const Options &options) {
    Run run(options.log);
    const std::vector<Point> points = wanted_points(options, run);
    Recoveries recoveries(options, run);
    const auto start = std::chrono::steady_clock::now();
    run.visit(wanted_points(options, run),
              [&](const Point &point) { return recoveries.look(point); });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    fmt::print("seed {}: {} points, {} recoveries by the module: {} violations; {:.2f} s each\n",
               run.layout().salt, recoveries.looked_at(), recoveries.cuts(),
               recoveries.violations(),
               took.count() / static_cast<double>(std::max<std::uint64_t>(1, recoveries.cuts())));
    return recoveries.violations() ? 1 : 0;
}

} // namespace rack
