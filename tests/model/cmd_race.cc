// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnap-model race: slow reads of snapshots while the origin is overwritten.
 *
 * Reads of the origin are delayed (dm-delay) and writes are not.  A reader of a
 * snapshot that finds its chunk not copied goes to the origin and is held up
 * there; a writer whose copy began before, and is complete by now, could overtake
 * it.  The reader must still see the snapshot.  So in every zone of the origin
 * readers and writers start at random moments around each other.
 */
#include <thread>

#include "bed.h"
#include "commands.h"
#include "ops.h"

namespace esmodel {

namespace {

constexpr Sector zone_sectors = 512;
constexpr unsigned readers_per_zone = 3;

void sleep_ms(std::uint64_t milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

/* A random part of @zone in whole blocks. */
Range part_of(Rng &rng, Range zone, Sector block) {
    const Sector blocks = zone.count / block;
    const Sector first = rng.below(blocks);

    return {zone.first + first * block,
            rng.between(1, std::min<Sector>(blocks - first, 128)) * block};
}

/* One round: which jobs run, and what the writers will have written. */
struct Round {
    std::vector<std::function<void()>> jobs;
    std::vector<LoggedWrite> writes;
};

/* Up to three writes one after the other; the later ones find chunks already copied. */
void add_writer(Run &run, Range zone, unsigned delay_ms, Round &round) {
    Rng &rng = run.session.rng;
    const BlockFile &file = run.chain.origin().file;
    const std::uint64_t start = rng.below(delay_ms * 2);
    std::vector<LoggedWrite> mine;

    for (std::uint64_t i = rng.between(1, 3); i > 0; i--)
        mine.push_back({part_of(rng, zone, file.block_sectors()), run.session.next_id(0)});
    round.writes.insert(round.writes.end(), mine.begin(), mine.end());
    round.jobs.push_back([&file, mine, start] {
        sleep_ms(start);
        for (const LoggedWrite &write : mine)
            write_pattern(file, write.range, write.id);
    });
}

void add_reader(Run &run, Range zone, unsigned delay_ms, Round &round) {
    Rng &rng = run.session.rng;
    /* Mostly the newest: it is the one that still reads from the origin. */
    auto &snapshots = run.chain.snapshots();
    const auto &snapshot = rng.percent(70) ? snapshots.back() : rng.pick(snapshots);
    const OpenDevice *device = snapshot->image.get();
    Image *content = &snapshot->content;
    const std::uint64_t start = rng.below(delay_ms * 2);

    if (!run.chain.views().empty() && rng.percent(20)) {
        const auto &view = rng.pick(run.chain.views());

        device = view->open.get();
        content = view->content.get();
    }

    const Range range = part_of(rng, zone, device->file.block_sectors());

    round.jobs.push_back([&session = run.session, device, content, range, start] {
        sleep_ms(start);
        verify_range(session, *device, *content, range);
    });
}

void make_snapshot(Run &run, unsigned round) {
    Chain &chain = run.chain;

    if (chain.snapshots().size() >= run.limits.max_stores)
        chain.remove_oldest(DmDevice::Flush::flush);

    Snapshot &snapshot = chain.add_snapshot(run.session.rng, DmDevice::Flush::flush);

    chain.open_image(snapshot);
    if (round % 4 == 1) {
        if (!chain.views().empty())
            chain.remove_view(chain.views().front()->number);
        chain.add_view(run.session.rng, snapshot);
    }
}

void run_round(Run &run, unsigned delay_ms) {
    Round round;

    for (Sector at = 0; at < run.chain.content().sectors(); at += zone_sectors) {
        const Range zone{at, std::min(zone_sectors, run.chain.content().sectors() - at)};

        add_writer(run, zone, delay_ms, round);
        for (unsigned i = 0; i < readers_per_zone; i++)
            add_reader(run, zone, delay_ms, round);
    }
    run_parallel(round.jobs, static_cast<unsigned>(round.jobs.size()));
    for (const LoggedWrite &write : round.writes)
        run.chain.content().write(write.range, write.id);
}

Table slow_reads(const std::string &disk, Sector sectors, unsigned delay_ms) {
    return {{0, sectors, "delay", fmt::format("{} 0 {} {} 0 0", disk, delay_ms, disk)}};
}

} // namespace

void command_race(const Options &options, Watchdog &watchdog) {
    TestBed bed(options, watchdog, options.seed);
    const DmDevice slow(
        "esm-slow", slow_reads(bed.origin.number(), bed.geometry.origin_sectors, options.delay_ms));
    const auto content = std::make_shared<Image>(bed.geometry.origin_sectors);
    const auto chain = bed.make_chain("esm", 0, slow.path(), content);
    Run run{bed.session, *chain, {.max_stores = 5}};

    bed.guarded([&] {
        chain->attach();
        fill_origin(run);
        for (unsigned round = 1; round <= options.rounds; round++) {
            bed.session.op = round;
            bed.session.history.begin(round, "race");
            make_snapshot(run, round);
            run_round(run, options.delay_ms);
            if (round % 10 == 0)
                verify_all(run);
        }
        finish_chain(run);
        bed.require_quiet_kernel();
    });
    fmt::print("race: {} rounds, {} MiB compared, {:.1f} s: all equal\n", options.rounds,
               bed.session.verified_bytes >> 20, bed.seconds());
}

} // namespace esmodel
