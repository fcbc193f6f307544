// SPDX-License-Identifier: GPL-2.0-only
//
// esnap monitor: its list, its lock, and its threads, with a device-mapper in memory.

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "error.h"
#include "monitor/own.h"
#include "monitor/service.h"
#include "support/fake_dm.h"
#include "support/store_image.h"

using namespace esnap;
using namespace std::chrono_literals;
using Catch::Contains;
using Catch::UnorderedEquals;
using esnap::test::TempDir;

namespace {

/** A directory that goes with the test; the list is in one that is not there yet. */
struct Place {
    TempDir directory;

    WatchList list() const { return WatchList(directory.path("monitor")); }
};

constexpr const char *uuid = "ESNAP-snap-1";

/** FakeDm is for one thread; here several ask. */
class SharedDm : public dmext::DmApi {
public:
    dmext::test::FakeDm fake;

    dmext::Reply run(const dmext::Request &request) override {
        const std::lock_guard guard(lock_);
        return fake.run(request);
    }
    void wait_for_udev(dmext::UdevCookie &) override {}
    std::unique_ptr<dmext::EventSource> open_events() override {
        return std::make_unique<Events>(*this);
    }
    void pause(std::chrono::milliseconds) override {}
    void report(const std::string &) noexcept override {}

    /** Does @change and wakes who waits for an event of @name. */
    template <class Change>
    void raise(const std::string &name, Change change) {
        const std::lock_guard guard(lock_);
        change();
        if (fake.has(name))
            fake.raise_event(name);
        count_++;
        changed_.notify_all();
    }

private:
    class Events : public dmext::EventSource {
    public:
        explicit Events(SharedDm &dm) : dm_(dm) {}
        void arm() override {
            const std::lock_guard guard(dm_.lock_);
            seen_ = dm_.count_;
        }
        Wake wait(std::chrono::milliseconds) override {
            std::unique_lock guard(dm_.lock_);
            dm_.changed_.wait(guard, [&] { return interrupted_ || dm_.count_ != seen_; });
            return interrupted_ ? Wake::interrupted : Wake::event;
        }
        void interrupt() override {
            const std::lock_guard guard(dm_.lock_);
            interrupted_ = true;
            dm_.changed_.notify_all();
        }

    private:
        SharedDm &dm_;
        int seen_ = 0;
        bool interrupted_ = false;
    };

    std::mutex lock_;
    std::condition_variable changed_;
    int count_ = 0;
};

/** What the service did, to be waited for. */
class Diary {
public:
    MonitorService::World world() {
        return {[this](const std::string &volume) {
                    note("extend " + volume);
                    wait_while_held(volume);
                    return WatchedWorld::Outcome{true, ""};
                },
                [this](WatchedWorld::Severity, const std::string &text) { note(text); }};
    }
    void note(const std::string &text) {
        const std::lock_guard guard(lock_);
        notes_.push_back(text);
        noted_.notify_all();
    }
    /** The next note; "nothing" if there is none for a minute. */
    std::string next() {
        std::unique_lock guard(lock_);
        if (!noted_.wait_for(guard, 60s, [&] { return !notes_.empty(); }))
            return "nothing";
        std::string text = notes_.front();
        notes_.pop_front();
        return text;
    }
    /** Extensions of @volume hang, until it is the empty name. */
    void hold(const std::string &volume) {
        const std::lock_guard guard(lock_);
        held_ = volume;
        noted_.notify_all();
    }
    std::size_t left() {
        const std::lock_guard guard(lock_);
        return notes_.size();
    }

private:
    void wait_while_held(const std::string &volume) {
        std::unique_lock guard(lock_);
        noted_.wait(guard, [&] { return held_ != volume; });
    }

    std::mutex lock_;
    std::condition_variable noted_;
    std::deque<std::string> notes_;
    std::string held_;
};

/** A snapshot's image, with what its status says. */
struct Scene {
    Place place;
    WatchList list = place.list();
    ServiceLock lock{list};
    SharedDm dm;
    Diary diary;
    MonitorService service{dm, list, diary.world()};

    ~Scene() { diary.hold(""); }
    void add_image(const std::string &name = "vg-monday") {
        dm.fake.add({.name = name, .uuid = uuid, .table = {{0, 2048, "esnapshot", "7:1"}}});
        dm.fake.status_of_area[name] = "10/1000 1 ok";
    }
    void add_view() {
        dm.fake.add(
            {.name = "vg-view", .uuid = "ESNAP-view", .table = {{0, 8, "esnapshot-view", "7:1"}}});
        dm.fake.status_of_area["vg-view"] = "720/1000 1 low";
    }
    void say(const std::string &status) {
        dm.raise("vg-monday", [&] { dm.fake.status_of_area["vg-monday"] = status; });
    }
};

} // namespace

TEST_CASE("the list of what is watched", "[monitor]") {
    const Place place;
    const WatchList list = place.list();
    CHECK(list.all().empty()); // there is no directory yet
    CHECK(!list.is_served());
    CHECK_THROWS_AS(list.add("ESNAP-a"), Error);
    const ServiceLock lock(list);
    list.add("ESNAP-a");
    list.add("ESNAP-b");
    list.add("ESNAP-a");
    CHECK(list.all() == std::set<std::string>{"ESNAP-a", "ESNAP-b"});
    CHECK(list.contains("ESNAP-a"));
    list.remove("ESNAP-a");
    list.remove("ESNAP-a");
    CHECK(!list.contains("ESNAP-a"));
    CHECK_THROWS_WITH(list.add("../passwd"), Contains("no uuid"));
    CHECK_THROWS_WITH(list.contains(".lock"), Contains("no uuid"));
    CHECK_THROWS_AS(list.remove(""), Error);
}

TEST_CASE("there is one service, and asking for it takes nothing", "[monitor]") {
    const Place place;
    const WatchList list = place.list();
    {
        const ServiceLock lock(list);
        CHECK(list.is_served());
        CHECK_THROWS_WITH(ServiceLock(list), Contains("another esnap monitor runs"));
        CHECK(list.is_served());
    }
    CHECK(!list.is_served());
    CHECK(!list.is_served()); // asking does not serve
}

TEST_CASE("esnap asks the service as it asks dmeventd", "[monitor]") {
    const Place place;
    OwnMonitor monitor(place.list());
    CHECK(!monitor.runs());
    CHECK_THAT(monitor.obstacle(), Contains("does not run"));
    CHECK_THROWS_WITH(monitor.watch(uuid, "vg/monday"),
                      Contains("watch vg/monday") && Contains("systemctl start"));
    monitor.forget(uuid, "vg/monday"); // nobody watches: nothing to do
    const auto lock = std::make_unique<ServiceLock>(place.list());
    CHECK(monitor.obstacle().empty());
    CHECK(!monitor.is_watched(uuid));
    monitor.watch(uuid, "vg/monday");
    CHECK(monitor.is_watched(uuid));
    monitor.forget(uuid, "vg/monday");
    CHECK(!monitor.is_watched(uuid));
}

TEST_CASE("what the service left behind watches nothing", "[monitor]") {
    const Place place;
    OwnMonitor monitor(place.list());
    {
        const ServiceLock lock(place.list());
        monitor.watch(uuid, "vg/monday");
    }
    CHECK(!monitor.is_watched(uuid));
}

TEST_CASE("the service watches what is on its list, on events", "[monitor]") {
    Scene s;
    s.add_image();
    s.service.follow_list();
    CHECK(s.service.watched() == 0);
    s.list.add(uuid);
    s.service.follow_list();
    s.service.follow_list(); // once is enough
    CHECK(s.service.watched() == 1);
    CHECK(s.diary.next() == "vg-monday is watched from now on");
    s.say("720/1000 1 low");
    CHECK(s.diary.next() == "extend vg/monday");
    s.list.remove(uuid);
    s.service.follow_list();
    CHECK(s.service.watched() == 0);
    const std::size_t before = s.diary.left();
    s.say("900/1000 1 full");
    CHECK(s.diary.left() == before);
}

TEST_CASE("a renamed device is found again, one that is gone is waited for", "[monitor]") {
    Scene s;
    s.add_image();
    s.list.add(uuid);
    s.service.follow_list();
    CHECK(s.diary.next() == "vg-monday is watched from now on");
    s.dm.raise("vg-tuesday", [&] {
        s.dm.fake.run({.op = dmext::Op::rename, .name = "vg-monday", .new_name = "vg-tuesday"});
        s.dm.fake.status_of_area["vg-tuesday"] = "720/1000 1 low";
    });
    // The area is looked at by its uuid: a look already under way may come before the name does.
    const std::vector<std::string> notes = {s.diary.next(), s.diary.next()};
    CHECK_THAT(notes, UnorderedEquals<std::string>(
                          {"vg-tuesday is watched from now on", "extend vg/tuesday"}));
    s.dm.raise("vg-tuesday",
               [&] { s.dm.fake.run({.op = dmext::Op::remove, .name = "vg-tuesday"}); });
    s.list.remove(uuid); // ends the waiting at once
    s.service.follow_list();
    CHECK(s.service.watched() == 0);
}

TEST_CASE("a status that cannot be read is told once, and keeps no other waiting", "[monitor]") {
    Scene s;
    s.add_image();
    s.add_view();
    s.dm.fake.status_of_area["vg-monday"] = "nonsense";
    s.list.add(uuid);
    s.service.follow_list();
    CHECK(s.diary.next() == "vg-monday is watched from now on");
    CHECK_THAT(s.diary.next(), Contains("nonsense"));
    s.list.add("ESNAP-view");
    s.service.follow_list();
    CHECK(s.diary.next() == "vg-view is watched from now on");
    CHECK(s.diary.next() == "extend vg/view");
}

TEST_CASE("an extension that hangs keeps the list from nothing", "[monitor]") {
    Scene s;
    s.add_image();
    s.add_view();
    s.dm.fake.status_of_area["vg-monday"] = "720/1000 1 low";
    s.diary.hold("vg/monday");
    s.list.add(uuid);
    s.service.follow_list();
    CHECK(s.diary.next() == "vg-monday is watched from now on");
    CHECK(s.diary.next() == "extend vg/monday");
    s.list.remove(uuid);
    s.list.add("ESNAP-view");
    s.service.follow_list(); // does not wait for the extension
    CHECK(s.service.watched() == 1);
    CHECK(s.diary.next() == "vg-view is watched from now on");
    CHECK(s.diary.next() == "extend vg/view");
    s.list.add(uuid); // wanted again, while the thread that ends still hangs
    s.service.follow_list();
    CHECK(s.service.watched() == 2);
    CHECK(s.diary.next() == "vg-monday is watched from now on");
}

TEST_CASE("changes of the list are seen until a signal", "[monitor]") {
    const Place place;
    const WatchList list = place.list();
    const ServiceLock lock(list);
    int seen = 0;
    run_until_signal(list, [&] {
        sigset_t blocked;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        CHECK(sigismember(&blocked, SIGTERM) == 1); // threads that begin here inherit it
        CHECK(sigismember(&blocked, SIGINT) == 1);
        if (++seen == 1)
            list.add(uuid);
        else
            ::kill(::getpid(), SIGTERM);
    });
    CHECK(seen == 2);
}
