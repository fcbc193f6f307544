// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/assemble.h"

#include <algorithm>

#include <fmt/format.h>

#include "dm-ext/recipes.h"
#include "dm-ext/status.h"
#include "error.h"
#include "volumes/follow.h"
#include "volumes/grow.h"
#include "volumes/journal.h"
#include "volumes/live.h"
#include "volumes/remove.h"
#include "volumes/stores.h"

namespace esnap {

namespace {

constexpr const char *operation = "activate";

const Chain *by_origin(const std::vector<Chain> &chains, const std::string &uuid) {
    const auto found =
        std::ranges::find_if(chains, [&](const Chain &chain) { return chain.origin.uuid == uuid; });

    return found == chains.end() ? nullptr : &*found;
}

Chain read_chain(System &system, const std::string &vg, const std::string &origin_uuid) {
    const std::vector<Chain> chains = find_chains(read_vg(system.lvm, vg));
    const Chain *chain = by_origin(chains, origin_uuid);

    if (chain == nullptr)
        throw Error(operation, vg, fmt::format("LV {} is not an origin any more", origin_uuid));
    return *chain;
}

void forget_volume(System &system, const Volume &volume) {
    run_lvm(system.lvm, "take back", volume.volume_name().text(),
            {"lvremove", "-y", "-f", lvm_path(volume.vg, volume.store.name)});
}

void complete_volume(System &system, const Volume &volume) {
    run_lvm(system.lvm, "complete", volume.volume_name().text(),
            {"lvchange", "--deltag", tag::pending, lvm_path(volume.vg, volume.store.name)});
}

// --- the LVs ---

/* Killed between creating a device and loading its table. */
void remove_unfinished(System &system, const std::string &name) {
    const dmext::Device device(system.dm, name);
    const dmext::Info info = device.info();

    if (info.exists && !info.has_live_table)
        device.remove();
}

/* What a killed command may have left of the live layout, whose LV is not in use. */
void remove_real(System &system, const Chain &chain) {
    const std::string real = dmext::real_name(chain.device());

    remove_unfinished(system, real);
    if (is_live(system, real) && open_count(system, real) == 0)
        dmext::take_down(system.dm, {real}).run(system.dm);
}

void stack_lv(System &system, const Chain &chain) {
    const std::string path = lvm_path(chain.vg, chain.name);

    if (chain.origin.is_active) {
        if (stays_open(system, chain.device()))
            throw Error(operation, path, "it is in use without its snapshots",
                        "unmount it and run this again; what was written meanwhile makes its "
                        "snapshots suspect");
        run_lvm(system.lvm, operation, path, {"lvchange", "-an", path});
    }
    remove_real(system, chain);
    run_lvm(system.lvm, operation, path,
            {"lvrename", chain.vg, chain.name, chain.name + origin_suffix});
}

/* The origin's LV, those of all stores, and the journal's. */
Words lvs_of(const Chain &chain) {
    Words names{chain.origin.name};

    for (const Volume *volume : chain.volumes())
        names.push_back(volume->store.name);
    if (chain.journal)
        names.push_back(chain.journal->lv.name);
    return names;
}

/* Without those of views: nobody but the view needs them (make_device). */
void activate_lvs(System &system, const Chain &chain) {
    Words names = lvs_of(chain);

    std::erase_if(names, [&](const std::string &name) {
        return std::ranges::any_of(chain.views,
                                   [&](const Volume &view) { return view.store.name == name; });
    });
    run_lvm_on_all(system.lvm, operation, chain.volume_name(), {"lvchange", "-ay", "-K"}, names);
}

// --- which stores go into the table ---

/*
 * Was it taken? The store before it names its successor first, then it is attached; where that went
 * wrong, the successor is taken back, and it does not count that it had been attached.
 */
bool was_taken(const OpenedStore &store, const OpenedStore *older) {
    if (!store.volume.is_pending())
        return true;
    return older != nullptr ? es_uuid_equal(older->sb.next_uuid, store.sb.store_uuid)
                            : store.was_attached();
}

/*
 * Snapshots from oldest to newest as they belong into the table. Left out are: what was never
 * taken (it goes), what the kernel has dropped already (it goes), and everything up to the last
 * invalid one (it stays to be looked at).
 */
std::vector<OpenedStore> choose_stores(System &system, const Chain &chain, const Tell &tell) {
    std::vector<OpenedStore> stores;

    for (const Volume &snapshot : chain.snapshots) {
        const bool is_blank = is_unformatted(snapshot);
        if (!is_blank)
            stores.push_back(open_store(snapshot));
        const OpenedStore *older = stores.size() > 1 ? &stores[stores.size() - 2] : nullptr;
        const bool is_gone =
            snapshot.is_being_removed() && !is_blank && stores.back().sb.state == ES_STATE_REMOVED;
        if (is_blank || is_gone || !was_taken(stores.back(), older)) {
            tell(News::mended, fmt::format("{}: what a killed command had left of it is removed",
                                           snapshot.volume_name().text()));
            forget_volume(system, snapshot);
            if (!is_blank)
                stores.pop_back();
        } else if (stores.back().sb.state == ES_STATE_INVALID) {
            tell(News::missing,
                 fmt::format("{}: it is invalid, and so are the snapshots before it; remove them",
                             snapshot.volume_name().text()));
            stores.clear();
        }
    }
    return stores;
}

std::uint32_t chunk_sectors_of(const std::vector<OpenedStore> &stores) {
    return stores.empty() ? dmext::max_chunk_sectors : stores.front().sb.chunk_sectors;
}

void make_origin(System &system, const Chain &chain, const std::vector<OpenedStore> &stores,
                 const std::string &journal) {
    dmext::EsnapshotOrg org;

    if (!journal.empty() && stores.empty())
        throw Error(operation, chain.volume_name().text(),
                    "its snapshots are invalid, but its write journal has not been emptied",
                    "it has writes that the origin lacks; nothing was activated");
    org.journal = journal;
    org.origin = chain.origin_node();
    org.chunk_sectors = chunk_sectors_of(stores);
    set_full_policy(org, system.conf);
    for (const OpenedStore &store : stores)
        org.stores.push_back(store.volume.store_node());
    dmext::bring_up({{.name = chain.device(),
                      .uuid = chain.device_uuid(),
                      .table = dmext::make_table(chain.origin.bytes / 512, org)}})
        .run(system.dm);
}

void report_state(System &system, const Chain &chain, const Tell &tell) {
    const dmext::Table status = dmext::Device(system.dm, chain.device()).status();
    const dmext::OrgStatus org = dmext::parse_org_status(status.at(0));
    const dmext::OrgState state = org.state;

    if (org.journal && org.journal->state == dmext::JournalState::failed)
        tell(
            News::missing,
            fmt::format("{}: its journal has failed and is not used; remove it with esnap lvremove",
                        chain.volume_name().text()));
    if (state == dmext::OrgState::suspect)
        tell(News::missing,
             fmt::format("{}: it was written without its snapshots, which are not shown; to use "
                         "them all the same: dmsetup message {} 0 accept_origin",
                         chain.volume_name().text(), chain.device()));
    else if (state != dmext::OrgState::ok && state != dmext::OrgState::full)
        tell(News::missing, fmt::format("{}: the state of its snapshots is {}",
                                        chain.volume_name().text(), to_string(state)));
}

// --- images and views ---

dmext::Plan device_plan(const Chain &chain, const Volume &volume, dmext::Sectors sectors,
                        const std::string &origin) {
    if (volume.kind == Volume::Kind::snapshot)
        return dmext::create_image(volume.device(), volume.device_uuid(), sectors,
                                   {volume.store_node()});
    const auto snapshot = std::ranges::find(chain.snapshots, volume.of, &Volume::store_uuid);
    if (snapshot == chain.snapshots.end())
        throw Error(operation, volume.volume_name().text(),
                    fmt::format("the snapshot it is a view of (store {}) is not there", volume.of));
    return dmext::create_view(volume.device(), volume.device_uuid(), sectors,
                              {volume.store_node(), origin, snapshot->store_node()});
}

void make_device(System &system, const Chain &chain, const Volume &volume,
                 const dmext::EsnapshotOrg &org) {
    remove_unfinished(system, volume.device());
    if (is_live(system, volume.device()))
        return;
    if (!volume.store.is_active)
        run_lvm(system.lvm, operation, volume.volume_name().text(),
                {"lvchange", "-ay", "-K", lvm_path(volume.vg, volume.store.name)});
    const OpenedStore store = open_store(volume);
    device_plan(chain, volume, store.sb.origin_sectors, org.origin).run(system.dm);
}

/* Images of one snapshot say nothing about those of others: all are tried. Returns whether a tag
 * was changed. */
bool make_devices(System &system, const Chain &chain, const Tell &tell) {
    const dmext::EsnapshotOrg org = require_live_org(system, operation, chain);
    bool is_changed = false;

    for (const Volume *volume : chain.volumes()) {
        if (volume->kind == Volume::Kind::snapshot && !is_in_table(system, org, *volume))
            continue;
        try {
            make_device(system, chain, *volume, org);
            if (volume->is_pending()) {
                complete_volume(system, *volume);
                tell(News::mended, fmt::format("{}: completed", volume->volume_name().text()));
                is_changed = true;
            }
        } catch (const std::exception &error) {
            tell(News::missing,
                 fmt::format("{} is not there: {}", volume->volume_name().text(), error.what()));
        }
    }
    return is_changed;
}

/* From LVs at rest; the snapshots' devices are made by whoever calls. */
void assemble_origin(System &system, Chain chain, const Tell &tell) {
    const std::string vg = chain.vg, uuid = chain.origin.uuid;

    if (!chain.is_stacked) {
        stack_lv(system, chain);
        chain = read_chain(system, vg, uuid);
    }
    remove_unfinished(system, chain.device());
    activate_lvs(system, chain);
    const std::string journal = choose_journal(system, chain, tell);
    const std::vector<OpenedStore> stores = choose_stores(system, chain, tell);
    require_whole_chain(chain, stores);
    chain = read_chain(system, vg, uuid);
    if (chain.volumes().empty()) {
        dissolve(system, chain).run(system.dm);
        run_lvm(system.lvm, operation, chain.volume_name().text(),
                {"lvchange", "-ay", chain.volume_name().text()});
    } else {
        make_origin(system, chain, stores, journal);
        report_state(system, chain, tell);
    }
}

void assemble_chain(System &system, const Chain &chain, const Tell &tell) {
    if (!live_org(system, chain))
        assemble_origin(system, chain, tell);
    const std::vector<Chain> chains = find_chains(read_vg(system.lvm, chain.vg));
    if (const Chain *now = by_origin(chains, chain.origin.uuid))
        make_devices(system, *now, tell);
}

// --- settling ---

bool is_taken_live(System &system, const Volume &volume, const dmext::EsnapshotOrg &org) {
    return volume.kind == Volume::Kind::view ? is_live(system, volume.device())
                                             : is_in_table(system, org, volume);
}

/* Returns whether something was changed. */
bool settle_volume(System &system, const Chain &chain, const Volume &volume,
                   const dmext::EsnapshotOrg &org, const Tell &tell) {
    if (volume.is_being_removed()) {
        tell(News::mended,
             fmt::format("{}: its removal had begun and goes on", volume.volume_name().text()));
        remove_unfinished(system, volume.device());
        remove_volume(system, {chain, volume}).run(system.dm);
        return true;
    }
    if (!volume.is_pending() || is_taken_live(system, volume, org))
        return false;
    remove_unfinished(system, volume.device());
    forget_volume(system, volume);
    tell(News::mended, fmt::format("{}: what a killed command had left of it is removed",
                                   volume.volume_name().text()));
    return true;
}

/* Killed between loading a table and switching to it; it holds the stores that it names. */
void clear_loaded(System &system, const Chain &chain) {
    for (const std::string &name : {chain.device(), dmext::real_name(chain.device())}) {
        const dmext::Device device(system.dm, name);
        const dmext::Info info = device.info();

        if (info.exists && info.has_inactive_table)
            device.clear();
    }
}

/*
 * The origin's LV is active under its own name, without esnapshot-org: the first snapshot was not
 * switched to.
 */
bool settle_unstarted(System &system, const Chain &chain, const Tell &tell) {
    const auto is_nothing_yet = [](const Volume *volume) {
        return volume->is_pending() && (!volume->store.is_active || is_unformatted(*volume) ||
                                        !open_store(*volume).was_attached());
    };
    const std::vector<const Volume *> volumes = chain.volumes();

    if (!std::ranges::all_of(volumes, is_nothing_yet))
        return false;
    tell(News::mended,
         fmt::format("{}: an unfinished first snapshot is taken back", chain.volume_name().text()));
    clear_loaded(system, chain);
    remove_real(system, chain); // the volume still has its own table
    for (const Volume *volume : volumes)
        forget_volume(system, *volume);
    dissolve(system, read_chain(system, chain.vg, chain.origin.uuid)).run(system.dm);
    return true;
}

/*
 * The last snapshot was removed while the volume was in use, and then it went down without being
 * given back. Nothing else would bring it up: LVM does not, and it has no snapshots any more.
 */
bool settle_empty(System &system, const Chain &chain, const Tell &tell) {
    const dmext::Plan plan = dissolve(system, chain);
    const std::string name = chain.volume_name().text();

    if (plan.size() == 0)
        return false;
    tell(News::mended, fmt::format("{}: it has no snapshots any more and is LVM's again", name));
    plan.run(system.dm);
    run_lvm(system.lvm, operation, name, {"lvchange", "-ay", name});
    return true;
}

/*
 * Of a chain that is not live, only what never became complete is touched: the volume must not be
 * away because its first snapshot failed. Returns whether something was changed.
 */
bool settle_inactive(System &system, const Chain &chain, const Tell &tell) {
    const std::vector<const Volume *> volumes = chain.volumes();

    if (!chain.is_stacked && chain.origin.is_active)
        return settle_unstarted(system, chain, tell);
    if (volumes.empty())
        return settle_empty(system, chain, tell);
    if (!std::ranges::all_of(volumes, &Volume::is_pending))
        return false;
    assemble_chain(system, chain, tell);
    return true;
}

/* The origin's LV was extended, and then the command was killed. */
bool finish_growth(System &system, const Chain &chain, const Tell &tell) {
    if (!is_short(system, chain))
        return false;
    tell(News::mended,
         fmt::format("{}: its growth had begun and goes on", chain.volume_name().text()));
    dmext::Plan plan("extend", chain.volume_name().text());
    plan.add(grow_origin_step(system, chain));
    plan.run(system.dm);
    return true;
}

/* Returns whether something was changed. */
bool settle_chain(System &system, const Chain &chain, const Tell &tell) {
    const auto org = live_org(system, chain);
    bool is_changed = false;

    if (!org)
        return settle_inactive(system, chain, tell);
    clear_loaded(system, chain);
    is_changed = finish_growth(system, chain, tell);
    for (const Volume *volume : chain.volumes())
        is_changed = settle_volume(system, chain, *volume, *org, tell) || is_changed;
    is_changed = settle_journal(system, chain, *org, tell) || is_changed;
    const Chain now = is_changed ? read_chain(system, chain.vg, chain.origin.uuid) : chain;
    if (!now.volumes().empty())
        return make_devices(system, now, tell) || is_changed;
    const dmext::Plan plan = dissolve(system, now);
    plan.run(system.dm);
    return is_changed || plan.size() > 0;
}

/* Stores without an origin: a first snapshot killed before its origin was tagged. */
bool settle_orphans(System &system, const Vg &vg, const Tell &tell) {
    bool is_changed = false;

    for (const Lv &lv : find_orphans(vg))
        if (lv.has_tag(tag::pending)) {
            is_changed = true;
            tell(News::mended,
                 fmt::format("{}/{}: what a killed command had left is removed", vg.name, lv.name));
            run_lvm(system.lvm, "take back", vg.name + "/" + lv.name,
                    {"lvremove", "-y", "-f", lvm_path(vg.name, lv.name)});
        }
    return is_changed;
}

} // namespace

Vg settle(System &system, const std::string &vg_name, const Tell &tell) {
    Vg vg = read_vg(system.lvm, vg_name);
    bool is_changed = settle_orphans(system, vg, tell);
    const std::vector<Chain> chains = find_chains(vg);

    follow_names(system, chains);
    for (const Chain &chain : chains)
        is_changed = settle_chain(system, chain, tell) || is_changed;
    return is_changed ? read_vg(system.lvm, vg_name) : std::move(vg);
}

void assemble(System &system, const std::string &vg, const std::string &origin_uuid,
              const Tell &tell) {
    assemble_chain(system, read_chain(system, vg, origin_uuid), tell);
    settle(system, vg, tell);
}

void disassemble(System &system, const Chain &chain) {
    std::set<std::string> devices;

    follow_names(system, {chain});
    for (const Volume *volume : chain.volumes()) {
        remove_unfinished(system, volume->device());
        if (is_live(system, volume->device()))
            devices.insert(volume->device());
    }
    if (chain.is_stacked)
        remove_unfinished(system, chain.device());
    if (live_org(system, chain))
        devices.insert(chain.device());
    if (!chain.is_stacked && is_live(system, dmext::real_name(chain.device())))
        devices.insert(dmext::real_name(chain.device()));
    if (!devices.empty())
        dmext::take_down(system.dm, devices).run(system.dm);
    run_lvm_on_all(system.lvm, "deactivate", chain.volume_name(), {"lvchange", "-an"},
                   lvs_of(chain));
    dissolve(system, chain).run(system.dm);
}

} // namespace esnap
