// SPDX-License-Identifier: GPL-2.0-only
//
// libdm-ext's status lines: read back as printed, each wrong field named.

#include <catch2/catch.hpp>

#include "dm-ext/error.h"
#include "dm-ext/status.h"

using namespace dmext;
using Catch::Contains;

namespace {

struct Bad {
    std::string type;
    std::string params;
    std::string complaint;
};

const std::vector<Bad> bad_lines{
    {"esnapshot-org", "", "before the state"},
    {"esnapshot-org", "fine 128 1 0/16 0 - -", "state 'fine' is unknown"},
    {"esnapshot-org", "low 128 1 0/16 0 - -", "state 'low' is unknown"},
    {"esnapshot-org", "ok x 1 0/16 0 - -", "chunk size 'x'"},
    {"esnapshot-org", "ok 4 1 0/16 0 - -", "chunk size 4"},
    {"esnapshot-org", "ok 128 65537 0/16 0 - -", "number of stores 65537"},
    {"esnapshot-org", "ok 128 1 16 0 - -", "copied chunks '16' is not of the form"},
    {"esnapshot-org", "ok 128 1 /16 0 - -", "not of the form"},
    {"esnapshot-org", "ok 128 1 0/ 0 - -", "not of the form"},
    {"esnapshot-org", "ok 128 1 1/2/3 0 - -", "not of the form"},
    {"esnapshot-org", "ok 128 1 17/16 0 - -", "the first number is the larger one"},
    {"esnapshot-org", "ok 128 1 0/16 -1 - -", "queued writes '-1'"},
    {"esnapshot-org", "ok 128 1 0/16 0", "before the journal"},
    {"esnapshot-org", "ok 128 1 0/16 0 8 ok", "journal '8' is not of the form"},
    {"esnapshot-org", "ok 128 1 0/16 0 9/8 ok", "the first number is the larger one"},
    {"esnapshot-org", "ok 128 1 0/16 0 -", "before the state of the journal"},
    {"esnapshot-org", "ok 128 1 0/16 0 - ok", "not both"},
    {"esnapshot-org", "ok 128 1 0/16 0 1/8 -", "not both"},
    {"esnapshot-org", "ok 128 1 0/16 0 1/8 fine", "state of the journal 'fine' is unknown"},
    {"esnapshot-org", "ok 128 1 0/16 0 1/8 ok x 0", "kept sectors of the journal 'x'"},
    {"esnapshot-org", "ok 128 1 0/16 0 2/8 ok 1 0", "kept sectors of the journal 1 is not"},
    {"esnapshot-org", "ok 128 1 0/16 0 2/8 ok 9 0", "kept sectors of the journal 9 is not"},
    {"esnapshot-org", "ok 128 1 0/16 0 2/8 ok 2", "before the oldest time kept"},
    {"esnapshot-org", "ok 128 1 0/16 0 2/8 ok 2 y", "oldest time kept in the journal 'y'"},
    {"esnapshot", "", "before the used sectors"},
    {"esnapshot", "Invalid", "used sectors 'Invalid'"},
    {"esnapshot", "9/8 0 ok", "larger one"},
    {"esnapshot", "8/9", "before the metadata"},
    {"esnapshot", "8/9 x ok", "metadata sectors 'x'"},
    {"esnapshot", "8/9 9 ok", "9 sectors of metadata are more than the 8 used"},
    {"esnapshot", "8/9 1", "before the state"},
    {"esnapshot-view", "8/9 1 suspect", "state 'suspect' is unknown"},
    {"snapshot", "8/9 1", "wanted a target of type esnapshot or esnapshot-view"},
    {"striped", "", "before the number of stripes"},
    {"striped", "0 1 A", "number of stripes 0"},
    {"striped", "2 8:16 8:32 1", "2 stripes want 4 words, there are 3"},
    {"striped", "1 sdb 1 A", "stripe 'sdb'"},
    {"striped", "1 8:16 2 A", "number of health groups 2"},
    {"striped", "1 8:16 1 X", "health 'X'"},
    {"striped", "1 8:16 1 AA", "1 stripes, but the health of 2"},
    {"linear", "x", "one word too many"},
    {"mirror", "", "wanted a target of type linear or error or zero"},
};

void parse(const Target &line) {
    if (line.type == "esnapshot-org")
        parse_org_status(line);
    else if (line.type == "striped")
        parse_striped_status(line);
    else if (line.type == "linear" || line.type == "mirror")
        parse_empty_status(line);
    else
        parse_area_status(line);
}

} // namespace

TEST_CASE("dmext: the status of an origin is read as printed", "[dmext]") {
    for (const std::string params :
         {"ok 128 0 0/16 0 - -", "full 8 3 5/16 12 - -", "suspect 2048 65536 16/16 0 1/8 draining",
          "ok 128 1 0/16 0 1/8 ok 5 1700000000", "ok 128 1 0/16 0 - failed",
          "ok 128 1 0/16 0 0/8 failed 0 0", "invalid 128 1 0/0 0 - -", "failed 128 1 0/16 0 - -",
          "inactive 128 1 0/16 0 - -"}) {
        CAPTURE(params);
        CHECK(to_string(parse_org_status({0, 8, "esnapshot-org", params})) == params);
    }
    const OrgStatus s =
        parse_org_status({0, 8, "esnapshot-org", "full 8 3 5/16 12 1/8 ok 5 1700000000 later"});
    CHECK(s == OrgStatus{OrgState::full, 8, 3, 5, 16, 12,
                         JournalStatus{1, 8, JournalState::ok, 5, 1700000000}});
    CHECK_FALSE(parse_org_status({0, 8, "esnapshot-org", "ok 8 1 0/9 0 1/8 ok"}).journal->kept);
    CHECK_FALSE(parse_org_status({0, 8, "esnapshot-org", "ok 8 1 0/9 0 - - later"}).journal);
}

TEST_CASE("dmext: the status of an image or view is read as printed", "[dmext]") {
    for (const std::string type : {"esnapshot", "esnapshot-view"})
        for (const std::string state : {"ok", "low", "full", "invalid", "failed"}) {
            const std::string params = "8/32 4 " + state + " 70";
            CAPTURE(type, params);
            CHECK(to_string(parse_area_status({0, 8, type, params + " later"})) == params);
        }
    CHECK(parse_area_status({0, 8, "esnapshot", "8/32 4 low"}) ==
          AreaStatus{8, 32, 4, AreaState::low, {}});
    CHECK(parse_area_status({0, 1, "esnapshot", "8/32 4 low 55 later"}).low_water == 55);
    CHECK_FALSE(parse_area_status({0, 1, "esnapshot", "8/32 4 low"}).low_water);
    CHECK_THROWS_AS(parse_area_status({0, 1, "esnapshot", "8/32 4 low x"}), Error);
}

TEST_CASE("dmext: how full an area is", "[dmext]") {
    CHECK(AreaStatus{8, 32}.percent_used() == Approx(25.0));
    CHECK(AreaStatus{0, 32}.percent_used() == Approx(0.0));
    CHECK(AreaStatus{0, 0}.percent_used() == Approx(100.0));
}

TEST_CASE("dmext: the status of stripes is read as printed", "[dmext]") {
    const std::string params = "2 8:16 8:32 1 AD";
    const StripedStatus s = parse_striped_status({0, 8, "striped", params});

    CHECK(s == StripedStatus{{"8:16", "8:32"}, {true, false}});
    CHECK(to_string(s) == params);
}

TEST_CASE("dmext: targets without a status", "[dmext]") {
    for (const std::string type : {"linear", "error", "zero"})
        CHECK_NOTHROW(parse_empty_status({0, 8, type, ""}));
}

TEST_CASE("dmext: each wrong field of a status line is named", "[dmext]") {
    for (const Bad &line : bad_lines) {
        CAPTURE(line.type, line.params);
        CHECK_THROWS_WITH(parse({0, 8, line.type, line.params}), Contains(line.complaint));
    }
}
