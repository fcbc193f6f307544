// SPDX-License-Identifier: GPL-2.0-only
//
// When the one that watches an area asks for an extension, warns, and waits.

#include <catch2/catch.hpp>

#include "policy/watch.h"

using namespace esnap::policy;
using namespace std::chrono_literals;
using State = Reading::State;

namespace {

Reading at(std::uint64_t used, State state = State::ok, std::uint64_t total = 100) {
    return {state, used, total};
}

const Clock::time_point start{1h};

} // namespace

TEST_CASE("an extension is asked for in steps", "[policy]") {
    Watch watch;

    CHECK_FALSE(watch.wants_extension(at(10), start));
    CHECK_FALSE(watch.wants_extension(at(49), start));
    CHECK(watch.wants_extension(at(50), start));
    watch.extended(at(50), at(50), false, start); // "below the threshold"
    CHECK_FALSE(watch.wants_extension(at(50), start));
    CHECK_FALSE(watch.wants_extension(at(54), start));
    CHECK(watch.wants_extension(at(55), start));
    watch.extended(at(55), at(58), false, start);
    CHECK_FALSE(watch.wants_extension(at(59), start));
    CHECK(watch.wants_extension(at(60), start));
}

TEST_CASE("going back and forth over one step asks once", "[policy]") {
    Watch watch;

    CHECK(watch.wants_extension(at(61), start));
    watch.extended(at(61), at(61), false, start);
    for (int i = 0; i < 10; i++)
        CHECK_FALSE(watch.wants_extension(at(i % 2 ? 61 : 59), start));
    CHECK_FALSE(watch.wants_extension(at(51), start)); // two steps below 65: armed again
    CHECK(watch.wants_extension(at(61), start));
}

TEST_CASE("low and full are asked for at once", "[policy]") {
    Watch watch;

    CHECK_FALSE(watch.wants_extension(at(20), start));
    CHECK(watch.wants_extension(at(20, State::low), start));
    watch.extended(at(20, State::low), at(20, State::low), false, start);
    CHECK_FALSE(watch.wants_extension(at(20, State::low), start));
    CHECK(watch.wants_extension(at(20, State::full), start));
}

TEST_CASE("after a change of size it begins anew", "[policy]") {
    Watch watch;

    CHECK(watch.wants_extension(at(72, State::low), start));
    watch.extended(at(72, State::low), at(72, State::ok, 120), false, start);
    CHECK_FALSE(watch.wants_extension(at(74, State::ok, 120), start)); // 61.7 %
    CHECK(watch.wants_extension(at(78, State::ok, 120), start));       // 65 %
    /* Grown by hand. */
    CHECK(watch.wants_extension(at(78, State::ok, 150), start)); // 52 %
    /* Grown, but what was written meanwhile makes it low again: at once. */
    watch.extended(at(78, State::ok, 150), at(150, State::low, 200), false, start);
    CHECK(watch.wants_extension(at(150, State::low, 200), start));
}

TEST_CASE("failures are tried again after longer and longer pauses", "[policy]") {
    Watch watch;
    Clock::time_point now = start;
    int tries = 0;

    for (auto passed = 0s; passed < 3600s; passed += 10s, now = start + passed) {
        const Reading low = at(90, State::low);
        if (!watch.wants_extension(low, now))
            continue;
        tries++;
        watch.extended(low, low, true, now);
    }
    CHECK(tries > 10);
    CHECK(tries < 20); // 10 20 40 80 160 and then 300 seconds
    CHECK(watch.pause() == Watch::longest_pause);
    /* Success ends it. */
    watch.extended(at(100, State::low), at(100, State::ok, 200), false, now);
    CHECK(watch.pause() == 0s);
}

TEST_CASE("a failure is tried again however little is used", "[policy]") {
    Watch watch;
    const Reading low = at(40, State::low); // by what copies under way will need

    CHECK(watch.wants_extension(low, start));
    watch.extended(low, low, true, start);
    CHECK_FALSE(watch.wants_extension(low, start + 9s));
    CHECK(watch.wants_extension(low, start + 10s));
    watch.extended(low, low, true, start + 10s);
    CHECK_FALSE(watch.wants_extension(low, start + 29s));
    CHECK(watch.wants_extension(low, start + 30s));
    watch.extended(low, low, false, start + 30s); // not wanted any more: the next step asks
    CHECK_FALSE(watch.wants_extension(low, start + 10min));
    CHECK(watch.wants_extension(at(50, State::low), start + 10min));
}

TEST_CASE("room for a full area is asked for often while its writes wait", "[policy]") {
    Watch watch;
    const Reading low = at(90, State::low), full = at(100, State::full);
    std::vector<int> tries;

    for (int i = 0; i < 10; i++) // failures before do not count
        watch.extended(low, low, true, start - 1s);
    for (int passed = 0; passed < 3600; passed++)
        if (const auto now = start + std::chrono::seconds(passed);
            watch.wants_extension(full, now)) {
            tries.push_back(passed);
            watch.extended(full, full, true, now);
        }
    REQUIRE(tries.size() > 7);
    CHECK(std::vector<int>(tries.begin(), tries.begin() + 7) ==
          std::vector{0, 10, 20, 30, 40, 50, 62});
    CHECK(tries.size() < 40);
    CHECK(watch.pause() == Watch::longest_pause);
}

TEST_CASE("full is tried at once although low has failed just now", "[policy]") {
    Watch watch;

    CHECK(watch.wants_extension(at(72, State::low), start));
    watch.extended(at(72, State::low), at(72, State::low), true, start);
    CHECK_FALSE(watch.wants_extension(at(85, State::low), start + 1s));
    CHECK(watch.wants_extension(at(99, State::full), start + 2s));
    watch.extended(at(99, State::full), at(99, State::full), true, start + 2s);
    CHECK_FALSE(watch.wants_extension(at(99, State::full), start + 3s));
    CHECK(watch.wants_extension(at(99, State::full), start + 2s + 10s));
}

TEST_CASE("a command that does nothing for a full area is not run without end", "[policy]") {
    Watch watch;
    const Reading full = at(99, State::full);

    CHECK(watch.wants_extension(full, start));
    watch.extended(full, full, false, start); // the policy is off: no failure
    CHECK_FALSE(watch.wants_extension(full, start + 1s));
    CHECK(watch.wants_extension(full, start + 10s));
}

TEST_CASE("an area that is lost is left alone", "[policy]") {
    Watch watch;

    CHECK_FALSE(watch.wants_extension(at(99, State::lost), start));
    CHECK(watch.warning(at(99, State::lost)) == "it is lost: invalid or failed");
    CHECK_FALSE(watch.warning(at(99, State::lost)));
}

TEST_CASE("each warning comes once", "[policy]") {
    Watch watch;

    CHECK_FALSE(watch.warning(at(79)));
    CHECK(watch.warning(at(81)) == "it is 81.0 % full");
    CHECK_FALSE(watch.warning(at(84)));
    CHECK_FALSE(watch.warning(at(79)));
    CHECK_FALSE(watch.warning(at(82)));
    CHECK(watch.warning(at(96)) == "it is 96.0 % full");
    CHECK(watch.warning(at(99, State::full)) == "it is full, and writes that need room wait");
    CHECK_FALSE(watch.warning(at(99, State::full)));
    CHECK_FALSE(watch.warning(at(99)));
    /* Larger: all again. */
    CHECK_FALSE(watch.warning(at(99, State::ok, 200)));
    CHECK(watch.warning(at(170, State::ok, 200)) == "it is 85.0 % full");
}

TEST_CASE("the volume that a device shows", "[policy]") {
    CHECK(volume_of_device("vg-monday") == "vg/monday");
    CHECK(volume_of_device("v--g-l----v") == "v-g/l--v");
    CHECK(volume_of_device("a---b") == "a-/b");
    for (const char *none : {"", "-", "vg", "vg-", "-lv", "vg-data-real"})
        CHECK(volume_of_device(none).empty());
}
