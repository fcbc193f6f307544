// SPDX-License-Identifier: GPL-2.0-only
//
// libdm-ext: who stands on whom, and waiting for events.

#include <algorithm>
#include <cerrno>

#include <catch2/catch.hpp>

#include "dm-ext/error.h"
#include "dm-ext/events.h"
#include "dm-ext/targets.h"
#include "dm-ext/tree.h"
#include "support/fake_dm.h"

using namespace dmext;
using namespace dmext::test;
using Catch::Contains;
using Names = std::vector<std::string>;

namespace {

Names names_of(const std::vector<const Node *> &nodes) {
    Names names;

    for (const Node *node : nodes)
        names.push_back(node->name);
    return names;
}

void add_linear(FakeDm &dm, const std::string &name, const std::string &below) {
    dm.add({name, "U-" + name, make_table(64, Linear{below, 0})});
}

/* origin <- org <- view <- org2, store <- {org, view} */
void add_stack(FakeDm &dm) {
    add_linear(dm, "origin", "8:16");
    add_linear(dm, "store", "8:32");
    add_linear(dm, "vstore", "8:48");
    EsnapshotOrg org{dm.number_of("origin"), 128};
    org.stores = {dm.number_of("store")};
    dm.add({"org", "ESNAP-org", make_table(64, org)});
    dm.add({"view", "ESNAP-view",
            make_table(64, EsnapshotView{dm.number_of("vstore"), dm.number_of("org"),
                                         dm.number_of("store")})});
    dm.add({"org2", "ESNAP-org2", make_table(64, EsnapshotOrg{dm.number_of("view"), 128})});
}

Node node(const std::string &name, std::uint32_t minor, std::set<DeviceNumber> below) {
    return {name, "", {253, minor}, 0, std::move(below)};
}

} // namespace

TEST_CASE("dmext: devices are found by name, number, uuid and its prefix", "[dmext]") {
    FakeDm dm;
    add_stack(dm);
    const Tree tree = Tree::read(dm);

    REQUIRE(tree.by_name("org") != nullptr);
    CHECK(tree.by_number(tree.by_name("org")->number) == tree.by_name("org"));
    CHECK(tree.by_uuid("ESNAP-org") == tree.by_name("org"));
    CHECK(names_of(tree.by_uuid_prefix("ESNAP-")) == Names{"org", "org2", "view"});
    CHECK(tree.by_name("o") == nullptr);
    CHECK(tree.by_number({8, 16}) == nullptr);
    CHECK(tree.by_uuid("") == nullptr);
    CHECK(tree.by_name("origin")->open_count == 1);
    CHECK(tree.by_name("origin")->below == std::set<DeviceNumber>{{8, 16}});
}

TEST_CASE("dmext: users of a device, direct and not", "[dmext]") {
    FakeDm dm;
    add_stack(dm);
    const Tree tree = Tree::read(dm);

    CHECK(names_of(tree.users(*tree.by_name("store"))) == Names{"org", "view"});
    CHECK(names_of(tree.all_users(*tree.by_name("origin"))) == Names{"org", "org2", "view"});
    CHECK(tree.all_users(*tree.by_name("org2")).empty());
}

TEST_CASE("dmext: a table that is not live yet counts", "[dmext]") {
    FakeDm dm;
    add_linear(dm, "a", "8:16");
    add_linear(dm, "b", "8:32");
    Device(dm, "b").load(make_table(64, Linear{dm.number_of("a"), 0}));
    const Tree tree = Tree::read(dm);

    CHECK(names_of(tree.users(*tree.by_name("a"))) == Names{"b"});
}

TEST_CASE("dmext: the order of taking down and bringing up", "[dmext]") {
    FakeDm dm;
    add_stack(dm);
    const Tree tree = Tree::read(dm);
    const std::set<std::string> all{"origin", "store", "vstore", "org", "view", "org2"};
    const Names down = names_of(tree.takedown_order(all));
    Names up = names_of(tree.bringup_order(all));
    const auto position = [&](const char *name) {
        return std::find(down.begin(), down.end(), name) - down.begin();
    };

    REQUIRE(down.size() == all.size());
    CHECK(position("org2") < position("view"));
    CHECK(position("view") < position("org"));
    CHECK(position("view") < position("vstore"));
    CHECK(position("org") < position("origin"));
    CHECK(position("org") < position("store"));
    std::reverse(up.begin(), up.end());
    CHECK(up == down);
    /* Also when what lies between is not wanted. */
    CHECK(names_of(tree.takedown_order({"origin", "org2"})) == Names{"org2", "origin"});
    CHECK(tree.takedown_order({}).empty());
    CHECK_THROWS_WITH(tree.takedown_order({"nobody"}), Contains("nobody: there is no such device"));
}

TEST_CASE("dmext: a circle ends no walk, and has no order", "[dmext]") {
    const Tree tree({node("a", 0, {{253, 2}}), node("b", 1, {{253, 0}}), node("c", 2, {{253, 1}}),
                     node("self", 3, {{253, 3}}), node("free", 4, {})});

    CHECK(names_of(tree.all_users(*tree.by_name("a"))) == Names{"b", "c"});
    CHECK(tree.all_users(*tree.by_name("self")).empty());
    CHECK_THROWS_WITH(tree.takedown_order({"a"}), Contains("in a circle"));
    CHECK_THROWS_WITH(tree.bringup_order({"self"}), Contains("in a circle"));
    CHECK(names_of(tree.takedown_order({"free"})) == Names{"free"});
}

TEST_CASE("dmext: devices that go away while the tree is read are left out", "[dmext]") {
    FakeDm dm;
    add_linear(dm, "a", "8:16");
    add_linear(dm, "b", "8:32");
    dm.before_call = [&](const Request &r, std::size_t) {
        return r.op == Op::deps && r.name == "a" ? ENXIO : 0;
    };
    CHECK(Tree::read(dm).nodes().size() == 1);
    dm.before_call = [&](const Request &r, std::size_t) { return r.op == Op::deps ? EIO : 0; };
    CHECK_THROWS_AS(Tree::read(dm), Error);
}

TEST_CASE("dmext: the next event of a device is waited for", "[dmext]") {
    FakeDm dm;
    add_linear(dm, "a", "8:16");
    add_linear(dm, "b", "8:16");
    dm.raise_event("a");
    EventWaiter waiter(Device(dm, "a"));
    int rounds = 0;

    CHECK(waiter.last() == 1);
    CHECK(waiter.wait(std::chrono::milliseconds(0)) == std::nullopt);
    /* Events of others wake up, but are not taken for ours. */
    dm.while_waiting = [&](EventSource &) { dm.raise_event(++rounds < 3 ? "b" : "a"); };
    CHECK(waiter.wait(std::chrono::milliseconds(-1)) == 2);
    CHECK(rounds == 3);
    /* What comes between two waits is not lost. */
    dm.while_waiting = {};
    dm.raise_event("a");
    dm.raise_event("a");
    CHECK(waiter.wait(std::chrono::milliseconds(-1)) == 4);
    CHECK(waiter.last() == 4);
}

TEST_CASE("dmext: waiting for an event ends when interrupted or the device is gone", "[dmext]") {
    FakeDm dm;
    add_linear(dm, "a", "8:16");
    EventWaiter waiter(Device(dm, "a"));

    waiter.interrupt();
    CHECK(waiter.wait(std::chrono::milliseconds(-1)) == std::nullopt);
    dm.while_waiting = [](EventSource &source) { source.interrupt(); };
    CHECK(waiter.wait(std::chrono::milliseconds(-1)) == std::nullopt);
    Device(dm, "a").remove();
    CHECK_THROWS_WITH(waiter.wait(std::chrono::milliseconds(-1)), Contains("no such device"));
    CHECK_THROWS_AS(EventWaiter(Device(dm, "a")), Error);
}
