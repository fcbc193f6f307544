// SPDX-License-Identifier: GPL-2.0-only
//
// libdm-ext's device handle and its scoped suspend, over devices that exist only in memory.

#include <cerrno>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "dm-ext/error.h"
#include "dm-ext/suspend.h"
#include "dm-ext/targets.h"
#include "support/fake_dm.h"

using namespace dmext;
using namespace dmext::test;
using Catch::Contains;

namespace {

const Table one_disk = make_table(64, Linear{"8:16", 0});
const Table other_disk = make_table(64, Linear{"8:32", 0});

DeviceSpec spec_of(const std::string &name) {
    return {name, "U-" + name, one_disk};
}

int code_of(const std::function<void()> &call) {
    try {
        call();
    } catch (const Error &e) {
        return e.code();
    }
    return 0;
}

} // namespace

TEST_CASE("dmext: a device is created with all it was asked for", "[dmext]") {
    FakeDm dm;
    DeviceSpec spec{"a", "U-a", one_disk, Access::read_only, Visibility::hidden};
    const Device device = Device::create(dm, spec);

    CHECK(Device(dm, "a", Visibility::hidden).spec() == spec);
    CHECK(device.table() == one_disk);
    const Info info = device.existing();
    CHECK(info.is_read_only);
    CHECK(info.uuid == "U-a");
    CHECK_FALSE(info.suspended);
    CHECK(dm.picture() == "a uuid=U-a ro 0 64 linear 8:16 0 users=0 visibility=2\n");
}

TEST_CASE("dmext: a device that cannot be completed is not left behind", "[dmext]") {
    for (std::size_t call = 1; call <= 3; call++) {
        FakeDm dm;
        dm.fail_call(call, ENOMEM);
        CAPTURE(call);
        CHECK(code_of([&] { Device::create(dm, spec_of("a")); }) == ENOMEM);
        CHECK_FALSE(dm.has("a"));
        CHECK(dm.reports().empty());
    }
    FakeDm dm;
    dm.fail_from_call(2, ENOMEM);
    CHECK(code_of([&] { Device::create(dm, spec_of("a")); }) == ENOMEM);
    REQUIRE(dm.reports().size() == 1);
    CHECK_THAT(dm.reports()[0], Contains("a was not completed and is left over"));
}

TEST_CASE("dmext: names that udev would mangle are refused", "[dmext]") {
    FakeDm dm;

    for (const std::string name : {"a b", "a/b", "a\\x20b", "ä", "a\n", ".", ".."}) {
        CAPTURE(name);
        CHECK_THROWS_AS(Device::create(dm, {name, "", one_disk}), Error);
        Device device(dm, "a");
        CHECK_THROWS_AS(device.rename(name), Error);
    }
    CHECK_THROWS_WITH(Device::create(dm, {"", "", one_disk}), Contains("the name is empty"));
    CHECK_THROWS_WITH(Device::create(dm, {"a", "x y", one_disk}), Contains("uuid"));
    CHECK_THROWS_WITH(Device::create(dm, {std::string(128, 'a'), "", one_disk}), Contains("127"));
    CHECK_THROWS_WITH(Device::create(dm, {"a", std::string(129, 'a'), one_disk}), Contains("128"));
    CHECK(dm.calls() == 0);
    CHECK_NOTHROW(Device::create(dm, {std::string(127, 'a'), std::string(128, 'a'), one_disk}));
    CHECK_NOTHROW(Device::create(dm, {"vg-a--b_c.d+e:f=g@h#i", "", one_disk}));
}

TEST_CASE("dmext: an empty table is not loaded", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));

    CHECK_THROWS_WITH(Device(dm, "a").load({}), Contains("the table is empty"));
    CHECK(dm.calls() == 0);
}

TEST_CASE("dmext: removing is tried again while somebody looks at the device", "[dmext]") {
    FakeDm dm;
    int looks = 3;
    dm.add(spec_of("a"));
    dm.before_call = [&](const Request &, std::size_t) { return looks-- > 0 ? EBUSY : 0; };
    Device(dm, "a").remove();
    CHECK_FALSE(dm.has("a"));

    dm.add(spec_of("b"));
    dm.open("b");
    CHECK(code_of([&] { Device(dm, "b").remove(); }) == EBUSY);
    CHECK(dm.calls() > 50);
    dm.close("b");

    const std::size_t calls = dm.calls();
    dm.fail_call(1, EIO);
    CHECK(code_of([&] { Device(dm, "b").remove(); }) == EIO);
    CHECK(dm.calls() == calls + 1);
}

TEST_CASE("dmext: what is not there", "[dmext]") {
    FakeDm dm;
    const Device device(dm, "a");

    CHECK_FALSE(device.info().exists);
    CHECK(code_of([&] { device.existing(); }) == ENXIO);
    CHECK(code_of([&] { device.table(); }) == ENXIO);
    CHECK(code_of([&] { device.spec(); }) == ENXIO);
    CHECK(code_of([&] { device.remove(); }) == ENXIO);
}

TEST_CASE("dmext: a table is swapped in one call", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));
    const Device device(dm, "a");

    device.load(other_disk);
    CHECK(device.table() == one_disk);
    CHECK(device.table(Slot::inactive) == other_disk);
    device.clear();
    CHECK_FALSE(device.info().has_inactive_table);
    device.load(other_disk);
    const std::size_t calls = dm.calls();
    device.swap_table();
    CHECK(dm.calls() == calls + 1);
    CHECK(dm.is_frozen("a"));
    CHECK(dm.live_table("a") == other_disk);
    device.load(one_disk);
    device.swap_table({.flush = false, .freeze = false});
    CHECK_FALSE(dm.is_frozen("a"));
    CHECK(dm.mistakes().empty());
}

TEST_CASE("dmext: the handle of a renamed device goes with it", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));
    dm.add(spec_of("b"));
    Device device(dm, "a");

    CHECK(code_of([&] { device.rename("b"); }) == EBUSY);
    CHECK(device.name() == "a");
    device.rename("c");
    CHECK(device.name() == "c");
    CHECK(device.existing().uuid == "U-a");
}

TEST_CASE("dmext: udev is waited for once, also after a failure", "[dmext]") {
    FakeDm dm;
    {
        UdevScope udev(dm);
        Device::create(dm, spec_of("a"), &udev);
        Device::create(dm, spec_of("b"), &udev);
        CHECK(udev.cookie().value != 0);
        CHECK_FALSE(dm.mistakes().empty());
        udev.wait();
        CHECK(udev.cookie().value == 0);
        CHECK(dm.mistakes().empty());
        Device(dm, "a").remove(&udev);
    }
    CHECK(dm.mistakes().empty());
}

TEST_CASE("dmext: a scope suspends, and resumes at its end", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));
    {
        const Suspended suspended(Device(dm, "a"), {.flush = true, .freeze = false});
        CHECK(dm.is_suspended("a"));
        CHECK_FALSE(dm.is_frozen("a"));
    }
    CHECK_FALSE(dm.is_suspended("a"));
    {
        Suspended suspended(Device(dm, "a"));
        CHECK(dm.is_frozen("a"));
        suspended.resume();
        CHECK_FALSE(dm.is_suspended("a"));
    }
    CHECK(std::count(dm.record().begin(), dm.record().end(), "resume a") == 2);
    CHECK(dm.mistakes().empty());
}

TEST_CASE("dmext: a device is never suspended twice", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));
    {
        const Suspended outer(Device(dm, "a"));
        CHECK_THROWS_WITH(Suspended(Device(dm, "a")), Contains("suspended already"));
        CHECK(dm.is_suspended("a"));
    }
    CHECK_FALSE(dm.is_suspended("a"));
    CHECK(dm.mistakes().empty());
}

TEST_CASE("dmext: a suspend that fails leaves nothing to resume", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));
    dm.fail_call(2, EINTR);
    CHECK(code_of([&] { Suspended(Device(dm, "a")); }) == EINTR);
    CHECK(dm.record().back() == "suspend a");
}

TEST_CASE("dmext: an exception resumes, with the table that was live before", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));
    const auto change = [&] {
        const Suspended suspended(Device(dm, "a"));
        Device(dm, "a").load(other_disk);
        throw std::runtime_error("no");
    };

    CHECK_THROWS_WITH(change(), "no");
    CHECK_FALSE(dm.is_suspended("a"));
    CHECK(dm.live_table("a") == one_disk);
    CHECK_FALSE(Device(dm, "a").info().has_inactive_table);
}

TEST_CASE("dmext: a resume that fails once is tried again", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));
    {
        const Suspended suspended(Device(dm, "a"));
        dm.fail_call(1, EINTR);
    }
    CHECK_FALSE(dm.is_suspended("a"));
}

TEST_CASE("dmext: a resume that keeps failing is thrown, or reported", "[dmext]") {
    FakeDm dm;
    dm.add(spec_of("a"));
    CHECK_THROWS_WITH(([&] {
                          const Suspended suspended(Device(dm, "a"));
                          dm.fail_from_call(1, EIO);
                      }()),
                      Contains("resume a") && Contains("dmsetup resume a"));
    CHECK(dm.reports().empty());
    dm.before_call = {};
    Device(dm, "a").resume();

    CHECK_THROWS_WITH(([&] {
                          const Suspended suspended(Device(dm, "a"));
                          dm.fail_from_call(1, EIO);
                          throw std::runtime_error("the first one");
                      }()),
                      "the first one");
    REQUIRE_FALSE(dm.reports().empty());
    CHECK_THAT(dm.reports().back(), Contains("dmsetup resume a"));
}

TEST_CASE("dmext: a scope inside of a clean-up throws like any other", "[dmext]") {
    struct CleanUp {
        FakeDm &dm;
        bool &has_thrown;

        ~CleanUp() {
            try {
                const Suspended suspended(Device(dm, "a"));
                dm.fail_from_call(1, EIO);
            } catch (const Error &) {
                has_thrown = true;
            }
        }
    };
    FakeDm dm;
    bool has_thrown = false;
    dm.add(spec_of("a"));

    CHECK_THROWS_WITH(([&] {
                          const CleanUp clean_up{dm, has_thrown};
                          throw std::runtime_error("outer");
                      }()),
                      "outer");
    CHECK(has_thrown);
}
