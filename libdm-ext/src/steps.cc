// SPDX-License-Identifier: GPL-2.0-only
#include "steps.h"

#include <fmt/format.h>

#include "dm-ext/status.h"
#include "dm-ext/targets.h"
#include "words.h"

namespace dmext {

namespace {

constexpr int fallback_rounds = 3;
constexpr auto fallback_pause = std::chrono::milliseconds(100);

std::string type_of(const Table &table) {
    return table.empty() ? "no table" : table.front().type;
}

bool try_table(const Device &device, const Table &table, Access access, UdevScope &udev) {
    try {
        device.load(table, access);
        device.resume(&udev);
        return true;
    } catch (const std::exception &e) {
        device.api().report(e.what());
        return false;
    }
}

/* Returns how the device is left, for the error message. */
std::string go_back(const Device &device, const std::vector<Table> &fallbacks, Access access,
                    UdevScope &udev) {
    /* The usual failure: nothing was swapped, the old table never stopped being live. */
    if (!device.existing().suspended)
        return {};
    for (int round = 1; round <= fallback_rounds; round++) {
        for (const Table &table : fallbacks)
            if (try_table(device, table, access, udev))
                return fmt::format("; it goes on with this table: {}", to_string(table));
        device.api().pause(fallback_pause);
    }
    return "; it is STILL SUSPENDED, and no table could be resumed";
}

/* A switch that was done is not called a failure because nobody can look at it. */
bool has_lost_store(const Device &device) {
    try {
        const Table status = device.status();

        return !status.empty() && parse_org_status(status.front()).state == OrgState::failed;
    } catch (const std::exception &e) {
        device.api().report(fmt::format("{} was switched, but whether its newest store is in use "
                                        "is not known: {}",
                                        device.name(), e.what()));
        return false;
    }
}

bool has_lost_journal(const Device &device) {
    try {
        const Table status = device.status();

        if (status.empty())
            return false;
        const auto journal = parse_org_status(status.front()).journal;
        return !journal || journal->state == JournalState::failed;
    } catch (const std::exception &e) {
        device.api().report(fmt::format("{} was switched, but whether its journal is in use is not "
                                        "known: {}",
                                        device.name(), e.what()));
        return false;
    }
}

} // namespace

Table renumbered(Table table, const Renumbering &numbers) {
    for (Target &target : table) {
        std::string params;

        for (std::string word : split_words(target.params)) {
            const auto number = parse_device_number(word);

            if (number && numbers.contains(*number))
                word = to_string(numbers.at(*number));
            params += (params.empty() ? "" : " ") + word;
        }
        target.params = params;
    }
    return table;
}

Step create_step(const DeviceSpec &spec) {
    return {fmt::format("create {} ({})", spec.name, type_of(spec.table)),
            [spec](PlanContext &c) { Device::create(c.api, spec, &c.udev); },
            [spec](PlanContext &c) { Device(c.api, spec.name, spec.visibility).remove(&c.udev); }};
}

Step remove_step(DmApi &api, const DeviceSpec &spec, const SharedRenumbering &numbers) {
    const DeviceNumber old_number = Device(api, spec.name).existing().number;

    return {fmt::format("remove {} ({})", spec.name, type_of(spec.table)),
            [spec](PlanContext &c) { Device(c.api, spec.name, spec.visibility).remove(&c.udev); },
            [spec, numbers, old_number](PlanContext &c) {
                DeviceSpec again = spec;

                again.table = renumbered(spec.table, *numbers);
                const Device device = Device::create(c.api, again, &c.udev);
                numbers->insert_or_assign(old_number, device.existing().number);
            }};
}

Info require_idle(const Device &device) {
    const Info info = device.existing();

    if (info.suspended)
        throw Error("change", device.name(), "it is suspended",
                    fmt::format("if no other command is at work on it, run dmsetup resume {}",
                                device.name()));
    if (info.has_inactive_table)
        throw Error("change", device.name(), "a second table is loaded already",
                    fmt::format("if no other command is at work on it, run dmsetup clear {}",
                                device.name()));
    if (!info.has_live_table)
        throw Error("change", device.name(), "it has no table");
    return info;
}

void require_table(const Device &device, const Table &wanted) {
    const Table found = device.table();

    if (found != wanted)
        throw Error(
            "change", device.name(),
            fmt::format("its table was changed by somebody else: it is now {}", to_string(found)),
            "try again");
}

void swap_or_go_back(const Device &device, const std::vector<Table> &fallbacks, Access access,
                     UdevScope &udev, SuspendMode mode) {
    try {
        device.swap_table(mode, &udev);
    } catch (const Error &e) {
        const std::string outcome = go_back(device, fallbacks, access, udev);

        throw Error(e.operation(), e.object(), e.cause() + outcome, e.remedy(), e.code());
    }
}

void require_store_in_use(const Device &device, const Table &previous, Access access,
                          UdevScope &udev) {
    if (!has_lost_store(device))
        return;
    device.load(previous, access);
    /* The volume's data has nothing to do with it: no need to hold up its users again. */
    device.swap_table({.flush = true, .freeze = false}, &udev);
    throw Error("switch", device.name(),
                "the new store could not be brought into use; the chain goes on without it",
                "the kernel log has the reason; format the store again, or another one");
}

void require_journal_in_use(const Device &device, const Table &previous, Access access,
                            UdevScope &udev) {
    if (!has_lost_journal(device))
        return;
    device.load(previous, access);
    device.swap_table({.flush = true, .freeze = false}, &udev);
    throw Error("switch", device.name(),
                "the journal could not be brought into use; writes go on without it",
                "the kernel log has the reason; format the journal again, or another one");
}

} // namespace dmext
