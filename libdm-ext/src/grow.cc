// SPDX-License-Identifier: GPL-2.0-only
//
// Growing a volume that was taken over while in use: its own table is on the hidden device.
#include <algorithm>

#include <fmt/format.h>

#include "dm-ext/recipes.h"
#include "steps.h"

namespace dmext {

namespace {

constexpr const char *operation = "grow";

/* Neighbours that are one piece of one device, as one. */
Table joined(const Table &table) {
    Table out;

    for (const Target &line : table) {
        if (out.empty() || line.type != "linear" || out.back().type != "linear") {
            out.push_back(line);
            continue;
        }
        const Target &last = out.back();
        const auto one = std::get<Linear>(parse_target(last));
        const auto other = std::get<Linear>(parse_target(line));
        if (one.device == other.device && one.offset + last.count == other.offset)
            out.back() = make_target(last.first, last.count + line.count, one);
        else
            out.push_back(line);
    }
    return out;
}

void require_longer(const Device &real, const Table &grown) {
    if (!is_continuation(real.table(), grown))
        throw Error(operation, real.name(),
                    "the table it should get does not begin with the one it has");
}

Device hidden(PlanContext &c, const DeviceSpec &real) {
    return {c.api, real.name, Visibility::hidden};
}

void switch_real(const Device &real, const DeviceSpec &spec, const Table &fallback,
                 UdevScope &udev) {
    swap_or_go_back(real, {fallback}, spec.access, udev, at_once);
}

void add_real(Plan &plan, const DeviceSpec &real, const Table &grown) {
    plan.add({fmt::format("load a longer table into {}", real.name),
              [=](PlanContext &c) {
                  require_table(hidden(c, real), real.table);
                  hidden(c, real).load(grown, real.access);
              },
              [=](PlanContext &c) { hidden(c, real).clear(); }});
    plan.add({fmt::format("let {} grow", real.name),
              [=](PlanContext &c) { switch_real(hidden(c, real), real, real.table, c.udev); },
              [=](PlanContext &c) {
                  hidden(c, real).load(real.table, real.access);
                  switch_real(hidden(c, real), real, grown, c.udev);
              }});
}

void add_origin(Plan &plan, const DeviceSpec &own, const Table &longer) {
    const std::string name = own.name;

    plan.add({fmt::format("load a longer table into {}", name),
              [=](PlanContext &c) {
                  require_table(Device(c.api, name), own.table);
                  Device(c.api, name).load(longer, own.access);
              },
              [=](PlanContext &c) { Device(c.api, name).clear(); }});
    plan.add({fmt::format("switch {} to the longer table", name),
              [=](PlanContext &c) {
                  swap_or_go_back(Device(c.api, name), {own.table}, own.access, c.udev, at_once);
              },
              {},
              true});
}

} // namespace

bool is_continuation(const Table &shorter, const Table &longer) {
    const Table before = joined(shorter), after = joined(longer);

    if (before.empty() || before.size() > after.size() || size_of(before) > size_of(after))
        return false;
    const std::size_t last = before.size() - 1;
    if (!std::equal(before.begin(), before.end() - 1, after.begin()))
        return false;
    Target end = after[last];
    end.count = std::min(end.count, before[last].count);
    return end == before[last];
}

/*
 * Killed after the first step the hidden device is longer than what stands on it, which does no
 * harm; after the load there is an inactive table to be cleared.
 */
Plan grow_inserted_origin(DmApi &api, const std::string &name, const Table &grown) {
    const Device device(api, name);
    const Device real(api, real_name(name), Visibility::hidden);
    require_idle(device);
    require_idle(real);
    const DeviceSpec own = device.spec();
    Plan plan(operation, name);

    require_longer(real, grown);
    add_real(plan, real.spec(), grown);
    add_origin(plan, own, make_table(size_of(grown), only_target<EsnapshotOrg>(own.table, name)));
    return plan;
}

Plan grow_stacked_origin(DmApi &api, const std::string &name, Sectors sectors) {
    const Device device(api, name);
    require_idle(device);
    const DeviceSpec own = device.spec();
    Plan plan(operation, name);

    if (sectors < size_of(own.table))
        throw Error(operation, name,
                    fmt::format("it has {} sectors, and {} are less", size_of(own.table), sectors));
    add_origin(plan, own, make_table(sectors, only_target<EsnapshotOrg>(own.table, name)));
    return plan;
}

} // namespace dmext
