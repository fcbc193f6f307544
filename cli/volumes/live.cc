// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/live.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "dm-ext/device.h"
#include "dm-ext/status.h"
#include "dm-ext/versions.h"
#include "error.h"

namespace esnap {

namespace {

constexpr const char *module_directory = "/sys/module/dm_esnapshot";

/* Quietly: what it means that there is none is said in our own words. */
void load_module() {
    const pid_t child = ::fork();

    if (child == 0) {
        ::execl("/sbin/modprobe", "modprobe", "-q", "dm-esnapshot", nullptr);
        ::_exit(1);
    }
    if (child > 0)
        ::waitpid(child, nullptr, 0);
}

} // namespace

bool is_live(System &system, const std::string &device) {
    const dmext::Info info = dmext::Device(system.dm, device).info();

    return info.exists && info.has_live_table;
}

bool is_live(System &system, const Volume &volume) {
    const dmext::Info info = dmext::Device(system.dm, volume.device()).info();

    return info.exists && info.has_live_table && info.uuid == volume.device_uuid();
}

int open_count(System &system, const std::string &device) {
    const dmext::Info info = dmext::Device(system.dm, device).info();

    return info.exists ? info.open_count : 0;
}

bool stays_open(System &system, const std::string &device) {
    constexpr int tries = 40;
    constexpr auto pause = std::chrono::milliseconds(50);

    for (int i = 0; i < tries; i++) {
        if (open_count(system, device) == 0)
            return false;
        system.dm.pause(pause);
    }
    return true;
}

std::optional<dmext::EsnapshotOrg> live_org(System &system, const Chain &chain) {
    const dmext::Device device(system.dm, chain.device());

    if (!device.info().exists)
        return {};
    const dmext::Table table = device.table();
    if (table.size() != 1 || table.front().type != "esnapshot-org")
        return {};
    return dmext::only_target<dmext::EsnapshotOrg>(table, chain.device());
}

dmext::EsnapshotOrg require_live_org(System &system, const std::string &operation,
                                     const Chain &chain) {
    auto org = live_org(system, chain);

    if (!org)
        throw Error(operation, chain.volume_name().text(), "it is not active with its snapshots",
                    fmt::format("run esnap vgchange -ay {}", chain.vg));
    return *org;
}

bool has_waiting_writes(System &system, const Chain &chain) {
    const dmext::Table status = dmext::Device(system.dm, chain.device()).status();

    return dmext::parse_org_status(status.at(0)).state == dmext::OrgState::full;
}

void set_full_policy(dmext::EsnapshotOrg &org, const policy::Conf &conf) {
    org.on_full = conf.on_full_error ? dmext::OnFull::error : dmext::OnFull::invalidate;
    org.queue_timeout_seconds = conf.queue_timeout.value_or(dmext::default_queue_timeout_seconds);
}

bool is_in_table(System &system, const dmext::EsnapshotOrg &org, const Volume &snapshot) {
    const dmext::Info info =
        dmext::Device(system.dm, dm_name(snapshot.vg, snapshot.store.name)).info();

    return info.exists && std::ranges::find(org.stores, to_string(info.number)) != org.stores.end();
}

void require_kernel(dmext::DmApi &dm) {
    if (::geteuid() != 0)
        throw Error("use", "device-mapper", "this needs root");
    if (!std::filesystem::exists(module_directory))
        load_module();
    if (!std::filesystem::exists(module_directory))
        throw Error("load", "the kernel module dm-esnapshot", "it is not there for this kernel",
                    "build and install it for the running kernel");
    dmext::require_targets(dm);
}

} // namespace esnap
