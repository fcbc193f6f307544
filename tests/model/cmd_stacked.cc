// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnap-model stacked: chains on views of chains, three deep.
 *
 *   disk <- chain 0 <- snapshot <- view = origin of chain 1 <- ... = origin of chain 2
 *
 * All three get random operations at once.  A view that carries a chain is
 * written through that chain only; the model of both is the same object.
 */
#include "bed.h"
#include "commands.h"
#include "ops.h"

namespace esmodel {

namespace {

constexpr unsigned depth = 3;

/* A chain on a view of a new snapshot of @below. */
std::unique_ptr<Chain> stack_on(TestBed &bed, Run &below, unsigned index) {
    Session &session = bed.session;

    for (int i = 0; i < 3; i++)
        write_batch(below,
                    {below.chain.origin(), below.chain.content(), below.chain.setup().index * 64});
    create_snapshot(below);

    Snapshot &snapshot = *below.chain.snapshots().back();
    View &view = below.chain.add_view(session.rng, snapshot);

    view.is_pinned = true;

    auto chain =
        bed.make_chain(fmt::format("esm{}", index), index, view.open->file.path(), view.content);

    chain->attach();
    return chain;
}

} // namespace

void command_stacked(const Options &options, Watchdog &watchdog) {
    TestBed bed(options, watchdog, options.seed);
    const auto content = std::make_shared<Image>(bed.geometry.origin_sectors);
    const Limits limits{.max_stores = 4, .max_views = 3, .may_detach = false};
    std::vector<std::unique_ptr<Chain>> chains;
    std::vector<Run> runs;

    chains.push_back(bed.make_chain("esm0", 0, bed.origin.path(), content));
    bed.guarded([&] {
        bed.session.history.begin(0, "set up");
        chains[0]->attach();
        runs.push_back({bed.session, *chains[0], limits});
        fill_origin(runs[0]);
        for (unsigned level = 1; level < depth; level++) {
            chains.push_back(stack_on(bed, runs.back(), level));
            runs.push_back({bed.session, *chains.back(), limits});
        }
        for (unsigned op = 1; op <= options.ops; op++) {
            bed.session.op = op;
            run_random_operation(bed.session.rng.pick(runs));
        }
        for (Run &run : runs)
            verify_all(run);
        for (auto run = runs.rbegin(); run != runs.rend(); ++run)
            finish_chain(*run);
        bed.require_quiet_kernel();
    });
    while (!chains.empty())
        chains.pop_back();
    fmt::print("stacked: {} chains, {} operations, {} MiB compared, {:.1f} s: all equal\n", depth,
               options.ops, bed.session.verified_bytes >> 20, bed.seconds());
}

} // namespace esmodel
