// SPDX-License-Identifier: GPL-2.0-only
//
// libdm-ext over the real libdevmapper, as far as it goes where there is no device-mapper; the
// rest is tests/vm/dmext.sh.

#include <catch2/catch.hpp>

#include "dm-ext/libdm.h"
#include "dm-ext/udev.h"

using namespace dmext;

TEST_CASE("dmext: waiting for udev ends at once when there is nothing to wait for", "[dmext]") {
    LibDm api;
    UdevScope udev(api);

    udev.wait();
    udev.wait();
    CHECK(udev.cookie().value == 0);
}
