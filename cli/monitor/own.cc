// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/own.h"

#include "error.h"

namespace esnap {

std::string OwnMonitor::obstacle() {
    return runs() ? "" : "esnap monitor does not run";
}

bool OwnMonitor::is_watched(const std::string &uuid) {
    return runs() && list_.contains(uuid);
}

void OwnMonitor::watch(const std::string &uuid, const std::string &volume) {
    const std::string why_not = obstacle();

    if (!why_not.empty())
        throw Error("watch", volume, why_not, "systemctl start esnap-monitor");
    list_.add(uuid);
}

void OwnMonitor::forget(const std::string &uuid, const std::string &) {
    list_.remove(uuid);
}

} // namespace esnap
