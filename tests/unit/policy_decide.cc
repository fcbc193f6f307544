// SPDX-License-Identifier: GPL-2.0-only
//
// Which source of settings decides, and by how much an area grows.

#include <catch2/catch.hpp>

#include "policy/decide.h"
#include "policy/error.h"

using namespace esnap::policy;

namespace {

Room room(std::uint64_t used, std::uint64_t total, std::uint64_t free = 1000) {
    return {.used = used,
            .total = total,
            .is_full = false,
            .is_low = false,
            .extent = 4,
            .free_extents = free};
}

} // namespace

TEST_CASE("the source nearest to the volume decides", "[policy]") {
    CHECK(choose_policy({}, {}, {}) == Policy{});
    CHECK(choose_policy({}, {}, {.threshold = 100, .percent = 50}) == Policy{});

    const Wish lvm{.threshold = 60, .percent = 50};
    Policy p = choose_policy({}, {}, lvm);
    CHECK(p == Policy{60, 50, 0, Source::lvm, Source::lvm});
    p = choose_policy({}, {.threshold = 80}, lvm);
    CHECK(p == Policy{80, 50, 0, Source::conf, Source::lvm});
    p = choose_policy({}, {.extents = 3}, lvm);
    CHECK(p == Policy{60, default_percent, 3, Source::lvm, Source::conf});
    p = choose_policy({.percent = 10}, {.threshold = 80, .extents = 3}, lvm);
    CHECK(p == Policy{80, 10, 0, Source::conf, Source::volume});
    p = choose_policy({.threshold = 100}, {.threshold = 80}, lvm);
    CHECK(p.is_off());
}

TEST_CASE("settings that are no numbers, or too large, are refused", "[policy]") {
    CHECK(parse_threshold("x", "50") == 50);
    CHECK(parse_threshold("x", "100") == 100);
    CHECK(parse_percent("x", "1000") == 1000);
    for (const char *bad : {"", "49", "101", "70 ", " 70", "+70", "0x50", "7e1"})
        CHECK_THROWS_AS(parse_threshold("x", bad), SettingError);
    for (const char *bad : {"", "0", "1001", "-1"})
        CHECK_THROWS_AS(parse_percent("x", bad), SettingError);
    CHECK_THROWS_AS(parse_extents("x", "0"), SettingError);
}

TEST_CASE("what lvmconfig prints", "[policy]") {
    CHECK(parse_lvmconfig("snapshot_autoextend_threshold=100\nsnapshot_autoextend_percent=20\n") ==
          Wish{100, 20, {}});
    CHECK(parse_lvmconfig("activation/snapshot_autoextend_threshold=30") == Wish{50, {}, {}});
    CHECK(parse_lvmconfig("WARNING: x\nother=5\nsnapshot_autoextend_percent=0") == Wish{});
    CHECK(parse_lvmconfig("snapshot_autoextend_threshold=\"a\"") == Wish{});
}

TEST_CASE("an area grows until it is below the threshold", "[policy]") {
    const Policy policy;

    CHECK(decide(policy, room(69, 100)).verdict == Verdict::enough);
    Decision d = decide(policy, room(70, 100));
    CHECK(d.verdict == Verdict::grow);
    CHECK(d.extents == 5); // 20 % of 100 in extents of 4
    /* One step is not enough when it is far beyond. */
    d = decide(policy, room(100, 100));
    CHECK(d.extents * 4 + 100 > 100 * 100 / 70);
    CHECK(d.extents * 4 + 100 < 2 * 100);
    /* At least one extent. */
    CHECK(decide(policy, room(6, 8)).extents == 1);
    for (std::uint64_t used = 0; used <= 400; used++) {
        const Decision any = decide(policy, room(used, 400));
        const std::uint64_t total = 400 + any.extents * 4;
        CHECK(used * 100 < total * 70);
    }
}

TEST_CASE("an area that is full at least doubles", "[policy]") {
    Room full = room(90, 100);
    full.is_full = true;
    CHECK(decide({}, full).extents == 25);
    /* Also where what is used is little: one large copy does not fit. */
    full.used = 10;
    CHECK(decide({}, full).extents == 25);
    const Policy fixed{.threshold = 70, .percent = 20, .extents = 2};
    CHECK(decide(fixed, full).extents == 2);
}

TEST_CASE("an area that will be beyond the threshold in a moment grows now", "[policy]") {
    Room low = room(30, 100);
    low.is_low = true;
    CHECK(decide({}, low).extents == 5);
    CHECK(decide({.threshold = threshold_off}, low).extents == 0);
}

TEST_CASE("a fixed number of extents", "[policy]") {
    const Policy policy{.threshold = 70, .percent = 20, .extents = 2};

    CHECK(decide(policy, room(70, 100)).extents == 2);
    CHECK(decide(policy, room(80, 100)).extents == 4); // 108 would be 74 %
}

TEST_CASE("the group has less than is wanted, or nothing", "[policy]") {
    const Policy policy;

    Decision d = decide(policy, room(70, 100, 3));
    CHECK(d.verdict == Verdict::grow_less);
    CHECK(d.extents == 3);
    CHECK(d.wanted == 5);
    d = decide(policy, room(70, 100, 0));
    CHECK(d.verdict == Verdict::no_room);
    CHECK(d.extents == 0);
    CHECK(decide(policy, room(69, 100, 0)).verdict == Verdict::enough);
}

TEST_CASE("a policy that is off never extends", "[policy]") {
    Room full = room(100, 100);
    full.is_full = true;
    const Policy off{.threshold = threshold_off};
    CHECK(decide(off, full).verdict == Verdict::off);
}

TEST_CASE("sizes at the end of what can be counted end too", "[policy]") {
    const Decision d = decide({}, {.used = UINT64_MAX / 2,
                                   .total = UINT64_MAX / 2,
                                   .is_full = true,
                                   .is_low = false,
                                   .extent = 1u << 20,
                                   .free_extents = 7});
    CHECK(d.verdict == Verdict::grow_less);
    CHECK(d.extents == 7);
    CHECK(decide({}, {.used = 0,
                      .total = 0,
                      .is_full = false,
                      .is_low = false,
                      .extent = 1,
                      .free_extents = 9})
              .verdict == Verdict::grow);
}
