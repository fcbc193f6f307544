// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/create.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include <fmt/format.h>

#include "dm-ext/recipes.h"
#include "error.h"
#include "lvm/file_lock.h"
#include "offline/formatter.h"
#include "offline/superblock.h"
#include "volumes/live.h"
#include "volumes/protect.h"
#include "volumes/watching.h"

namespace esnap {

namespace {

constexpr const char *take_snapshot = "take a snapshot of";
constexpr const char *make_store = "create the store of";

constexpr std::chrono::milliseconds room_pause{200};
constexpr int room_tries = 5 * 60 * 5; // five minutes

std::string as_text(const Uuid &uuid) {
    return uuid_text(uuid.data());
}

dmext::Sectors sectors_of(const Lv &lv) {
    return lv.bytes / 512;
}

// --- the store ---

/** Everything a new store's tags say. */
struct StoreTags {
    const char *kind = nullptr;
    std::string origin;
    std::string chain;
    Uuid store{};
    std::uint32_t serial = 0;
    std::string of = {};

    Words words() const {
        Words all{kind,
                  tag::pending,
                  tag::origin + origin,
                  tag::chain + chain,
                  tag::store + as_text(store),
                  fmt::format("{}{}", tag::serial, serial)};
        if (!of.empty())
            all.push_back(tag::of + of);
        return all;
    }
};

Words remove_lv(const std::string &path) {
    return {"lvremove", "-y", "-f", path};
}

/* The LV is activated, and by nobody but esnap from now on. LVM wipes nothing: formatting does, all
 * signatures and what could be taken for a store. */
dmext::Step create_store_step(System &system, const VolumeName &volume, const Words &size,
                              const StoreTags &tags) {
    const std::string lv = volume.lv + store_suffix;
    Words words{"lvcreate", "-y", "-Wn", "-Zn", "-ay", "-K", "-ky", "--setautoactivation", "n"};

    for (const std::string &tag : tags.words()) {
        words.emplace_back("--addtag");
        words.push_back(tag);
    }
    words.insert(words.end(), size.begin(), size.end());
    words.insert(words.end(), {"-n", lv, volume.vg});
    return lvm_step(system, make_store, volume, words, remove_lv(lvm_path(volume.vg, lv)));
}

dmext::Step complete_step(System &system, const VolumeName &volume) {
    dmext::Step step =
        lvm_step(system, "mark as complete", volume,
                 {"lvchange", "--deltag", tag::pending, volume.text() + store_suffix});
    step.is_final = true;
    return step;
}

void require_new_name(const Vg &vg, const std::string &name) {
    require_good_name(name);
    if (is_name_taken(vg, name))
        throw Error("create", vg.name + "/" + name, "there is a volume of this name already");
}

std::uint32_t next_serial(const Chain *chain) {
    return chain != nullptr && !chain->snapshots.empty() ? chain->snapshots.back().serial + 1 : 1;
}

// --- a snapshot ---

/** What is known before anything is done. */
struct SnapshotPlan {
    System &system;
    const NewVolume &wanted;
    VolumeName snapshot;
    VolumeName origin;
    Lv origin_lv;
    SnapshotFormat format = {};
    std::string chain_uuid = {};
    std::uint32_t chunk_sectors = 0;
    StoreTags tags = {};
    dmext::Plan plan;

    SnapshotPlan(System &s, const NewVolume &w, const Vg &vg, const std::string &origin_name, Lv lv)
        : system(s), wanted(w), snapshot{vg.name, w.name}, origin{vg.name, origin_name},
          origin_lv(std::move(lv)), plan(take_snapshot, origin.text()) {}

    std::string store_node() const { return node_of(snapshot.vg, snapshot.lv + store_suffix); }
};

void begin_store(SnapshotPlan &p, const Chain *chain) {
    const bool is_first = chain == nullptr || chain->snapshots.empty();
    const Uuid new_chain = random_uuid();

    p.chain_uuid = is_first ? as_text(new_chain) : chain->snapshots.back().chain_uuid;
    p.tags = {tag::snapshot_kind, p.origin_lv.uuid, p.chain_uuid, random_uuid(),
              next_serial(chain)};
    p.format.target = {.store = p.store_node(), .force = true, .store_uuid = p.tags.store};
    p.format.chunk_bytes = std::uint64_t{p.chunk_sectors} * 512;
    if (is_first)
        p.format.chain_uuid = new_chain;
    else
        p.format.after = chain->snapshots.back().store_node();
    p.plan.add(create_store_step(p.system, p.snapshot, p.wanted.size, p.tags));
}

/* @origin: a device of the origin's size. */
void add_format(SnapshotPlan &p, const std::string &origin) {
    p.format.origin = origin;
    p.plan.add({"format " + p.store_node(),
                [format = p.format, chain = p.chain_uuid](dmext::PlanContext &) {
                    const es_sb sb = format_snapshot_store(format);

                    if (uuid_text(sb.chain_uuid) != chain)
                        throw Error(take_snapshot, format.target.store,
                                    fmt::format("the newest store is of chain {}, its tag says {}",
                                                uuid_text(sb.chain_uuid), chain));
                }});
}

void add_end(SnapshotPlan &p) {
    p.plan.append(dmext::create_image(dm_name(p.snapshot.vg, p.snapshot.lv),
                                      "ESNAP-image-" + as_text(p.tags.store),
                                      sectors_of(p.origin_lv), {p.store_node()}));
    // Before it is complete: who is killed in between leaves something for settle() to see.
    if (p.system.monitor != nullptr && p.system.conf.monitoring)
        p.plan.add(watch_step(p.system, p.snapshot, "ESNAP-image-" + as_text(p.tags.store)));
    p.plan.add(complete_step(p.system, p.snapshot));
}

dmext::EsnapshotOrg first_org(const SnapshotPlan &p, const std::string &origin) {
    dmext::EsnapshotOrg org;

    org.origin = origin;
    org.chunk_sectors = p.chunk_sectors;
    org.stores = {p.store_node()};
    set_full_policy(org, p.system.conf);
    return org;
}

void add_protection(SnapshotPlan &p) {
    const ActivationFlags users = user_flags(p.origin_lv);

    p.plan.add(lvm_step(p.system, "protect from activation without snapshots", p.origin,
                        protect_lv(p.origin.text(), users), release_lv(p.origin.text(), users)));
}

/* LVM must not change the volume's table between our load and the switch, so its own lock is
 * held meanwhile. There is no snapshot yet that could be full and need LVM to grow it. */
void add_locked(dmext::Plan &plan, const std::string &vg, dmext::Plan steps) {
    const auto lock = std::make_shared<std::unique_ptr<FileLock>>();

    plan.add({"hold LVM's lock of " + vg,
              [=](dmext::PlanContext &) { *lock = std::make_unique<FileLock>(lvm_lock_path(vg)); },
              [=](dmext::PlanContext &) { lock->reset(); }});
    plan.append(std::move(steps));
    plan.add({"let go of LVM's lock", [=](dmext::PlanContext &) { lock->reset(); }});
}

void add_live_switch(SnapshotPlan &p) {
    const std::string device = dm_name(p.origin.vg, p.origin.lv);

    add_locked(p.plan, p.origin.vg, dmext::insert_origin(p.system.dm, {device, first_org(p, "")}));
}

void add_stacking(SnapshotPlan &p) {
    const std::string lv = p.origin.lv + origin_suffix;
    const std::string hidden = lvm_path(p.origin.vg, lv);

    p.plan.add(lvm_step(p.system, "rename the LV of", p.origin,
                        {"lvrename", p.origin.vg, p.origin.lv, lv},
                        {"lvrename", p.origin.vg, lv, p.origin.lv}));
    p.plan.add(lvm_step(p.system, "activate the LV of", p.origin, {"lvchange", "-ay", "-K", hidden},
                        {"lvchange", "-an", hidden}));
}

void add_stacked_origin(SnapshotPlan &p) {
    const dmext::EsnapshotOrg org = first_org(p, node_of(p.origin.vg, p.origin.lv + origin_suffix));

    p.plan.append(dmext::bring_up({{.name = dm_name(p.origin.vg, p.origin.lv),
                                    .uuid = "ESNAP-origin-" + p.origin_lv.uuid,
                                    .table = make_table(sectors_of(p.origin_lv), org)}}));
}

void plan_first_in_use(SnapshotPlan &p) {
    begin_store(p, nullptr);
    add_format(p, node_of(p.origin.vg, p.origin.lv));
    add_protection(p);
    add_live_switch(p);
    add_end(p);
}

void plan_first_unused(SnapshotPlan &p) {
    begin_store(p, nullptr);
    add_protection(p); // first: an LV that is tagged and inactive is brought back by settle()
    if (p.origin_lv.is_active)
        p.plan.add(lvm_step(p.system, "deactivate", p.origin, {"lvchange", "-an", p.origin.text()},
                            {"lvchange", "-ay", "-K", p.origin.text()}));
    add_stacking(p);
    add_format(p, node_of(p.origin.vg, p.origin.lv + origin_suffix));
    add_stacked_origin(p);
    add_end(p);
}

/*
 * Writes that wait for room would hold the switch up with the origin suspended, and LVM, which
 * reads every device, would wait for the origin before it gives room. So room first: the area
 * grows by itself or by hand (lvextend takes no lock of ours), or on_full ends the waiting.
 */
dmext::Step wait_for_room_step(System &system, const Chain &chain) {
    System *s = &system;
    const std::string newest = chain.snapshots.empty() ? "" : chain.snapshots.back().name;

    return {fmt::format("wait until {} has room", newest), [=](dmext::PlanContext &c) {
                for (int tries = 0; tries < room_tries; tries++) {
                    if (!has_waiting_writes(*s, chain))
                        return;
                    if (tries == 0)
                        c.api.report(fmt::format("{}/{} is full and writes wait; the snapshot is "
                                                 "taken as soon as it has room (esnap lvextend)",
                                                 chain.vg, newest));
                    c.api.pause(room_pause);
                }
                throw Error(take_snapshot, chain.volume_name().text(),
                            fmt::format("{} is full and has got no room", newest),
                            fmt::format("run esnap lvextend {}/{} -L +SIZE, then this again",
                                        chain.vg, newest));
            }};
}

void plan_next(SnapshotPlan &p, const Chain &chain) {
    begin_store(p, &chain);
    add_format(p, "/dev/mapper/" + chain.device());
    p.plan.add(wait_for_room_step(p.system, chain));
    p.plan.append(
        dmext::add_newest_store(p.system.dm, chain.device(), p.store_node(), p.chunk_sectors));
    add_end(p);
    if (p.system.monitor != nullptr && !chain.snapshots.empty())
        p.plan.add(forget_step(p.system, chain.snapshots.back(), false));
}

const Lv &require_usable_lv(const Vg &vg, const VolumeName &name) {
    const Lv *lv = vg.find(name.lv);

    if (lv == nullptr)
        throw Error(take_snapshot, name.text(), "there is no such volume",
                    "lvs and esnap lvs list those there are");
    if (lv->is_internal || lv->layout.find("pool") != std::string::npos)
        throw Error(take_snapshot, name.text(), "it is a part of another volume",
                    "name the volume itself");
    return *lv;
}

/* A snapshot, a view, or what lies beneath. */
void refuse_own(const VolumeName &name, const Chain &chain, const Volume &volume) {
    if (volume.kind == Volume::Kind::snapshot)
        throw Error(take_snapshot, name.text(), fmt::format("it is a snapshot of {}", chain.name),
                    fmt::format("it does not change; esnap lvcreate --esnapview makes a view of "
                                "it that can be written"));
    throw Error(take_snapshot, name.text(),
                fmt::format("it is a view of a snapshot of {}", chain.name),
                "snapshots of views are possible with tables of the kernel module only");
}

/* LVs that only esnap uses, although LVM lists them. */
void refuse_hidden(const VolumeName &name, const Chain &chain) {
    const bool is_journal = chain.journal && chain.journal->lv.name == name.lv;

    if (is_journal || chain.origin.name == name.lv)
        throw Error(take_snapshot, name.text(),
                    fmt::format("it is the {} {}/{}",
                                is_journal ? "write journal of" : "LV beneath", chain.vg,
                                chain.name),
                    fmt::format("name {}/{}", chain.vg, chain.name));
}

std::uint32_t chunk_sectors_from(const NewVolume &wanted, std::uint32_t fallback) {
    if (!wanted.chunk_bytes)
        return fallback;
    const std::uint64_t sectors = *wanted.chunk_bytes >> ES_SECTOR_SHIFT;
    if (*wanted.chunk_bytes % 512 != 0 || !es_chunk_size_ok(sectors))
        throw UsageError(fmt::format("chunk size {} is not possible: it is a power of two from "
                                     "4 KiB to 1 MiB",
                                     bytes_text(*wanted.chunk_bytes)));
    return static_cast<std::uint32_t>(sectors);
}

dmext::Plan next_snapshot(System &system, const Vg &vg, const Chain &chain,
                          const NewVolume &wanted) {
    const dmext::EsnapshotOrg org = require_live_org(system, take_snapshot, chain);
    SnapshotPlan p(system, wanted, vg, chain.name, chain.origin);

    // A table without stores has some chunk size, too; it means nothing.
    p.chunk_sectors = chunk_sectors_from(
        wanted, org.stores.empty() ? default_chunk_bytes >> ES_SECTOR_SHIFT : org.chunk_sectors);
    if (!org.stores.empty() && p.chunk_sectors != org.chunk_sectors)
        throw Error(take_snapshot, p.origin.text(),
                    fmt::format("its chunks have {} KiB", org.chunk_sectors / 2),
                    "one chain has one chunk size: leave out -c");
    plan_next(p, chain);
    return std::move(p.plan);
}

dmext::Plan first_snapshot(System &system, const Vg &vg, const Lv &lv, const NewVolume &wanted) {
    SnapshotPlan p(system, wanted, vg, lv.name, lv);

    p.chunk_sectors = chunk_sectors_from(wanted, default_chunk_bytes >> ES_SECTOR_SHIFT);
    if (lv.is_active && open_count(system, dm_name(vg.name, lv.name)) > 0)
        plan_first_in_use(p);
    else
        plan_first_unused(p);
    return std::move(p.plan);
}

} // namespace

dmext::Plan create_snapshot(System &system, const Vg &vg, const std::string &origin,
                            const NewVolume &wanted) {
    const VolumeName name{vg.name, origin};

    require_new_name(vg, wanted.name);
    const Chains chains = read_chains(vg);
    for (const Chain &chain : chains.sound) {
        if (chain.name == origin)
            return next_snapshot(system, vg, chain, wanted);
        refuse_hidden(name, chain);
        for (const Volume *volume : chain.volumes())
            if (volume->name == origin || volume->store.name == origin)
                refuse_own(name, chain, *volume);
    }
    if (!chains.bad.empty()) // the LV may be a part of it
        throw chains.bad.front();
    return first_snapshot(system, vg, require_usable_lv(vg, name), wanted);
}

dmext::Plan create_view(System &system, const Vg &vg, const Found &found, const NewVolume &wanted) {
    constexpr const char *operation = "make a view of";
    const VolumeName view{vg.name, wanted.name};

    require_new_name(vg, wanted.name);
    if (!found.volume || found.volume->kind != Volume::Kind::snapshot)
        throw Error(operation,
                    (found.volume ? found.volume->volume_name() : found.chain.volume_name()).text(),
                    found.volume ? "it is a view itself" : "it is an origin",
                    "name one of its snapshots; esnap lvs lists them");
    const Volume &snapshot = *found.volume;
    const dmext::EsnapshotOrg org = require_live_org(system, operation, found.chain);
    const dmext::Device image(system.dm, snapshot.device(), dmext::Visibility::unprobed);
    const dmext::Sectors sectors = size_of(image.table());
    const std::string node = node_of(vg.name, view.lv + store_suffix);
    const StoreTags tags{tag::view_kind, found.chain.origin.uuid, snapshot.chain_uuid,
                         random_uuid(),  snapshot.serial,         snapshot.store_uuid};
    dmext::Plan plan(operation, snapshot.volume_name().text());

    plan.add(create_store_step(system, view, wanted.size, tags));
    plan.add(
        {"format " + node, [=, base = snapshot.store_node()](dmext::PlanContext &) {
             format_view_store({{.store = node, .force = true, .store_uuid = tags.store}, base});
         }});
    plan.append(dmext::create_view(dm_name(vg.name, view.lv), "ESNAP-view-" + as_text(tags.store),
                                   sectors, {node, org.origin, snapshot.store_node()}));
    if (system.monitor != nullptr && system.conf.monitoring)
        plan.add(watch_step(system, view, "ESNAP-view-" + as_text(tags.store)));
    plan.add(complete_step(system, view));
    return plan;
}

} // namespace esnap
