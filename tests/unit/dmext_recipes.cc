// SPDX-License-Identifier: GPL-2.0-only
//
// libdm-ext's plans for chains: what they leave behind when they work, and that nothing has
// changed when any one of their calls fails.

#include <algorithm>
#include <cerrno>

#include <catch2/catch.hpp>

#include "dm-ext/recipes.h"
#include "support/failing_calls.h"

using namespace dmext;
using namespace dmext::test;
using Catch::Contains;
using Stores = std::vector<std::string>;
using World = std::unique_ptr<FakeDm>;

namespace {

constexpr Sectors size = 4096;

Table linear(const std::string &device) {
    return make_table(size, Linear{device, 0});
}

EsnapshotOrg org_of(const std::string &origin, const Stores &stores) {
    EsnapshotOrg org{origin, 128};

    org.stores = stores;
    return org;
}

EsnapshotOrg live_org(const FakeDm &dm, const std::string &name) {
    return only_target<EsnapshotOrg>(dm.live_table(name), name);
}

/* A mounted volume and stores; nothing of ours yet. */
World plain_world() {
    auto dm = std::make_unique<FakeDm>();

    dm->add({"vg-data", "LVM-data", linear("8:16")});
    dm->open("vg-data");
    for (const std::string name : {"vg-mon", "vg-tue", "vg-wed", "vg-try"})
        dm->add({name, "LVM-" + name, linear("8:32")});
    return dm;
}

Plan insert_mon(FakeDm &dm) {
    return insert_origin(dm, {"vg-data", org_of("", {dm.number_of("vg-mon")})});
}

/* The volume taken over while in use, with two snapshots and an image of the older one. */
World chain_world() {
    World dm = plain_world();

    insert_mon(*dm).run(*dm);
    add_newest_store(*dm, "vg-data", dm->number_of("vg-tue")).run(*dm);
    create_image("vg-monday", "ESNAP-monday", size, {dm->number_of("vg-mon")}).run(*dm);
    return dm;
}

World pass_through_world() {
    World dm = plain_world();

    insert_origin(*dm, {"vg-data", org_of("", {})}).run(*dm);
    dm->close("vg-data");
    return dm;
}

std::string text_of(const std::function<void()> &call) {
    try {
        call();
    } catch (const Error &e) {
        return e.what();
    }
    return "no error";
}

} // namespace

TEST_CASE("dmext: esnapshot-org comes under a device in use", "[dmext]") {
    World dm = plain_world();
    const std::string number = dm->number_of("vg-data");
    const Plan plan = insert_mon(*dm);

    CHECK(plan.listing() ==
          std::vector<std::string>{
              "1. create vg-data-real (linear)", "2. load esnapshot-org into vg-data",
              "3. freeze vg-data and switch to esnapshot-org (cannot be taken back)"});
    plan.run(*dm);
    CHECK(dm->number_of("vg-data") == number);
    CHECK(dm->is_frozen("vg-data"));
    CHECK(live_org(*dm, "vg-data") ==
          org_of(dm->number_of("vg-data-real"), {dm->number_of("vg-mon")}));
    CHECK(Device(*dm, "vg-data-real", Visibility::hidden).spec() ==
          DeviceSpec{"vg-data-real", "LVM-data-real", linear("8:16"), Access::read_write,
                     Visibility::hidden});
    CHECK(check_failing_calls(plain_world, insert_mon) >= 7);
}

TEST_CASE("dmext: a striped or read-only volume is taken over as it is", "[dmext]") {
    const Table striped = make_table(size, Striped{128, {{"8:16", 0}, {"8:48", 0}}});
    const MakeWorld make_world = [&] {
        auto dm = std::make_unique<FakeDm>();
        dm->add({"vg-data", "LVM-data", striped, Access::read_only});
        return dm;
    };
    const MakePlan make_plan = [](FakeDm &dm) {
        return insert_origin(dm, {"vg-data", org_of("", {})});
    };
    World dm = make_world();
    make_plan(*dm).run(*dm);

    CHECK(dm->live_table("vg-data-real") == striped);
    CHECK(Device(*dm, "vg-data").existing().is_read_only);
    CHECK(Device(*dm, "vg-data-real").existing().is_read_only);
    check_failing_calls(make_world, make_plan);
}

TEST_CASE("dmext: what cannot be taken over is refused, with the reason", "[dmext]") {
    const InsertSpec spec{"vg-data", org_of("", {})};
    World dm = plain_world();
    const auto refusal = [&](const InsertSpec &s) {
        const std::string before = dm->picture();
        const std::string text = text_of([&] { insert_origin(*dm, s); });
        CHECK(dm->picture() == before);
        return text;
    };

    CHECK_THAT(refusal({"nobody", spec.org}), Contains("no such device"));
    InsertSpec wrong = spec;
    wrong.org.chunk_sectors = 100;
    CHECK_THAT(refusal(wrong), Contains("power of two"));
    wrong.org = org_of("", {"mon"});
    CHECK_THAT(refusal(wrong), Contains("store 'mon'"));
    dm->add({"thin", "LVM-thin", {{0, size, "thin", "253:9 1"}}});
    CHECK_THAT(refusal({"thin", spec.org}), Contains("a target of type thin"));
    dm->add({"nameless", "", linear("8:16")});
    CHECK_THAT(refusal({"nameless", spec.org}), Contains("no uuid"));
    Device(*dm, "vg-data").load(linear("8:48"));
    CHECK_THAT(refusal(spec), Contains("dmsetup clear vg-data"));
    Device(*dm, "vg-data").clear();
    Device(*dm, "vg-data").suspend();
    CHECK_THAT(refusal(spec), Contains("dmsetup resume vg-data"));
    Device(*dm, "vg-data").resume();
    dm->add({"vg-data-real", "", linear("8:16")});
    CHECK_THAT(refusal(spec), Contains("vg-data-real exists already"));
}

TEST_CASE("dmext: a volume that was taken over in use grows", "[dmext]") {
    const Table grown{make_target(0, size, Linear{"8:16", 0}),
                      make_target(size, 2048, Linear{"8:32", 4096})};
    const MakePlan make_plan = [&](FakeDm &dm) {
        return grow_inserted_origin(dm, "vg-data", grown);
    };
    World dm = chain_world();
    make_plan(*dm).run(*dm);

    CHECK(dm->live_table("vg-data-real") == grown);
    CHECK(size_of(dm->live_table("vg-data")) == size + 2048);
    CHECK(live_org(*dm, "vg-data").stores.size() == 2);
    CHECK(check_failing_calls(chain_world, make_plan) >= 6);
    const std::string before = dm->picture();
    CHECK_THAT(text_of([&] { grow_inserted_origin(*dm, "vg-data", linear("8:16")); }),
               Contains("does not begin with the one it has"));
    CHECK(dm->picture() == before);
}

TEST_CASE("dmext: a device that the kernel cannot give more room goes on as it was", "[dmext]") {
    const Table grown{make_target(0, size, Linear{"8:16", 0}),
                      make_target(size, 2048, Linear{"8:32", 4096})};
    World dm = chain_world();
    const Table before = dm->live_table("vg-data-real"), above = dm->live_table("vg-data");

    SECTION("the hidden one") {
        dm->fails_to_resume = [&](const Table &t) { return t == grown; };
        text_of([&] { grow_inserted_origin(*dm, "vg-data", grown).run(*dm); });
    }
    SECTION("the one above") {
        dm->fails_to_resume = [&](const Table &t) {
            return t[0].type == "esnapshot-org" && size_of(t) > size;
        };
        text_of([&] { grow_inserted_origin(*dm, "vg-data", grown).run(*dm); });
    }
    CHECK(dm->suspended().empty());
    CHECK(dm->live_table("vg-data-real") == before);
    CHECK(dm->live_table("vg-data") == above);
}

TEST_CASE("dmext: an esnapshot-org on top of a volume grows", "[dmext]") {
    const MakePlan make_plan = [&](FakeDm &dm) {
        return grow_stacked_origin(dm, "vg-data", size + 2048);
    };
    World dm = chain_world();
    make_plan(*dm).run(*dm);

    CHECK(size_of(dm->live_table("vg-data")) == size + 2048);
    CHECK(live_org(*dm, "vg-data").stores.size() == 2);
    CHECK(check_failing_calls(chain_world, make_plan) >= 3);
    CHECK_THAT(text_of([&] { grow_stacked_origin(*dm, "vg-data", size); }), Contains("are less"));
}

TEST_CASE("dmext: when a table continues another", "[dmext]") {
    const auto piece = [](Sectors first, Sectors count, const char *device, Sectors offset) {
        return make_target(first, count, Linear{device, offset});
    };
    const Table one{piece(0, 64, "8:1", 100)};
    const Table stripes = make_table(64, Striped{8, {{"8:1", 0}, {"8:2", 0}}});

    CHECK(is_continuation(one, one));
    CHECK(is_continuation(one, {piece(0, 96, "8:1", 100)}));
    CHECK(is_continuation(one, {piece(0, 32, "8:1", 100), piece(32, 64, "8:1", 132)}));
    CHECK(is_continuation({piece(0, 32, "8:1", 100), piece(32, 32, "8:1", 132)}, one));
    CHECK(is_continuation(one, {piece(0, 64, "8:1", 100), piece(64, 8, "8:2", 0)}));
    CHECK_FALSE(is_continuation(one, {}));
    CHECK_FALSE(is_continuation({}, one));
    CHECK_FALSE(is_continuation(one, {piece(0, 63, "8:1", 100)}));
    CHECK_FALSE(is_continuation(one, {piece(0, 64, "8:2", 100)}));
    CHECK_FALSE(is_continuation(one, {piece(0, 32, "8:1", 100), piece(32, 64, "8:1", 200)}));
    CHECK(is_continuation(stripes, {stripes[0], piece(64, 8, "8:1", 500)}));
    CHECK_FALSE(is_continuation(stripes, one));
}

TEST_CASE("dmext: a table that changes under a plan breaks it off", "[dmext]") {
    World dm = plain_world();
    const Plan plan = insert_mon(*dm);

    Device(*dm, "vg-data").load(linear("8:48"));
    Device(*dm, "vg-data").resume();
    const std::string before = dm->picture();
    CHECK_THAT(text_of([&] { plan.run(*dm); }), Contains("was changed by somebody else"));
    CHECK(dm->picture() == before);
}

TEST_CASE("dmext: a switch that fails half-way leaves the volume running", "[dmext]") {
    World dm = plain_world();
    dm->fails_to_resume = [](const Table &t) {
        return t[0].type == "esnapshot-org" && !only_target<EsnapshotOrg>(t, "").stores.empty();
    };
    const std::string text = text_of([&] { insert_mon(*dm).run(*dm); });

    /* esnapshot-org cannot be replaced any more, so it stays, without the snapshot. */
    CHECK(dm->suspended().empty());
    CHECK(live_org(*dm, "vg-data") == org_of(dm->number_of("vg-data-real"), {}));
    CHECK_THAT(text, Contains("it goes on with this table: 0 4096 esnapshot-org"));
    CHECK_THAT(text, Contains("NOT taken back: create vg-data-real") &&
                         Contains("vg-data stands on it now"));
    CHECK(dm->mistakes().empty());
}

TEST_CASE("dmext: a volume that cannot be resumed at all is named", "[dmext]") {
    World dm = plain_world();
    dm->fails_to_resume = [](const Table &t) { return t[0].type == "esnapshot-org"; };

    CHECK_THAT(text_of([&] { insert_mon(*dm).run(*dm); }), Contains("STILL SUSPENDED"));
}

TEST_CASE("dmext: the newest store is added, the file system frozen", "[dmext]") {
    const MakePlan add_wed = [](FakeDm &dm) {
        return add_newest_store(dm, "vg-data", dm.number_of("vg-wed"));
    };
    World dm = chain_world();
    add_wed(*dm).run(*dm);

    CHECK(live_org(*dm, "vg-data").stores ==
          Stores{dm->number_of("vg-mon"), dm->number_of("vg-tue"), dm->number_of("vg-wed")});
    CHECK(dm->is_frozen("vg-data"));
    CHECK(check_failing_calls(chain_world, add_wed) >= 3);
    CHECK_THAT(text_of([&] { add_wed(*dm); }), Contains("is given twice"));
    CHECK_THAT(text_of([&] { add_newest_store(*dm, "vg-mon", "253:9"); }),
               Contains("not one target of type esnapshot-org"));
}

TEST_CASE("dmext: a store that cannot be brought into use leaves the chain as it was", "[dmext]") {
    World dm = chain_world();
    const std::string before = dm->picture();
    dm->fails_to_resume = [](const Table &t) {
        return only_target<EsnapshotOrg>(t, "").stores.size() == 3;
    };
    const std::string text =
        text_of([&] { add_newest_store(*dm, "vg-data", dm->number_of("vg-wed")).run(*dm); });

    CHECK_THAT(text, Contains("it goes on with this table"));
    CHECK(dm->picture() == before);
    CHECK(dm->mistakes().empty());
}

TEST_CASE("dmext: a snapshot that the kernel did not take is no success", "[dmext]") {
    World dm = chain_world();
    const std::string before = dm->picture();
    dm->state_of = [](const Table &t) {
        return only_target<EsnapshotOrg>(t, "").stores.size() == 3 ? "failed" : "ok";
    };
    const std::string text =
        text_of([&] { add_newest_store(*dm, "vg-data", dm->number_of("vg-wed")).run(*dm); });

    CHECK_THAT(text, Contains("the new store could not be brought into use"));
    CHECK_THAT(text, !Contains("NOT taken back"));
    CHECK(dm->picture() == before);
    CHECK_FALSE(dm->is_frozen("vg-data"));
    CHECK(dm->mistakes().empty());

    World blind = chain_world();
    blind->before_call = [](const Request &r, std::size_t) { return r.op == Op::status ? EIO : 0; };
    add_newest_store(*blind, "vg-data", blind->number_of("vg-wed")).run(*blind);
    REQUIRE(blind->reports().size() == 1);
    CHECK_THAT(blind->reports()[0], Contains("is not known"));
}

TEST_CASE("dmext: the snapshots go before the volume stops", "[dmext]") {
    World dm = chain_world();
    dm->fails_to_resume = [](const Table &t) {
        return !only_target<EsnapshotOrg>(t, "").stores.empty();
    };
    const std::string text =
        text_of([&] { add_newest_store(*dm, "vg-data", dm->number_of("vg-wed")).run(*dm); });

    CHECK(dm->suspended().empty());
    CHECK(live_org(*dm, "vg-data").stores.empty());
    CHECK_THAT(text, Contains("it goes on with this table"));
}

namespace {

/* The same with a write journal. */
World journal_world() {
    World dm = chain_world();

    dm->add({"vg-jrnl", "LVM-jrnl", linear("8:48")});
    add_journal(*dm, "vg-data", dm->number_of("vg-jrnl")).run(*dm);
    return dm;
}

} // namespace

TEST_CASE("dmext: a journal comes in front of a chain, and goes again", "[dmext]") {
    const MakeWorld without = [] {
        World dm = chain_world();
        dm->add({"vg-jrnl", "LVM-jrnl", linear("8:48")});
        return dm;
    };
    const MakePlan add = [](FakeDm &dm) {
        return add_journal(dm, "vg-data", dm.number_of("vg-jrnl"));
    };
    const MakePlan take_out = [](FakeDm &dm) { return take_out_journal(dm, "vg-data"); };
    World dm = without();
    const std::string before = dm->picture();

    add(*dm).run(*dm);
    CHECK(live_org(*dm, "vg-data").journal == dm->number_of("vg-jrnl"));
    CHECK(live_org(*dm, "vg-data").stores.size() == 2);
    CHECK_THAT(text_of([&] { add(*dm); }), Contains("take that one out first"));
    take_out(*dm).run(*dm);
    CHECK(dm->picture() == before);
    CHECK_THAT(text_of([&] { take_out(*dm); }), Contains("it has none"));
    CHECK(check_failing_calls(without, add) >= 3);
    CHECK(check_failing_calls(journal_world, take_out) >= 3);
    check_killed_calls(without, add, "vg-data");
    check_killed_calls(journal_world, take_out, "vg-data");
}

TEST_CASE("dmext: what a journal holds goes to its place before the volume is suspended",
          "[dmext]") {
    World dm = journal_world();
    const std::vector<std::string> snapshot =
        add_newest_store(*dm, "vg-data", dm->number_of("vg-wed")).listing();

    REQUIRE(snapshot.size() == 3);
    CHECK(snapshot[1] == "2. bring to its place what the journal of vg-data holds");
    CHECK_THAT(snapshot[2], Contains("freeze vg-data"));
    CHECK(take_out_journal(*dm, "vg-data").listing()[1] == snapshot[1]);
    CHECK(drop_oldest_store(*dm, "vg-data").listing().size() == 2);
    CHECK(check_failing_calls(journal_world, [](FakeDm &d) {
              return add_newest_store(d, "vg-data", d.number_of("vg-wed"));
          }) >= 3);
}

TEST_CASE("dmext: a journal needs a snapshot, the last one stays with it", "[dmext]") {
    World bare = pass_through_world();
    CHECK_THAT(text_of([&] { add_journal(*bare, "vg-data", "8:99"); }),
               Contains("it has no snapshot"));
    World dm = journal_world();
    drop_oldest_store(*dm, "vg-data", {"vg-monday"}).run(*dm);
    CHECK(live_org(*dm, "vg-data").journal == dm->number_of("vg-jrnl"));
    CHECK_THAT(text_of([&] { drop_oldest_store(*dm, "vg-data"); }),
               Contains("it is the last one") && Contains("take the journal out first"));
    add_newest_store(*dm, "vg-data", dm->number_of("vg-wed")).run(*dm);
    CHECK(live_org(*dm, "vg-data").journal == dm->number_of("vg-jrnl"));
}

TEST_CASE("dmext: a chain without stores gets the chunk size of its first one", "[dmext]") {
    World dm = pass_through_world();
    const auto before = live_org(*dm, "vg-data").chunk_sectors;
    const auto wanted = before == 64u ? 128u : 64u;
    add_newest_store(*dm, "vg-data", dm->number_of("vg-mon"), wanted).run(*dm);
    CHECK(live_org(*dm, "vg-data").chunk_sectors == wanted);
    add_newest_store(*dm, "vg-data", dm->number_of("vg-tue"), before).run(*dm);
    CHECK(live_org(*dm, "vg-data").chunk_sectors == wanted);
}

TEST_CASE("dmext: a journal that the kernel did not take is no success", "[dmext]") {
    World dm = chain_world();
    const std::string before = dm->picture();
    dm->journal_state = "failed";
    const std::string text = text_of([&] { add_journal(*dm, "vg-data", "8:99").run(*dm); });

    CHECK_THAT(text, Contains("the journal could not be brought into use"));
    CHECK(dm->picture() == before);
    CHECK(dm->mistakes().empty());
}

TEST_CASE("dmext: with a journal nothing falls back to the bare origin", "[dmext]") {
    World dm = journal_world();
    int resumes = 0;
    dm->fails_to_resume = [&](const Table &t) {
        const EsnapshotOrg org = only_target<EsnapshotOrg>(t, "");
        return org.stores.size() == 3 || (org.stores.size() == 2 && ++resumes < 2);
    };
    text_of([&] { add_newest_store(*dm, "vg-data", dm->number_of("vg-wed")).run(*dm); });
    CHECK(live_org(*dm, "vg-data").stores.size() == 2);
    CHECK(live_org(*dm, "vg-data").journal == dm->number_of("vg-jrnl"));
    CHECK(dm->suspended().empty());
}

TEST_CASE("dmext: the oldest store is dropped, after its images", "[dmext]") {
    const MakePlan drop = [](FakeDm &dm) {
        return drop_oldest_store(dm, "vg-data", {"vg-monday"});
    };
    World dm = chain_world();
    drop(*dm).run(*dm);

    CHECK(live_org(*dm, "vg-data").stores == Stores{dm->number_of("vg-tue")});
    CHECK_FALSE(dm->has("vg-monday"));
    CHECK(check_failing_calls(chain_world, drop) >= 4);
    drop_oldest_store(*dm, "vg-data").run(*dm);
    CHECK(live_org(*dm, "vg-data").stores.empty());
    CHECK_THAT(text_of([&] { drop_oldest_store(*dm, "vg-data"); }), Contains("it has none"));
}

TEST_CASE("dmext: images of other snapshots, and mounted ones, are not dropped", "[dmext]") {
    World dm = chain_world();
    create_image("vg-tuesday", "", size, {dm->number_of("vg-tue")}).run(*dm);
    create_view("vg-test", "", size,
                {dm->number_of("vg-try"), dm->number_of("vg-data"), dm->number_of("vg-mon")})
        .run(*dm);
    CHECK_THAT(text_of([&] { drop_oldest_store(*dm, "vg-data", {"vg-tuesday"}); }),
               Contains("vg-tuesday: it shows the snapshot in"));
    CHECK_THAT(text_of([&] { drop_oldest_store(*dm, "vg-data", {"vg-mon"}); }),
               Contains("not one target of type esnapshot"));

    const std::string before = dm->picture();
    dm->open("vg-monday");
    CHECK_THAT(text_of([&] {
                   drop_oldest_store(*dm, "vg-data", {"vg-test", "vg-monday"}).run(*dm);
               }),
               Contains("remove vg-monday") && Contains("taken back: remove vg-test"));
    dm->close("vg-monday");
    CHECK(dm->picture() == before);
    CHECK_NOTHROW(drop_oldest_store(*dm, "vg-data", {"vg-test", "vg-monday"}).run(*dm));
}

TEST_CASE("dmext: without snapshots the layer is taken out again", "[dmext]") {
    const MakePlan take_out = [](FakeDm &dm) { return take_out_origin(dm, "vg-data"); };
    World dm = pass_through_world();
    take_out(*dm).run(*dm);

    dm->open("vg-data");
    CHECK(dm->picture() == plain_world()->picture());
    CHECK(check_failing_calls(pass_through_world, take_out) >= 5);
}

TEST_CASE("dmext: the layer stays under a device in use or with snapshots", "[dmext]") {
    World dm = pass_through_world();
    const Plan too_late = take_out_origin(*dm, "vg-data");
    dm->open("vg-data");
    const std::string before = dm->picture();

    CHECK(take_out_origin(*dm, "vg-data").size() == 0);
    CHECK_THAT(text_of([&] { too_late.run(*dm); }), Contains("remove vg-data"));
    CHECK(dm->picture() == before);

    World chain = chain_world();
    CHECK_THAT(text_of([&] { take_out_origin(*chain, "vg-data"); }),
               Contains("it has 2 snapshots"));
    dm->add({"other", "U", make_table(size, org_of(dm->number_of("vg-mon"), {}))});
    dm->add({"other-real", "U-real", linear("8:16")});
    CHECK_THAT(text_of([&] { take_out_origin(*dm, "other"); }), Contains("it stands on"));
    CHECK_THAT(text_of([&] { take_out_origin(*dm, "vg-mon"); }), Contains("vg-mon"));
}

TEST_CASE("dmext: images are read-only, views are not", "[dmext]") {
    const MakePlan image = [](FakeDm &dm) {
        return create_image("vg-tuesday", "ESNAP-tuesday", size, {dm.number_of("vg-tue"), 3});
    };
    const MakePlan view = [](FakeDm &dm) {
        return create_view(
            "vg-test", "ESNAP-test", size,
            {dm.number_of("vg-try"), dm.number_of("vg-data"), dm.number_of("vg-mon")});
    };
    World dm = chain_world();
    image(*dm).run(*dm);
    view(*dm).run(*dm);

    const DeviceSpec i = Device(*dm, "vg-tuesday").spec();
    CHECK(i.access == Access::read_only);
    CHECK(i.uuid == "ESNAP-tuesday");
    CHECK(only_target<Esnapshot>(i.table, "") == Esnapshot{dm->number_of("vg-tue"), 3});
    CHECK(Device(*dm, "vg-test").spec().access == Access::read_write);
    CHECK_THAT(dm->picture(), Contains("vg-tuesday uuid=ESNAP-tuesday ro 0 4096 esnapshot vg-tue 3 "
                                       "users=0 visibility=1"));
    CHECK(check_failing_calls(chain_world, image) == 3);
    CHECK(check_failing_calls(chain_world, view) == 3);
}

namespace {

std::vector<DeviceSpec> stacked_chain(const FakeDm &dm) {
    return {
        {"data", "ESNAP-data",
         make_table(size, org_of(dm.number_of("vg-data"), {dm.number_of("vg-mon")}))},
        {"data-mon", "ESNAP-mon", make_table(size, Esnapshot{dm.number_of("vg-mon")}),
         Access::read_only, Visibility::unprobed},
        {"data-try", "ESNAP-try",
         make_table(size, EsnapshotView{dm.number_of("vg-try"), dm.number_of("vg-data"),
                                        dm.number_of("vg-mon")}),
         Access::read_write, Visibility::unprobed},
    };
}

World idle_world() {
    World dm = plain_world();

    dm->close("vg-data");
    return dm;
}

/* A stacked chain, a view on top of its device, and a chain on top of the view. */
World stacked_world() {
    World dm = idle_world();

    bring_up(stacked_chain(*dm)).run(*dm);
    create_view("deep", "", size,
                {dm->number_of("vg-tue"), dm->number_of("data"), dm->number_of("vg-mon")})
        .run(*dm);
    dm->add({"deeper", "", make_table(size, org_of(dm->number_of("deep"), {}))});
    return dm;
}

const std::set<std::string> stacked_names{"data", "data-mon", "data-try", "deep", "deeper"};

} // namespace

TEST_CASE("dmext: a stacked chain is brought up", "[dmext]") {
    const MakePlan up = [](FakeDm &dm) { return bring_up(stacked_chain(dm)); };
    World dm = idle_world();
    up(*dm).run(*dm);

    CHECK(live_org(*dm, "data").origin == dm->number_of("vg-data"));
    CHECK(dm->has("data-try"));
    CHECK(check_failing_calls(idle_world, up) == 9);
    CHECK(bring_up({}).size() == 0);
}

TEST_CASE("dmext: a stack is taken down, users first", "[dmext]") {
    const MakePlan down = [](FakeDm &dm) { return take_down(dm, stacked_names); };
    World dm = stacked_world();
    down(*dm).run(*dm);

    CHECK(dm->picture() == idle_world()->picture());
    CHECK(check_failing_calls(stacked_world, down) == 5);
}

TEST_CASE("dmext: devices that come back are found by those above them", "[dmext]") {
    World dm = stacked_world();
    const std::string old_number = dm->number_of("deep");
    const Plan plan = take_down(*dm, {"deep", "deeper", "data"});
    dm->open("data");

    CHECK_THROWS_AS(plan.run(*dm), PlanError);
    CHECK(dm->number_of("deep") != old_number);
    CHECK(live_org(*dm, "deeper").origin == dm->number_of("deep"));
}

TEST_CASE("dmext: what is in use is not taken down", "[dmext]") {
    World dm = stacked_world();
    const std::string before = dm->picture();

    CHECK_THAT(text_of([&] { take_down(*dm, {"data"}); }), Contains("deep stands on it"));
    CHECK_THAT(text_of([&] { take_down(*dm, {"nobody"}); }), Contains("no such device"));
    dm->open("deeper");
    CHECK_THAT(text_of([&] { take_down(*dm, stacked_names); }), Contains("deeper: it is in use"));
    dm->close("deeper");
    CHECK(take_down(*dm, {}).size() == 0);
    CHECK(dm->picture() == before);
}

TEST_CASE("dmext: a volume is never left suspended by a command that is killed", "[dmext]") {
    check_killed_calls(plain_world, insert_mon, "vg-data");
    check_killed_calls(
        chain_world,
        [](FakeDm &dm) { return add_newest_store(dm, "vg-data", dm.number_of("vg-wed")); },
        "vg-data");
    check_killed_calls(
        chain_world, [](FakeDm &dm) { return drop_oldest_store(dm, "vg-data", {"vg-monday"}); },
        "vg-data");
}

TEST_CASE("dmext: everything failing after a call is told, step by step", "[dmext]") {
    World dm = plain_world();
    const Plan plan = insert_mon(*dm);

    dm->fail_from_call(8, EIO);
    try {
        plan.run(*dm);
        FAIL("it should have failed");
    } catch (const PlanError &e) {
        CHECK(e.undone().empty());
        CHECK(e.not_undone().size() == 2);
        CHECK_THAT(e.what(), Contains("NOT taken back: load esnapshot-org into vg-data"));
    }
}
