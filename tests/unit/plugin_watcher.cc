// SPDX-License-Identifier: GPL-2.0-only
//
// The plugin without dmeventd: what it does on events, and how it runs the command.

#include <deque>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "watching/runner.h"
#include "watching/watcher.h"

using namespace esnap;
using namespace std::chrono_literals;
using Catch::Contains;
using State = policy::Reading::State;

namespace {

/* An area of which the test says how it grows. */
struct FakeWorld : WatchedWorld {
    policy::Reading reading{State::ok, 0, 2048 * 100};
    std::deque<std::uint64_t> growths; /**< MiB, one for each extension; none left: it fails */
    std::uint64_t written_meanwhile = 0;
    std::string failure = "no room";
    bool is_there = true;
    int extensions = 0;
    std::vector<std::string> logged;
    policy::Clock::time_point time{1h};

    std::optional<Sample> look() override {
        if (!is_there)
            return {};
        return Sample{"vg/monday", reading};
    }
    Outcome extend(const std::string &volume) override {
        CHECK(volume == "vg/monday");
        extensions++;
        time += 1s;
        reading.used += written_meanwhile;
        if (growths.empty())
            return {false, failure};
        reading.total += 2048 * growths.front();
        growths.pop_front();
        const bool low = reading.used * 100 >= reading.total * 70;
        reading.state = low ? State::low : State::ok;
        return {true, ""};
    }
    void log(Severity, const std::string &text) override { logged.push_back(text); }
    policy::Clock::time_point now() override { return time; }

    void use(std::uint64_t percent, State state) {
        reading.used = reading.total * percent / 100;
        reading.state = state;
    }
};

} // namespace

TEST_CASE("an area that becomes low is extended once", "[plugin]") {
    FakeWorld world;
    Watcher watcher(world);
    world.growths = {20};

    watcher.look();
    CHECK(world.extensions == 0);
    world.use(71, State::low);
    watcher.look();
    CHECK(world.extensions == 1);
    CHECK(world.logged == std::vector<std::string>{"vg/monday: extended from 100 to 120 MiB"});
    watcher.look();
    CHECK(world.extensions == 1);
}

TEST_CASE("what is written during an extension is seen at once", "[plugin]") {
    FakeWorld world;
    Watcher watcher(world);

    world.use(71, State::low);
    world.written_meanwhile = 2048 * 20;
    world.growths = {20, 30, 200};
    watcher.look();
    CHECK(world.extensions == 3); // 91 of 120, 111 of 150, 131 of 350
    CHECK(world.reading.state == State::ok);
}

TEST_CASE("an area that is never large enough does not keep the thread for ever", "[plugin]") {
    FakeWorld world;
    Watcher watcher(world);

    world.use(90, State::low);
    world.written_meanwhile = 2048;
    world.growths.assign(1000, 1);
    watcher.look();
    CHECK(world.extensions == Watcher::most_rounds);
}

TEST_CASE("a failure is said once, and tried again later", "[plugin]") {
    FakeWorld world;
    Watcher watcher(world);

    world.use(96, State::full);
    for (int i = 0; i < 60; i++, world.time += 1s)
        watcher.look();
    CHECK(world.extensions == 6); // every 10 seconds: writes wait
    CHECK(world.logged ==
          std::vector<std::string>{"vg/monday: cannot be extended as its policy wants: no room",
                                   "vg/monday: it is full, and writes that need room wait"});
    world.growths = {100};
    world.time += 10min;
    watcher.look();
    CHECK(world.logged.back() == "vg/monday: extended from 100 to 200 MiB; it was full, and writes "
                                 "had to wait");
}

TEST_CASE("a device that goes away is left alone", "[plugin]") {
    FakeWorld world;
    Watcher watcher(world);

    world.is_there = false;
    watcher.look();
    CHECK(world.extensions == 0);
    CHECK(world.logged.empty());
}

TEST_CASE("a program's exit code and output", "[plugin]") {
    const RunResult done = run_program(
        {"/bin/sh", "-c", "echo to err >&2; echo to out; test \"$A\" = b"}, {"A=b"}, 60s);
    CHECK(done.code == 0);
    CHECK(done.output == "to err\nto out");
    CHECK(run_program({"/bin/sh", "-c", "exit 5"}, {}, 60s).code == 5);
    const RunResult none = run_program({"/no/such/program"}, {}, 60s);
    CHECK(none.code == -1);
    CHECK_THAT(none.output, Contains("/no/such/program cannot be run: No such file"));
    CHECK_THAT(run_program({"/bin/sh", "-c", "echo x; kill -9 $$"}, {}, 60s).output,
               Contains("x; /bin/sh was killed"));
    CHECK(run_program({"/bin/sh", "-c", "yes | head -c 1000000"}, {"PATH=/usr/bin:/bin"}, 60s)
              .output.size() <= 4096);
}

TEST_CASE("a program gets nothing of the daemon's", "[plugin]") {
    const int open = ::dup(STDERR_FILENO); // without close-on-exec
    REQUIRE(open >= 0);
    const RunResult files =
        run_program({"/bin/sh", "-c", "echo /proc/self/fd/*"}, {"PATH=/usr/bin:/bin"}, 60s);
    ::close(open);
    CHECK(files.output.find("/proc/self/fd/" + std::to_string(open) + " ") == std::string::npos);
    CHECK_THAT(files.output, Contains("/proc/self/fd/2"));
}

TEST_CASE("a program that does not end is ended, with its children", "[plugin]") {
    const auto began = std::chrono::steady_clock::now();
    const RunResult late = run_program({"/bin/sh", "-c", "echo begun; sleep 600 & sleep 600"},
                                       {"PATH=/usr/bin:/bin"}, 1s);
    CHECK(late.code == -1);
    CHECK_THAT(late.output, Contains("begun; /bin/sh was not done after 1 s, and killed"));
    CHECK(std::chrono::steady_clock::now() - began < 60s);
}

TEST_CASE("a program is ended when that is wanted", "[plugin]") {
    const auto began = std::chrono::steady_clock::now();
    RunResult ended;
    {
        const std::jthread thread([&](const std::stop_token &stop) {
            ended = run_program({"/bin/sh", "-c", "echo begun; exec sleep 600"},
                                {"PATH=/usr/bin:/bin"}, 600s, stop);
        });
    }
    CHECK(ended.code == -1);
    CHECK_THAT(ended.output, Contains("/bin/sh was ended"));
    CHECK(std::chrono::steady_clock::now() - began < 60s);
}
