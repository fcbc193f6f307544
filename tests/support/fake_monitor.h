// SPDX-License-Identifier: GPL-2.0-only
//
// A monitor that only remembers.
#pragma once

#include <set>
#include <string>

#include "error.h"
#include "monitor/api.h"

namespace esnap::test {

class FakeMonitor : public MonitorApi {
public:
    std::set<std::string> watched; /**< by uuid */
    std::string reason;            /**< why nothing can be watched */

    std::string obstacle() override { return reason; }
    bool is_watched(const std::string &uuid) override { return watched.contains(uuid); }
    void watch(const std::string &uuid, const std::string &volume) override {
        if (!reason.empty())
            throw Error("watch", volume, reason);
        watched.insert(uuid);
    }
    void forget(const std::string &uuid, const std::string &) override { watched.erase(uuid); }
};

} // namespace esnap::test
