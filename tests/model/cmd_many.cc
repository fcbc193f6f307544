// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnap-model many: very many stores on one origin.
 *
 * Between two snapshots a few sectors change, so every snapshot differs from its
 * neighbours.  The oldest and a sample of the others are compared while the
 * chain is live, and all over again after detaching and attaching.
 */
#include "bed.h"
#include "commands.h"
#include "ops.h"

namespace esmodel {

namespace {

constexpr unsigned report_every = 128;
constexpr unsigned sample_size = 24;

/* The oldest, the newest, and random ones between. */
std::vector<Snapshot *> sample(Run &run) {
    auto &all = run.chain.snapshots();
    std::vector<Snapshot *> chosen{all.front().get(), all.back().get()};

    for (unsigned i = 2; i < sample_size; i++)
        chosen.push_back(run.session.rng.pick(all).get());
    return chosen;
}

void verify_sample(Run &run, const char *when) {
    const auto start = std::chrono::steady_clock::now();

    for (Snapshot *snapshot : sample(run)) {
        run.session.history.begin(snapshot->number, "compare snapshot");
        run.chain.open_image(*snapshot);
        verify_device(run.session, *snapshot->image, snapshot->content, 1 << 20);
        run.chain.close_image(*snapshot);
    }
    fmt::print("  {}: {} snapshots compared in {:.2f} s\n", when, sample_size,
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    std::fflush(stdout);
}

/* Few and small writes: the stores are small too. */
void change_a_little(Run &run) {
    const OpenDevice &origin = run.chain.origin();

    for (int i = 0; i < 3; i++) {
        const Range range = random_range(run.session.rng, run.chain.content().sectors(),
                                         origin.file.block_sectors(), 64);
        const WriteId id = run.session.next_id(0);

        write_pattern(origin.file, range, id);
        run.chain.content().write(range, id);
    }
}

void create_stores(TestBed &bed, Run &run, unsigned count) {
    for (unsigned i = 1; i <= count; i++) {
        bed.session.op = i;
        bed.session.history.begin(i, "create");
        change_a_little(run);
        run.chain.add_snapshot(bed.session.rng, DmDevice::Flush::flush);
        if (i % report_every == 0 || i == count) {
            fmt::print("  {} stores after {:.1f} s\n", i, bed.seconds());
            std::fflush(stdout);
        }
    }
}

template <class Action>
void timed(const char *name, const Action &action) {
    const auto start = std::chrono::steady_clock::now();

    action();
    fmt::print("  {}: {:.2f} s\n", name,
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    std::fflush(stdout);
}

} // namespace

void command_many(const Options &options, Watchdog &watchdog) {
    Options small = options;

    if (options.use_standin)
        throw std::runtime_error("many: dm-snapshot would copy every write 1024 times");
    small.origin_sectors = options.origin_sectors != 0 ? options.origin_sectors : 4088;
    small.chunk_sectors = options.chunk_sectors != 0 ? options.chunk_sectors : 16;

    TestBed bed(small, watchdog, options.seed, options.store_sectors);
    const auto content = std::make_shared<Image>(bed.geometry.origin_sectors);
    const auto chain = bed.make_chain("esm", 0, bed.origin.path(), content);
    Run run{bed.session, *chain, {.max_stores = options.stores}};

    bed.guarded([&] {
        chain->attach();
        fill_origin(run);
        create_stores(bed, run, options.stores);
        verify_sample(run, "live");
        timed("detach", [&] { chain->detach(); });
        timed("check of all stores", [&] { check_stores(run); });
        timed("attach", [&] { chain->attach_origin(); });
        verify_sample(run, "attached again");
        verify_device(bed.session, chain->origin(), chain->content(), 1 << 20);
        timed("detach", [&] { chain->detach(); });
        bed.require_quiet_kernel();
    });
    fmt::print("many: {} stores, {} MiB compared, {:.1f} s: all equal\n", options.stores,
               bed.session.verified_bytes >> 20, bed.seconds());
}

} // namespace esmodel
