// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/recipes.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "dm-ext/tree.h"
#include "steps.h"

namespace dmext {

namespace {

constexpr int free_tries = 100; // 5 s, as long as libdevmapper retries a removal
constexpr auto free_pause = std::chrono::milliseconds(50);

DeviceSpec image_spec(const std::string &name, const std::string &uuid, Table table,
                      Access access) {
    return {name, uuid, std::move(table), access, Visibility::unprobed};
}

// --- insert_origin ---

/* Only what can be moved to another device by copying its table, and what LVM agrees to see so. */
void require_movable(const Device &device, const DeviceSpec &spec) {
    if (spec.uuid.empty())
        throw Error("put esnapshot-org under", device.name(), "it has no uuid to derive one from");
    for (const Target &target : spec.table) {
        if (target.type != "linear" && target.type != "striped")
            throw Error("put esnapshot-org under", device.name(),
                        fmt::format("it has a target of type {}; only linear and striped volumes "
                                    "can be taken over while in use",
                                    target.type),
                        "unmount it and put esnapshot-org on top of it");
        parse_target(target);
    }
}

/* A failed switch may have ended with esnapshot-org in place: then it stands on the device. */
void remove_unless_used(const Device &real, const std::string &user, UdevScope &udev) {
    const std::vector<DeviceNumber> below = Device(real.api(), user).deps();
    const DeviceNumber number = real.existing().number;

    if (std::find(below.begin(), below.end(), number) != below.end())
        throw Error("remove", real.name(), fmt::format("{} stands on it now", user));
    real.remove(&udev);
}

Table org_table(EsnapshotOrg org, const Device &origin, Sectors sectors) {
    org.origin = to_string(origin.existing().number);
    return make_table(sectors, org);
}

/* @own: the volume's device as it was, which is on @real now. */
Step load_layer_step(const DeviceSpec &own, const std::string &real, const EsnapshotOrg &org) {
    return {fmt::format("load esnapshot-org into {}", own.name),
            [=](PlanContext &c) {
                const Device device(c.api, own.name);

                require_table(device, own.table);
                device.load(org_table(org, Device(c.api, real), size_of(own.table)), own.access);
            },
            [own](PlanContext &c) { Device(c.api, own.name).clear(); }};
}

/* Once esnapshot-org has been swapped in, the volume's own table is refused; a pass-through is
 * not, and does no less for the volume. */
Step switch_to_layer_step(const DeviceSpec &own, const std::string &real, EsnapshotOrg org) {
    org.stores.clear();
    return {
        fmt::format("freeze {} and switch to esnapshot-org", own.name),
        [=](PlanContext &c) {
            const Table pass_through = org_table(org, Device(c.api, real), size_of(own.table));

            swap_or_go_back(Device(c.api, own.name), {own.table, pass_through}, own.access, c.udev);
        },
        {},
        true};
}

// --- changes of a chain ---

struct Chain {
    DeviceSpec spec;
    EsnapshotOrg org;
    Sectors sectors = 0;

    Table with_stores(std::vector<std::string> stores) const {
        EsnapshotOrg changed = org;

        changed.stores = std::move(stores);
        return make_table(sectors, changed);
    }
};

Chain read_chain(const Device &device) {
    require_idle(device);
    Chain chain{device.spec(), {}, 0};

    chain.org = only_target<EsnapshotOrg>(chain.spec.table, device.name());
    chain.sectors = size_of(chain.spec.table);
    return chain;
}

/** Throws unless the journal is what it should be now. */
using JournalCheck =
    std::function<void(const Device &, const Table &previous, Access, UdevScope &)>;

/* What a switch that failed goes back to. Dropping the snapshots is better than stopping the
 * volume, so a pass-through is the last resort; but not with a journal, whose writes the origin may
 * not have yet. */
std::vector<Table> fallbacks_of(const Chain &chain) {
    if (!chain.org.journal.empty())
        return {chain.spec.table};
    return {chain.spec.table, chain.with_stores({})};
}

/*
 * A switch that needs the journal's writes in place waits for them, with the volume suspended: so
 * they go there before, and once more what has come in meanwhile, which is little.
 */
Step drain_step(const std::string &name) {
    return {fmt::format("bring to its place what the journal of {} holds", name),
            [name](PlanContext &c) {
                const Device device(c.api, name);

                device.message("drain");
                device.message("drain");
            }};
}

enum class Pending { stays, to_its_place };

/* Load, then switch, then see whether the kernel has done it. */
void add_change(Plan &plan, const Chain &chain, const Table &next, const std::string &what,
                Pending pending = Pending::stays, const JournalCheck &check_journal = {},
                SuspendMode mode = {}) {
    const std::string name = chain.spec.name;

    plan.add({fmt::format("load a table into {}: {}", name, what),
              [chain, next, name](PlanContext &c) {
                  const Device device(c.api, name);

                  require_table(device, chain.spec.table);
                  device.load(next, chain.spec.access);
              },
              [name](PlanContext &c) { Device(c.api, name).clear(); }});
    if (pending == Pending::to_its_place && !chain.org.journal.empty())
        plan.add(drain_step(name));
    const std::string how =
        mode.freeze ? fmt::format("freeze {} and switch", name) : "switch " + name;
    plan.add({how + " to the new table",
              [chain, name, check_journal, mode](PlanContext &c) {
                  const Device device(c.api, name);
                  const Access access = chain.spec.access;

                  swap_or_go_back(device, fallbacks_of(chain), access, c.udev, mode);
                  require_store_in_use(device, chain.spec.table, access, c.udev);
                  if (check_journal)
                      check_journal(device, chain.spec.table, access, c.udev);
              },
              {},
              true});
}

/* The image or view @name must show @store. */
DeviceSpec require_shows(DmApi &api, const std::string &name, const std::string &store) {
    const Device device(api, name, Visibility::unprobed);
    DeviceSpec spec = device.spec();
    std::string shown;

    if (!spec.table.empty() && spec.table.front().type == "esnapshot-view")
        shown = only_target<EsnapshotView>(spec.table, name).snapshot_store;
    else
        shown = only_target<Esnapshot>(spec.table, name).store;
    if (shown != store)
        throw Error(
            "remove", name,
            fmt::format("it shows the snapshot in {}, not the oldest one in {}", shown, store));
    return spec;
}

// --- take_down ---

/* The kernel does not know how udev was told to treat a device; this is as it was created here. */
Visibility usual_visibility(const Table &table) {
    const std::string type = table.empty() ? "" : table.front().type;

    return type == "esnapshot" || type == "esnapshot-view" ? Visibility::unprobed
                                                           : Visibility::normal;
}

void require_no_other_users(const Tree &tree, const std::set<std::string> &names) {
    for (const std::string &name : names) {
        const Node *node = tree.by_name(name);

        if (node == nullptr)
            throw Error("take down", name, "there is no such device");
        for (const Node *user : tree.users(*node))
            if (!names.contains(user->name))
                throw Error("take down", name, fmt::format("{} stands on it", user->name),
                            fmt::format("take {} down as well", user->name));
    }
}

/* Nothing but its users among the devices may have it open; a scan passes in a moment. */
void require_unopened(const Tree &tree, const Device &device) {
    const std::size_t users = tree.users(*tree.by_name(device.name())).size();

    for (int tries = 1;; tries++) {
        const auto opened = static_cast<std::size_t>(std::max(device.existing().open_count, 0));

        if (opened <= users)
            return;
        if (tries == free_tries)
            throw Error("take down", device.name(), "it is in use",
                        "unmount it, or end the program that has it open");
        device.api().pause(free_pause);
    }
}

} // namespace

std::string real_name(const std::string &device) {
    return device + "-real";
}

std::string real_uuid(const std::string &uuid) {
    return uuid + "-real";
}

/*
 * Killed after a step, this is what is left; the volume works throughout:
 *  1. a device NAME-real that nobody uses; remove it
 *  2. the same, and an inactive table of NAME; clear it
 *  3. done
 */
Plan insert_origin(DmApi &api, const InsertSpec &spec) {
    const Device device(api, spec.device);
    require_idle(device);
    const DeviceSpec own = device.spec();
    const DeviceSpec real{real_name(spec.device), real_uuid(own.uuid), own.table, own.access,
                          Visibility::hidden};
    Plan plan("put esnapshot-org under", spec.device);

    require_movable(device, own);
    org_table(spec.org, device, size_of(own.table)); // is anything wrong with it?
    if (Device(api, real.name).info().exists)
        throw Error("put esnapshot-org under", spec.device,
                    fmt::format("{} exists already", real.name),
                    fmt::format("if nothing uses it, run dmsetup remove {}", real.name));
    Step create = create_step(real);
    create.undo = [real, spec](PlanContext &c) {
        remove_unless_used(Device(c.api, real.name, real.visibility), spec.device, c.udev);
    };
    plan.add(std::move(create));
    plan.add(load_layer_step(own, real.name, spec.org));
    plan.add(switch_to_layer_step(own, real.name, spec.org));
    return plan;
}

Plan add_newest_store(DmApi &api, const std::string &device, const std::string &store,
                      std::optional<Sectors> first_chunk_sectors) {
    const Chain chain = read_chain(Device(api, device));
    EsnapshotOrg next = chain.org;
    Plan plan("add a snapshot to", device);

    if (next.stores.empty() && first_chunk_sectors)
        next.chunk_sectors = static_cast<std::uint32_t>(*first_chunk_sectors);
    next.stores.push_back(store);
    add_change(plan, chain, make_table(chain.sectors, next), fmt::format("with {}", store),
               Pending::to_its_place);
    return plan;
}

Plan drop_oldest_store(DmApi &api, const std::string &device,
                       const std::vector<std::string> &images) {
    const Chain chain = read_chain(Device(api, device));
    const auto numbers = std::make_shared<Renumbering>();
    Plan plan("drop the oldest snapshot of", device);

    if (chain.org.stores.empty())
        throw Error("drop the oldest snapshot of", device, "it has none");
    if (chain.org.stores.size() == 1 && !chain.org.journal.empty())
        throw Error("drop the oldest snapshot of", device,
                    "it is the last one, and there is a write journal, which needs one",
                    "take the journal out first");
    const std::string oldest = chain.org.stores.front();
    for (const std::string &image : images)
        plan.add(remove_step(api, require_shows(api, image, oldest), numbers));
    add_change(plan, chain,
               chain.with_stores({chain.org.stores.begin() + 1, chain.org.stores.end()}),
               fmt::format("without {}", oldest), Pending::stays, {}, at_once);
    return plan;
}

Plan add_journal(DmApi &api, const std::string &device, const std::string &journal) {
    const Chain chain = read_chain(Device(api, device));
    Plan plan("add a journal to", device);

    if (!chain.org.journal.empty())
        throw Error("add a journal to", device, fmt::format("it has {}", chain.org.journal),
                    "take that one out first");
    if (chain.org.stores.empty())
        throw Error("add a journal to", device, "it has no snapshot", "take one first");
    EsnapshotOrg next = chain.org;
    next.journal = journal;
    add_change(plan, chain, make_table(chain.sectors, next), fmt::format("with {}", journal),
               Pending::stays, require_journal_in_use, at_once);
    return plan;
}

Plan take_out_journal(DmApi &api, const std::string &device) {
    const Chain chain = read_chain(Device(api, device));
    Plan plan("take the journal out of", device);

    if (chain.org.journal.empty())
        throw Error("take the journal out of", device, "it has none");
    EsnapshotOrg next = chain.org;
    next.journal.clear();
    add_change(plan, chain, make_table(chain.sectors, next), "without its journal",
               Pending::to_its_place);
    return plan;
}

/*
 * The error target may replace an immutable one, but whatever was read or written meanwhile would
 * fail; so the device goes, which the kernel refuses while it is open, and comes back.
 */
Plan take_out_origin(DmApi &api, const std::string &device) {
    const Device layered(api, device);
    const Device real(api, real_name(device), Visibility::hidden);
    const Chain chain = read_chain(layered);
    const auto numbers = std::make_shared<Renumbering>();
    const DeviceSpec below = real.spec();
    Plan plan("take esnapshot-org out from under", device);

    if (!chain.org.stores.empty())
        throw Error("take esnapshot-org out from under", device,
                    fmt::format("it has {} snapshots", chain.org.stores.size()), "drop them first");
    if (chain.org.origin != to_string(real.existing().number))
        throw Error("take esnapshot-org out from under", device,
                    fmt::format("it stands on {}, not on {}", chain.org.origin, real.name()));
    if (layered.existing().open_count > 0)
        return plan;
    plan.add(remove_step(api, chain.spec, numbers));
    plan.add(create_step({device, chain.spec.uuid, below.table, below.access, Visibility::normal}));
    plan.add(remove_step(api, below, numbers));
    return plan;
}

Plan create_image(const std::string &name, const std::string &uuid, Sectors sectors,
                  const Esnapshot &image) {
    Plan plan("create the image", name);

    plan.add(create_step(image_spec(name, uuid, make_table(sectors, image), Access::read_only)));
    return plan;
}

Plan create_view(const std::string &name, const std::string &uuid, Sectors sectors,
                 const EsnapshotView &view) {
    Plan plan("create the view", name);

    plan.add(create_step(image_spec(name, uuid, make_table(sectors, view), Access::read_write)));
    return plan;
}

Plan bring_up(const std::vector<DeviceSpec> &devices) {
    Plan plan("bring up", devices.empty() ? "nothing" : devices.front().name);

    for (const DeviceSpec &spec : devices)
        plan.add(create_step(spec));
    return plan;
}

Plan take_down(DmApi &api, const std::set<std::string> &names) {
    const Tree tree = Tree::read(api);
    const auto numbers = std::make_shared<Renumbering>();
    Plan plan("take down", names.empty() ? "nothing" : *names.begin());

    require_no_other_users(tree, names);
    for (const Node *node : tree.takedown_order(names)) {
        const Device device(api, node->name);

        require_unopened(tree, device);
        DeviceSpec spec = device.spec();
        spec.visibility = usual_visibility(spec.table);
        plan.add(remove_step(api, spec, numbers));
    }
    return plan;
}

} // namespace dmext
