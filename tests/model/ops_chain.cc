// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that change the chain: snapshots, images, views, reloads, detaching.
 */
#include "ops.h"
#include "writers.h"

namespace esmodel {

namespace {

using Flush = DmDevice::Flush;

Flush random_flush(Run &run) {
    const Flush flush = run.session.rng.percent(70) ? Flush::flush : Flush::noflush;

    if (flush == Flush::noflush)
        run.session.note("noflush");
    return flush;
}

Snapshot &random_snapshot(Run &run) {
    return *run.session.rng.pick(run.chain.snapshots());
}

void make_room(Run &run) {
    if (run.chain.snapshots().size() >= run.limits.max_stores)
        remove_oldest(run);
}

/* The journal comes or goes, half of the time under load. */
void switch_journal(Run &run, const std::function<void(const SwitchHooks &)> &change) {
    if (run.session.rng.percent(50)) {
        change({});
        return;
    }

    Load load(run);

    load.wait(static_cast<unsigned>(run.session.rng.below(60)));
    change(load.hooks());
    load.wait(static_cast<unsigned>(run.session.rng.below(60)));
    load.finish();
}

} // namespace

void create_snapshot(Run &run) {
    make_room(run);
    if (run.session.rng.percent(50))
        decide(run.session, run.chain.origin(), run.chain.content());

    Snapshot &snapshot = run.chain.add_snapshot(run.session.rng, random_flush(run));

    run.session.note("snapshot {}", snapshot.number);
    run.chain.open_image(snapshot);
    verify_all(run);
}

void create_snapshot_under_load(Run &run) {
    make_room(run);

    Load load(run);

    load.wait(static_cast<unsigned>(run.session.rng.below(60)));

    Snapshot &snapshot = run.chain.add_snapshot(run.session.rng, random_flush(run), load.hooks());

    run.session.note("snapshot {}", snapshot.number);
    load.wait(static_cast<unsigned>(run.session.rng.below(60)));
    load.finish();
    run.chain.open_image(snapshot);
    load.adopt(snapshot);
    verify_all(run);
}

void remove_oldest(Run &run) {
    run.session.note("remove snapshot {}", run.chain.snapshots().front()->number);
    run.chain.remove_oldest(random_flush(run));
}

void open_image(Run &run) {
    for (const auto &snapshot : run.chain.snapshots()) {
        if (snapshot->image)
            continue;
        run.session.note("snapshot {}", snapshot->number);
        run.chain.open_image(*snapshot);
        return;
    }
}

void close_image(Run &run) {
    for (;;) {
        Snapshot &snapshot = random_snapshot(run);

        if (!snapshot.image)
            continue;
        run.session.note("snapshot {}", snapshot.number);
        run.chain.close_image(snapshot);
        return;
    }
}

void create_view(Run &run) {
    Snapshot &snapshot = random_snapshot(run);
    const bool was_open = snapshot.image != nullptr;

    run.session.note("of snapshot {}", snapshot.number);
    run.chain.open_image(snapshot);
    /* The view starts with what the snapshot was found to hold. */
    decide(run.session, *snapshot.image, snapshot.content);

    View &view = run.chain.add_view(run.session.rng, snapshot);

    run.session.note("view {}", view.number);
    if (!was_open)
        run.chain.close_image(snapshot);
    verify_all(run);
}

void remove_view(Run &run) {
    for (;;) {
        const View &view = *run.session.rng.pick(run.chain.views());

        if (view.is_pinned)
            continue;
        run.session.note("view {}", view.number);
        run.chain.remove_view(view.number);
        return;
    }
}

void reload(Run &run) {
    const auto source = run.session.rng.percent(50) ? Chain::Source::built : Chain::Source::printed;

    run.chain.reload(source, random_flush(run));
}

void reload_under_load(Run &run) {
    Load load(run);

    for (std::uint64_t i = run.session.rng.between(1, 4); i > 0; i--) {
        load.wait(static_cast<unsigned>(run.session.rng.below(30)));
        reload(run);
    }
    load.finish();
}

/* Images come and go as well: their tables are loaded on first use and dropped at the end. */
void work_under_load(Run &run) {
    Load load(run);

    load.wait(static_cast<unsigned>(run.session.rng.below(150)));
    for (const auto &snapshot : run.chain.snapshots()) {
        if (snapshot->image || !run.session.rng.percent(50))
            continue;
        run.chain.open_image(*snapshot);
        verify_range(run.session, *snapshot->image, snapshot->content,
                     {0, std::min<Sector>(256, snapshot->content.sectors())});
    }
    load.wait(static_cast<unsigned>(run.session.rng.below(100)));
    load.finish();
    if (run.session.rng.percent(30))
        verify_all(run);
}

void add_journal(Run &run) {
    const Flush flush = random_flush(run);

    switch_journal(run, [&](const SwitchHooks &hooks) {
        run.chain.add_journal(run.session.rng, flush, hooks);
    });
}

void remove_journal(Run &run) {
    const Flush flush = random_flush(run);

    switch_journal(run, [&](const SwitchHooks &hooks) { run.chain.remove_journal(flush, hooks); });
    verify_all(run);
}

void drain_journal(Run &run) {
    run.chain.drain();
    if (run.session.rng.percent(30))
        verify_all(run);
}

void check_stores(Run &run) {
    std::vector<std::function<void()>> jobs;

    for (const std::string &path : run.chain.store_paths())
        jobs.push_back([&run, path] {
            run.chain.targets().check(path);
            run.session.history.touch();
        });
    run_parallel(jobs, 2);
}

void detach_and_attach(Run &run) {
    run.chain.detach();
    check_stores(run);
    run.chain.attach();
    if (run.session.rng.percent(30))
        verify_all(run);
}

} // namespace esmodel
