// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnap-model run: random operations against the model, seed by seed.
 */
#include "bed.h"
#include "commands.h"
#include "ops.h"

namespace esmodel {

namespace {

/* Overwrites one sector of the origin behind everybody's back: the test must find it. */
void plant_fault(TestBed &bed, const Chain &chain) {
    const BlockFile bare(chain.setup().origin_path, BlockFile::Mode::write);
    const Sector block = bare.block_sectors();

    chain.drain();
    const Sector at = bed.session.rng.below(chain.setup().sectors / block) * block;

    fmt::print("planting a fault in sector {}\n", at);
    write_pattern(bare, {at, block}, make_id({bed.session.salt, 511, 0xfffff, 0xfffff}));
}

void print_summary(const TestBed &bed, unsigned ops) {
    const Session &session = bed.session;
    const auto count = [&](const char *name) {
        const auto found = session.done.find(name);

        return found == session.done.end() ? 0 : found->second;
    };

    fmt::print("  {} operations, {} snapshots, {} views, {} detached, {} MiB compared, {:.1f} s\n",
               ops, count("snapshot: create") + count("snapshot: create under load"),
               count("view: create"), count("chain: detach and attach"),
               session.verified_bytes >> 20, bed.seconds());
    if (count("journal: add") != 0)
        fmt::print("  {} journals added, {} removed, {} drains\n", count("journal: add"),
                   count("journal: remove"), count("journal: drain"));
    for (const auto &[name, times] : session.unsupported)
        fmt::print("  not supported: {} ({} times)\n", name, times);
    std::fflush(stdout);
}

void run_seed(const Options &options, Watchdog &watchdog, std::uint64_t seed) {
    TestBed bed(options, watchdog, seed);
    const auto content = std::make_shared<Image>(bed.geometry.origin_sectors);
    const auto chain = bed.make_chain("esm", 0, bed.origin.path(), content);
    Run run{bed.session,
            *chain,
            {.max_stores = options.max_stores, .with_journal = options.with_journal}};

    bed.guarded([&] {
        bed.session.history.begin(0, "set up");
        chain->attach();
        fill_origin(run);
        for (unsigned op = 1; op <= options.ops; op++) {
            bed.session.op = op;
            run_random_operation(run);
            if (op % 50 == 0)
                bed.require_quiet_kernel();
        }
        if (options.plant_fault)
            plant_fault(bed, *chain);
        finish_chain(run);
        bed.require_quiet_kernel();
    });
    print_summary(bed, options.ops);
}

} // namespace

void command_run(const Options &options, Watchdog &watchdog) {
    for (unsigned i = 0; i < options.seeds; i++)
        run_seed(options, watchdog, options.seed + i);
    fmt::print("{} seeds of {} operations: all equal\n", options.seeds, options.ops);
}

} // namespace esmodel
