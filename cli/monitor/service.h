// SPDX-License-Identifier: GPL-2.0-only
//
// What esnap monitor does: follows its list of devices, and watches each in a thread of its own, so
// that one that cannot be extended keeps no other waiting.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dm-ext/api.h"
#include "monitor/watch_list.h"
#include "watching/watcher.h"

namespace esnap {

class MonitorService {
public:
    /** What the service asks of the world besides @dm; called by several threads at once. */
    struct World {
        std::function<WatchedWorld::Outcome(const std::string &volume)> extend;
        std::function<void(WatchedWorld::Severity, const std::string &)> log;
    };

    /** @dm: must outlive the service, and its calls may come from several threads. */
    MonitorService(dmext::DmApi &dm, WatchList list, World world);
    /** Ends all threads; an extension under way is waited for. */
    ~MonitorService();
    MonitorService(const MonitorService &) = delete;
    MonitorService &operator=(const MonitorService &) = delete;

    /**
     * Makes the threads those of the list: begins and ends watching. To be called when the list
     * has changed. Waits for no thread: one that ends may be extending its area, and the others
     * must not wait for that. Throws Error if the list cannot be read.
     */
    void follow_list();

    /** How many devices are watched. */
    std::size_t watched() const { return watches_.size(); }

private:
    struct Watch {
        std::atomic<bool> is_done = false; /**< the last thing that the thread does */
        std::jthread thread;
    };

    std::unique_ptr<Watch> begin(const std::string &uuid);
    void watch(const std::stop_token &stop, const std::string &uuid);

    dmext::DmApi &dm_;
    WatchList list_;
    World world_;
    std::map<std::string, std::unique_ptr<Watch>> watches_; /**< by uuid */
    std::vector<std::unique_ptr<Watch>> ending_;            /**< told to stop, not joined yet */
};

/**
 * Calls @changed at once and whenever @list may have changed, until SIGTERM or SIGINT. Both are
 * blocked before the first call: threads that @changed begins must not take them.
 */
void run_until_signal(const WatchList &list, const std::function<void()> &changed);

} // namespace esnap
