// SPDX-License-Identifier: GPL-2.0-only
//
// libdm-ext's tables: what is printed can be read, and each wrong field is named.

#include <catch2/catch.hpp>

#include "dm-ext/error.h"
#include "dm-ext/targets.h"
#include "dm-ext/versions.h"
#include "support/fake_dm.h"

using namespace dmext;
using Catch::Contains;

namespace {

AnyTarget parse(const std::string &type, const std::string &params, Sectors count = 4096) {
    return parse_target({0, count, type, params});
}

struct Good {
    std::string type;
    std::string params;
    AnyTarget target;
};

struct Bad {
    std::string type;
    std::string params;
    std::string complaint;
};

const std::vector<Good> good_lines{
    {"linear", "8:16 2048", Linear{"8:16", 2048}},
    {"linear", "/dev/vg/data 0", Linear{"/dev/vg/data", 0}},
    {"striped", "2 128 8:16 0 8:32 2048", Striped{128, {{"8:16", 0}, {"8:32", 2048}}}},
    {"error", "", ErrorTarget{}},
    {"zero", "", Zero{}},
    {"esnapshot-org", "253:0 128 - 0", EsnapshotOrg{"253:0", 128}},
    {"esnapshot-org", "253:0 8 - 2 253:1 253:2", EsnapshotOrg{"253:0", 8, "", {"253:1", "253:2"}}},
    {"esnapshot-org", "253:0 2048 253:9 1 /dev/vg/mon 3 on_full=error queue_timeout=0 discard=copy",
     EsnapshotOrg{"253:0", 2048, "253:9", {"/dev/vg/mon"}, OnFull::error, 0, DiscardPolicy::copy}},
    {"esnapshot-org", "253:0 64 - 0 1 queue_timeout=604800",
     EsnapshotOrg{"253:0", 64, "", {}, OnFull::invalidate, 604800}},
    {"esnapshot", "253:1", Esnapshot{"253:1"}},
    {"esnapshot", "253:1 7", Esnapshot{"253:1", 7}},
    {"esnapshot-view", "253:3 253:0 253:1", EsnapshotView{"253:3", "253:0", "253:1"}},
    {"esnapshot-view", "253:3 253:0 253:1 4294967295",
     EsnapshotView{"253:3", "253:0", "253:1", 4294967295u}},
};

const std::vector<Bad> bad_lines{
    {"linear", "", "before the device"},
    {"linear", "8:16", "before the offset"},
    {"linear", "8:16 0 0", "'0' is one word too many"},
    {"linear", "sda 0", "'sda' is neither a path nor major:minor"},
    {"linear", "8: 0", "'8:' is neither"},
    {"linear", ":16 0", "':16' is neither"},
    {"linear", "8:16:1 0", "neither"},
    {"linear", "/ 0", "'/' is neither"},
    {"linear", "/dev/a\\b 0", "neither"},
    {"linear", "8:4294967296 0", "neither"},
    {"linear", "8:16 -1", "offset '-1' is not a number"},
    {"linear", "8:16 +1", "offset '+1' is not a number"},
    {"linear", "8:16 0x10", "offset '0x10' is not a number"},
    {"linear", "8:16 18446744073709551616", "not a number, or too large"},
    {"striped", "", "before the number of stripes"},
    {"striped", "0 128", "number of stripes 0 is not from 1"},
    {"striped", "2", "before the chunk size"},
    {"striped", "2 0 8:16 0 8:32 0", "chunk size 0 is not from 1"},
    {"striped", "2 128 8:16 0", "2 stripes want 4 words, there are 2"},
    {"striped", "2 128 8:16 0 8:32 0 1", "2 stripes want 4 words, there are 5"},
    {"striped", "4294967295 128 8:16 0", "there are 2"},
    {"striped", "2 128 8:16 0 8:32 x", "offset 'x'"},
    {"striped", "3 128 8:16 0 8:32 0 8:48 0", "not 3 stripes of whole chunks"},
    {"striped", "2 4096 8:16 0 8:32 0", "not 2 stripes of whole chunks"},
    {"error", "x", "'x' is one word too many"},
    {"zero", "x", "'x' is one word too many"},
    {"esnapshot-org", "", "before the origin"},
    {"esnapshot-org", "data 128 - 0", "origin 'data' is neither"},
    {"esnapshot-org", "253:0", "before the chunk size"},
    {"esnapshot-org", "253:0 x - 0", "chunk size 'x'"},
    {"esnapshot-org", "253:0 4 - 0", "chunk size 4 is not from 8 to 2048"},
    {"esnapshot-org", "253:0 4096 - 0", "chunk size 4096 is not from 8 to 2048"},
    {"esnapshot-org", "253:0 24 - 0", "chunk size 24 is not a power of two"},
    {"esnapshot-org", "253:0 128", "before the journal"},
    {"esnapshot-org", "253:0 128 0 0", "journal '0' is neither - nor a device"},
    {"esnapshot-org", "253:0 128 -", "before the number of stores"},
    {"esnapshot-org", "253:0 128 - 65537", "number of stores 65537 is not from 0 to 65536"},
    {"esnapshot-org", "253:0 128 - 2 253:1", "2 stores are announced, 1 words are left"},
    {"esnapshot-org", "253:0 128 - 1 mon", "store 'mon' is neither"},
    {"esnapshot-org", "253:0 128 - 2 253:1 253:1", "device 253:1 is given twice"},
    {"esnapshot-org", "253:0 128 - 1 253:0", "device 253:0 is given twice"},
    {"esnapshot-org", "253:0 128 253:0 0", "device 253:0 is given twice"},
    {"esnapshot-org", "253:0 128 253:1 1 253:1", "device 253:1 is given twice"},
    {"esnapshot-org", "253:0 128 - 0 x", "number of features 'x'"},
    {"esnapshot-org", "253:0 128 - 0 2 on_full=error", "2 features are announced, 1 are there"},
    {"esnapshot-org", "253:0 128 - 0 0 on_full=error", "0 features are announced, 1 are there"},
    {"esnapshot-org", "253:0 128 - 0 1 on_full=panic", "'on_full=panic' is unknown"},
    {"esnapshot-org", "253:0 128 - 0 1 discard=", "'discard=' is unknown"},
    {"esnapshot-org", "253:0 128 - 0 1 queue_timeout=", "wants seconds"},
    {"esnapshot-org", "253:0 128 - 0 1 queue_timeout=604801", "wants seconds"},
    {"esnapshot-org", "253:0 128 - 0 1 queue_timeout=1s", "wants seconds"},
    {"esnapshot-org", "253:0 128 - 0 2 discard=copy discard=swallow", "discard is given twice"},
    {"esnapshot", "", "before the store"},
    {"esnapshot", "mon", "store 'mon' is neither"},
    {"esnapshot", "253:1 0", "serial 0 is not from 1"},
    {"esnapshot", "253:1 x", "serial 'x'"},
    {"esnapshot", "253:1 4294967296", "too large"},
    {"esnapshot", "253:1 1 1", "one word too many"},
    {"esnapshot-view", "", "before the view store"},
    {"esnapshot-view", "253:3", "before the origin"},
    {"esnapshot-view", "253:3 253:0", "before the snapshot store"},
    {"esnapshot-view", "try 253:0 253:1", "view store 'try'"},
    {"esnapshot-view", "253:3 data 253:1", "origin 'data'"},
    {"esnapshot-view", "253:3 253:0 mon", "snapshot store 'mon'"},
    {"esnapshot-view", "253:3 253:3 253:1", "253:3 is given twice"},
    {"esnapshot-view", "253:3 253:0 253:3", "253:3 is given twice"},
    {"esnapshot-view", "253:3 253:0 253:1 0", "serial 0"},
    {"esnapshot-view", "253:3 253:0 253:1 1 1", "one word too many"},
    {"snapshot", "253:0 253:1 P 8", "not known here"},
    {"", "", "not known here"},
};

} // namespace

TEST_CASE("dmext: every target's line is printed and read back", "[dmext]") {
    for (const Good &line : good_lines) {
        CAPTURE(line.type, line.params);
        CHECK(parse(line.type, line.params) == line.target);
        CHECK(make_target(0, 4096, line.target) == Target{0, 4096, line.type, line.params});
        CHECK(std::string(type_name(line.target)) == line.type);
    }
}

TEST_CASE("dmext: features at their default are read, and not printed", "[dmext]") {
    const AnyTarget plain = EsnapshotOrg{"253:0", 128};

    CHECK(parse("esnapshot-org", "253:0 128 - 0 0") == plain);
    CHECK(parse("esnapshot-org", "253:0 128 - 0 3 discard=swallow queue_timeout=60 "
                                 "on_full=invalidate") == plain);
}

TEST_CASE("dmext: each wrong field of a table line is named", "[dmext]") {
    for (const Bad &line : bad_lines) {
        CAPTURE(line.type, line.params);
        CHECK_THROWS_WITH(parse(line.type, line.params), Contains(line.complaint));
    }
    CHECK_THROWS_WITH(parse("linear", "8:16 0", 0), Contains("no sectors"));
    CHECK_THROWS_WITH(parse_target({8, 4096, "esnapshot", "253:1"}),
                      Contains("sector 0, not at 8"));
}

TEST_CASE("dmext: a line that the kernel would misread is not made", "[dmext]") {
    CHECK_THROWS_WITH(make_table(8, Linear{"/dev/a b", 0}), Contains("make a table line"));
    CHECK_THROWS_WITH(make_table(8, Linear{"", 0}), Contains("neither a path nor"));
    CHECK_THROWS_WITH(make_table(8, Esnapshot{"253:1 7"}), Contains("does not survive"));
    CHECK_THROWS_WITH(make_table(8, EsnapshotOrg{"253:0", 100}), Contains("power of two"));
    CHECK_THROWS_WITH(make_table(0, Zero{}), Contains("no sectors"));
    CHECK_THROWS_WITH(make_target(8, 8, Esnapshot{"253:1"}), Contains("sector 0"));
}

TEST_CASE("dmext: a table is printed as dmsetup does, and read back", "[dmext]") {
    const Table table{{0, 100, "linear", "8:16 0"}, {100, 50, "zero", ""}};
    const std::string text = "0 100 linear 8:16 0\n100 50 zero";

    CHECK(to_string(table) == text);
    CHECK(parse_table(text + "\n") == table);
    CHECK(size_of(table) == 150);
    CHECK(size_of({}) == 0);
    CHECK(parse_table("").empty());
}

TEST_CASE("dmext: tables with gaps, overlaps or missing words are refused", "[dmext]") {
    CHECK_THROWS_WITH(parse_table("8 100 zero"), Contains("starts at sector 8"));
    CHECK_THROWS_WITH(parse_table("0 100 zero\n101 1 zero"), Contains("end at 100"));
    CHECK_THROWS_WITH(parse_table("0 100 zero\n99 1 zero"), Contains("end at 100"));
    CHECK_THROWS_WITH(parse_table("0 0 zero"), Contains("length 0"));
    CHECK_THROWS_WITH(parse_table("0 100"), Contains("before the target type"));
    CHECK_THROWS_WITH(parse_table("0 -1 zero"), Contains("length '-1'"));
    CHECK_THROWS_WITH(parse_table("0 18446744073709551615 zero\n18446744073709551615 1 zero"),
                      Contains("length 1 is not from 1 to 0"));
}

TEST_CASE("dmext: the one target of a table", "[dmext]") {
    const Table table = make_table(8, Esnapshot{"253:1"});

    CHECK(only_target<Esnapshot>(table, "mon") == Esnapshot{"253:1"});
    CHECK_THROWS_WITH(only_target<EsnapshotOrg>(table, "mon"),
                      Contains("mon") && Contains("esnapshot-org") && Contains("0 8 esnapshot"));
    CHECK_THROWS_WITH(only_target<Linear>({}, "mon"), Contains("not one target"));
}

TEST_CASE("dmext: a kernel without our targets, or with other ones, is refused", "[dmext]") {
    test::FakeDm dm;
    const auto refusal = [&] {
        try {
            require_targets(dm);
        } catch (const Error &error) {
            return std::string(error.what());
        }
        return std::string("none");
    };

    CHECK(refusal() == "none");
    dm.versions[1].minor = 7;
    CHECK(refusal() == "none");
    dm.versions[1].major = 2;
    CHECK_THAT(refusal(),
               Catch::Contains("esnapshot has version 2.7.0") && Catch::Contains("of one release"));
    dm.versions.pop_back();
    dm.versions[1].major = 1;
    CHECK_THAT(refusal(), Catch::Contains("no target esnapshot-view"));
}
