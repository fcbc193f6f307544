// SPDX-License-Identifier: GPL-2.0-only
//
// A device-mapper that exists only in memory, for tests of what is built on libdm-ext. It keeps
// the rules that matter to the order of steps: what is open cannot be removed, a suspended
// device stays so until it is resumed, an immutable target is not replaced, a resume swaps the
// tables. Any call can be made to fail.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dm-ext/device.h"

namespace dmext::test {

class FakeDm : public DmApi {
public:
    // --- the world; these calls never fail and are not counted ---

    /** A device that is live at once. */
    void add(const DeviceSpec &spec);
    /** Somebody (a file system) opens or closes it. */
    void open(const std::string &name) { devices_.at(name).users++; }
    void close(const std::string &name) { devices_.at(name).users--; }
    /** Its targets raise an event. */
    void raise_event(const std::string &name) { devices_.at(name).events++; }
    std::string number_of(const std::string &name) const;
    bool has(const std::string &name) const { return devices_.contains(name); }
    bool is_suspended(const std::string &name) const { return devices_.at(name).suspended; }
    bool is_frozen(const std::string &name) const { return devices_.at(name).frozen; }
    const Table &live_table(const std::string &name) const { return *devices_.at(name).live; }
    std::set<std::string> suspended() const;
    /** Everything that lasts, numbers written as names: equal pictures, equal worlds. */
    std::string picture() const;

    // --- the script ---

    /** Is asked before each run() with its number, from 1; answers 0 or the errno to fail with. */
    std::function<int(const Request &, std::size_t)> before_call;
    /** Only the call with this number, counted from now, fails. */
    void fail_call(std::size_t number, int error);
    /** It and all after it. */
    void fail_from_call(std::size_t number, int error);
    /** Do the targets of this table fail to resume? The device then stays suspended. */
    std::function<bool(const Table &)> fails_to_resume;
    /** Of an esnapshot-org that is live, as its status shall say. */
    std::function<std::string(const Table &)> state_of;
    /** Of the journal of one that has a journal in its table. */
    std::string journal_state = "ok 16 1700000000";
    /** What the kernel has. */
    std::vector<TargetVersion> versions{
        {"esnapshot-org", 1, 0, 0}, {"esnapshot", 1, 0, 0}, {"esnapshot-view", 1, 0, 0}};
    /** What images and views say, by name; the others have room. */
    std::map<std::string, std::string> status_of_area;
    /** Is called by EventSource::wait(), to let something happen meanwhile. */
    std::function<void(EventSource &)> while_waiting;
    /** Is called by pause(), for the same. */
    std::function<void()> while_pausing;

    // --- the record ---

    std::size_t calls() const { return calls_; }
    /** "suspend vg-data", one per run(). */
    const std::vector<std::string> &record() const { return record_; }
    const std::vector<std::string> &reports() const { return reports_; }
    /** What a real system would have suffered from: deadlocks with udev, cookies left behind. */
    std::vector<std::string> mistakes() const;
    std::uint32_t total_events() const;

    // --- DmApi ---

    Reply run(const Request &request) override;
    void wait_for_udev(UdevCookie &cookie) override;
    std::unique_ptr<EventSource> open_events() override;
    void pause(std::chrono::milliseconds) override {
        if (while_pausing)
            while_pausing();
    }
    void report(const std::string &text) noexcept override { reports_.push_back(text); }

private:
    struct Loaded {
        Table table;
        Access access = Access::read_write;
    };
    struct FakeDevice {
        std::string uuid;
        DeviceNumber number;
        std::optional<Table> live;
        Access access = Access::read_write;
        std::optional<Loaded> inactive;
        bool suspended = false;
        bool frozen = false;
        int users = 0;
        std::uint32_t events = 0;
        Visibility visibility = Visibility::normal;
    };

    [[noreturn]] void fail(const Request &request, int error) const;
    FakeDevice &find(const Request &request);
    void create(const Request &request);
    void load(const Request &request);
    void suspend(const Request &request);
    void resume(const Request &request);
    void remove(const Request &request);
    void rename(const Request &request);
    void use_cookie(const Request &request);
    Reply query(const Request &request);
    Info info_of(const std::string &name) const;
    Table status_of(const std::string &name, const Table &live) const;
    int open_count(const FakeDevice &device) const;
    std::set<DeviceNumber> deps_of(const Table &table) const;
    std::string named(const Table &table) const;

    std::map<std::string, FakeDevice> devices_;
    std::uint32_t next_minor_ = 0;
    std::uint32_t next_cookie_ = 1;
    std::set<std::uint32_t> cookies_;
    std::size_t calls_ = 0;
    std::vector<std::string> record_;
    std::vector<std::string> reports_;
    std::vector<std::string> mistakes_;
};

} // namespace dmext::test
