// SPDX-License-Identifier: GPL-2.0-only
#include "ops.h"

#include <algorithm>

namespace esmodel {

namespace {

bool always(Run &) {
    return true;
}

bool has_snapshot(Run &run) {
    return !run.chain.snapshots().empty();
}

/* A full chain gives up its oldest to make room; another chain may depend on it. */
bool can_create_snapshot(Run &run) {
    Chain &chain = run.chain;
    const bool is_full = chain.snapshots().size() >= run.limits.max_stores;

    return chain.free_slots() > 0 &&
           (!is_full || !chain.has_pinned_view(*chain.snapshots().front()));
}

bool can_remove_oldest(Run &run) {
    return has_snapshot(run) && !run.chain.has_pinned_view(*run.chain.snapshots().front());
}

bool has_closed_image(Run &run) {
    return std::any_of(run.chain.snapshots().begin(), run.chain.snapshots().end(),
                       [](const auto &s) { return !s->image; });
}

bool can_close_image(Run &run) {
    return !run.chain.targets().needs_open_images() &&
           std::any_of(run.chain.snapshots().begin(), run.chain.snapshots().end(),
                       [](const auto &s) { return s->image != nullptr; });
}

bool can_create_view(Run &run) {
    return has_snapshot(run) && run.chain.free_slots() > 0 &&
           run.chain.views().size() < run.limits.max_views;
}

/* The views that this chain may write to and remove. */
std::vector<View *> own_views(Run &run) {
    std::vector<View *> views;

    for (const auto &view : run.chain.views()) {
        if (!view->is_pinned)
            views.push_back(view.get());
    }
    return views;
}

bool has_own_view(Run &run) {
    return !own_views(run).empty();
}

bool can_add_journal(Run &run) {
    return has_snapshot(run) && !run.chain.has_journal() && run.chain.free_slots() > 0;
}

bool has_journal(Run &run) {
    return run.chain.has_journal();
}

bool can_detach(Run &run) {
    return run.limits.may_detach;
}

using VolumeOp = void (*)(Run &, Volume);

template <VolumeOp op>
void on_origin(Run &run) {
    Chain &chain = run.chain;

    op(run, {chain.origin(), chain.content(), chain.setup().index * 64});
}

template <VolumeOp op>
void on_view(Run &run) {
    View &view = *run.session.rng.pick(own_views(run));

    run.session.note("view {} of snapshot {}", view.number, view.snapshot);
    op(run, {*view.open, *view.content, run.chain.setup().index * 64 + view.number % 63 + 1});
}

} // namespace

const std::vector<Operation> &operations(bool with_journal) {
    static const std::vector<Operation> table{
        {"origin: write", 200, always, on_origin<write_once>},
        {"origin: durable write", 40, always, on_origin<write_durable>},
        {"origin: sequential writes", 30, always, on_origin<write_sequential>},
        {"origin: batch of writes", 140, always, on_origin<write_batch>},
        {"origin: discard", 60, always, on_origin<discard>},
        {"origin: secure discard", 4, always, on_origin<discard_secure>},
        {"origin: zeroes", 40, always, on_origin<clear_to_zero>},
        {"origin: flush", 20, always, on_origin<flush>},
        {"snapshot: create", 40, can_create_snapshot, create_snapshot},
        {"snapshot: create under load", 12, can_create_snapshot, create_snapshot_under_load},
        {"snapshot: remove oldest", 18, can_remove_oldest, remove_oldest},
        {"image: open", 30, has_closed_image, open_image},
        {"image: close", 25, can_close_image, close_image},
        {"view: create", 20, can_create_view, create_view},
        {"view: write", 70, has_own_view, on_view<write_once>},
        {"view: durable write", 10, has_own_view, on_view<write_durable>},
        {"view: batch of writes", 30, has_own_view, on_view<write_batch>},
        {"view: discard", 20, has_own_view, on_view<discard>},
        {"view: zeroes", 15, has_own_view, on_view<clear_to_zero>},
        {"view: flush", 8, has_own_view, on_view<flush>},
        {"view: remove", 7, has_own_view, remove_view},
        {"chain: reload", 14, always, reload},
        {"chain: reload under load", 8, always, reload_under_load},
        {"chain: load", 14, always, work_under_load},
        {"chain: detach and attach", 6, can_detach, detach_and_attach},
        {"read", 110, always, read_random},
        {"verify all", 4, always, verify_all},
    };
    static const std::vector<Operation> with_journals = [] {
        std::vector<Operation> all = table;

        all.push_back({"journal: add", 60, can_add_journal, add_journal});
        all.push_back({"journal: remove", 12, has_journal, remove_journal});
        all.push_back({"journal: drain", 20, has_journal, drain_journal});
        return all;
    }();

    return with_journal ? with_journals : table;
}

void run_random_operation(Run &run) {
    const std::vector<Operation> &table = operations(run.limits.with_journal);
    Session &session = run.session;
    unsigned total = 0;

    for (const Operation &op : table)
        total += op.weight;
    for (;;) {
        std::uint64_t at = session.rng.below(total);
        auto op = table.begin();

        for (; at >= op->weight; ++op)
            at -= op->weight;
        if (!op->is_possible(run))
            continue;
        session.history.begin(session.op, fmt::format("{} {}", run.chain.setup().name, op->name));
        session.done[op->name]++;
        op->perform(run);
        return;
    }
}

} // namespace esmodel
