// SPDX-License-Identifier: GPL-2.0-only
//
// esnap monitor as the one who watches, where dmeventd is not wanted.
#pragma once

#include "monitor/api.h"
#include "monitor/watch_list.h"

namespace esnap {

/** Only notes what is to be watched; the service (service.h) sees it and needs no answer. */
class OwnMonitor : public MonitorApi {
public:
    explicit OwnMonitor(WatchList list = WatchList()) : list_(std::move(list)) {}

    /** Whether the service runs; then it is the one to ask, and not dmeventd. */
    bool runs() const { return list_.is_served(); }

    std::string obstacle() override;
    bool is_watched(const std::string &uuid) override;
    void watch(const std::string &uuid, const std::string &volume) override;
    void forget(const std::string &uuid, const std::string &volume) override;

private:
    WatchList list_;
};

} // namespace esnap
