// SPDX-License-Identifier: GPL-2.0-only
//
// Volumes as tags and reports tell them: names, the report, chains, lists, selections, and the
// plans made of them.

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dm-ext/recipes.h"
#include "error.h"
#include "lvm/report.h"
#include "lvm/segments.h"
#include "support/fake_dm.h"
#include "support/fake_lvm.h"
#include "support/texts.h"
#include "volumes/change.h"
#include "volumes/create.h"
#include "volumes/follow.h"
#include "volumes/listing.h"
#include "volumes/protect.h"
#include "volumes/remove.h"
#include "volumes/selection.h"

using namespace esnap;
using namespace esnap::test;
using Catch::Contains;
using Catch::Matchers::Message;

namespace {

constexpr dmext::Sectors sectors = 131072;

/* The recorded group, and its devices. */
struct World {
    FakeLvm lvm{recorded_report()};
    dmext::test::FakeDm dm;
    System system{lvm, dm};

    World() {
        for (const char *name :
             {"vg-data_eorig", "vg-monday_ecow", "vg-tuesday_ecow", "vg-try_ecow", "vg-other"})
            dm.add({name, std::string("LVM-") + name,
                    dmext::make_table(sectors, dmext::Linear{"8:16", 0})});
        dmext::EsnapshotOrg org{dm.number_of("vg-data_eorig"), 128};
        org.stores = {dm.number_of("vg-monday_ecow"), dm.number_of("vg-tuesday_ecow")};
        dm.add({"vg-data", "ESNAP-origin-x", dmext::make_table(sectors, org)});
        for (const std::string name : {"monday", "tuesday"})
            dm.add({"vg-" + name, "ESNAP-image-" + name,
                    dmext::make_table(sectors,
                                      dmext::Esnapshot{dm.number_of("vg-" + name + "_ecow")})});
        dm.add({"vg-try", "ESNAP-view-try",
                dmext::make_table(sectors, dmext::EsnapshotView{dm.number_of("vg-try_ecow"),
                                                                dm.number_of("vg-data_eorig"),
                                                                dm.number_of("vg-monday_ecow")})});
    }

    Vg vg() { return read_vg(lvm, "vg"); }
    Found find(const std::string &name) { return find_volume(vg(), {"vg", name}); }
};

} // namespace

TEST_CASE("names of volumes", "[cli]") {
    CHECK(parse_name("/dev/vg/data").text() == "vg/data");
    CHECK(parse_name("vg").lv.empty());
    CHECK(parse_volume("vg/data").lv == "data");
    for (const char *bad : {"", "/", "vg/", "/data", "vg/a/b", "vg/a b", "-x/y", "/dev/", "vg/.."})
        CHECK_THROWS_AS(parse_name(bad), UsageError);
    CHECK_THROWS_AS(parse_volume("vg"), UsageError);
    CHECK(dm_name("v-g", "l--v") == "v--g-l----v");
    CHECK(without_suffix("data_eorig", origin_suffix) == "data");
    CHECK(without_suffix("data", origin_suffix).empty());
    CHECK_NOTHROW(require_good_name("a+b_c.d-e"));
    for (const std::string bad : {"", "-a", "a/b", "a'b", "a_ecow", "a_eorig", "a_ejrnl", "é"})
        CHECK_THROWS_AS(require_good_name(bad), UsageError);
    CHECK_THROWS_AS(require_good_name(std::string(111, 'a')), UsageError);
}

TEST_CASE("LVM's report, recorded", "[cli]") {
    World w;
    const Vg vg = w.vg();

    CHECK(vg.extent_bytes == 4 << 20);
    CHECK(vg.free_extents == 67);
    CHECK(vg.lvs.size() == 10);
    const Lv *origin = vg.find("data_eorig");
    REQUIRE(origin);
    CHECK(origin->bytes == 64 << 20);
    CHECK(origin->is_active);
    CHECK(origin->is_skipped);
    CHECK_FALSE(origin->is_autoactivated);
    CHECK(vg.find("other")->is_autoactivated);
    CHECK(vg.find("pool_tdata")->is_internal);
    CHECK(vg.find("pool")->layout == "thin,pool");
    CHECK_FALSE(vg.find("thin")->is_open);
}

TEST_CASE("an LV is given back with the flags that its user had set", "[cli]") {
    const bool skipped = GENERATE(false, true);
    const bool automatic = GENERATE(false, true);
    Lv lv;

    lv.is_skipped = skipped;
    lv.is_autoactivated = automatic;
    const std::string protect =
        fmt::format("{}", fmt::join(protect_lv("vg/a", user_flags(lv)), " "));
    CHECK(protect == fmt::format("lvchange -y --addtag esnap.kind=origin{}{} -ky "
                                 "--setautoactivation n vg/a",
                                 skipped ? " --addtag esnap.had=skip" : "",
                                 automatic ? "" : " --addtag esnap.had=no-autoactivation"));

    // As LVM has it then.
    lv.tags = {"esnap.kind=origin"};
    if (skipped)
        lv.tags.emplace_back("esnap.had=skip");
    if (!automatic)
        lv.tags.emplace_back("esnap.had=no-autoactivation");
    lv.is_skipped = true;
    lv.is_autoactivated = false;
    const std::string release =
        fmt::format("{}", fmt::join(release_lv("vg/a", user_flags(lv)), " "));
    CHECK(release == fmt::format("lvchange -y --deltag esnap.kind=origin{}{} -k{} "
                                 "--setautoactivation {} vg/a",
                                 skipped ? " --deltag esnap.had=skip" : "",
                                 automatic ? "" : " --deltag esnap.had=no-autoactivation",
                                 skipped ? 'y' : 'n', automatic ? 'y' : 'n'));
}

TEST_CASE("a report that is none is refused", "[cli]") {
    const std::string good = recorded_report();

    CHECK_THROWS_AS(parse_vgs(""), Error);
    CHECK_THROWS_AS(parse_vgs("[1]"), Error);
    CHECK_THROWS_AS(parse_vgs("{\"report\":[{\"vg\":[{}]}]}"), Error);
    CHECK_THROWS_AS(parse_vgs(replaced(good, "\"67108864\"", "\"much\"")), Error);
    CHECK_THROWS_AS(parse_vgs(replaced(good, "\"67108864\"", "67108864")), Error);
    CHECK_THROWS_AS(parse_vgs(replaced(good, "lv_uuid", "lv_other")), Error);
    FakeLvm shared(replaced(good, "\"vg_shared\":\"0\"", "\"vg_shared\":\"1\""));
    CHECK(message_of<Error>([&] { read_vg(shared, "vg"); }) ==
          "use volume group vg: it is shared with other machines (lvmlockd) (esnap works with "
          "volume groups of one machine only)");
    for (std::size_t length = 0; length + 2 < good.size(); length += 97)
        CHECK_THROWS_AS(parse_vgs(good.substr(0, length)), Error);
}

TEST_CASE("where LVM has put a volume", "[cli]") {
    const std::string disks = R"({"report":[{"pv":[
        {"pv_name":"8:0","pe_start":"2048","vg_extent_size":"8192"},
        {"pv_name":"8:16","pe_start":"4096","vg_extent_size":"8192"}]}]})";
    const auto table = [&](const std::string &rows) {
        return table_from_reports(R"({"report":[{"lv":[)" + rows + "]}]}", disks);
    };
    const auto row = [](const char *type, const char *first, const char *count,
                        const char *ranges) {
        return fmt::format(R"({{"lv_name":"data","segtype":"{}","seg_start":"{}","seg_size":"{}",)"
                           R"("stripe_size":"128","seg_pe_ranges":"{}"}})",
                           type, first, count, ranges);
    };

    CHECK(to_string(table(row("linear", "0", "16384", "8:16:3-4"))) == "0 16384 linear 8:16 28672");
    CHECK(to_string(table(row("linear", "16384", "8192", "8:0:0-0") + "," +
                          row("linear", "0", "16384", "8:16:3-4"))) ==
          "0 16384 linear 8:16 28672\n16384 8192 linear 8:0 2048");
    CHECK(to_string(table(row("striped", "0", "16384", "8:0:1-1 8:16:0-0"))) ==
          "0 16384 striped 2 128 8:0 10240 8:16 4096");
    for (const std::string &bad :
         {row("raid1", "0", "8192", "data_rimage_0:0-0"), row("linear", "0", "8192", "8:32:0-0"),
          row("linear", "0", "8192", "8:16:x-0"), row("linear", "0", "8192", "8:16"),
          row("linear", "8192", "8192", "8:16:0-0"), row("linear", "0", "", "8:16:0-0"),
          row("raid1", "0", "8192", "8:16:0-0"), std::string("{}"), std::string("[")})
        CHECK_THROWS_AS(table(bad), std::runtime_error);
}

TEST_CASE("chains as the tags tell them", "[cli]") {
    World w;
    const std::vector<Chain> chains = find_chains(w.vg());

    REQUIRE(chains.size() == 1);
    const Chain &chain = chains[0];
    CHECK(chain.name == "data");
    CHECK(chain.is_stacked);
    REQUIRE(chain.snapshots.size() == 2);
    CHECK(chain.snapshots[0].name == "monday");
    CHECK(chain.snapshots[1].serial == 2);
    REQUIRE(chain.views.size() == 1);
    CHECK(chain.views_of(chain.snapshots[0]).size() == 1);
    CHECK(chain.views_of(chain.snapshots[1]).empty());
    CHECK(find_orphans(w.vg()).empty());
    CHECK(is_name_taken(w.vg(), "data"));
    CHECK(is_name_taken(w.vg(), "monday"));
    CHECK_FALSE(is_name_taken(w.vg(), "wednesday"));
}

TEST_CASE("tags that are lost or wrong are named", "[cli]") {
    const std::string good = recorded_report();
    const auto chains_of = [](const std::string &report) {
        FakeLvm lvm(report);
        return find_chains(read_vg(lvm, "vg"));
    };

    CHECK(message_of<Error>([&] { chains_of(replaced(good, "esnap.serial=2", "other")); }) ==
          "read the tags of vg/tuesday_ecow: the tag esnap.serial=... is missing (esnap dump shows "
          "what is in the store; put the tag back with lvchange --addtag)");
    CHECK_THROWS_AS(chains_of(replaced(good, "esnap.serial=2", "esnap.serial=x")), Error);
    CHECK_THROWS_AS(chains_of(replaced(good, "esnap.serial=2", "esnap.serial=0")), Error);
    CHECK_THROWS_AS(chains_of(replaced(good, "esnap.chain=", "esnap.pain=")), Error);
    CHECK_THROWS_AS(chains_of(replaced(good, "esnap.of=", "esnap.off=")), Error);
    CHECK_THROWS_AS(chains_of(replaced(good, "\"tuesday_ecow\"", "\"tuesday\"")), Error);
    FakeLvm untagged(replaced(good, "esnap.kind=origin", "mine"));
    CHECK(find_orphans(read_vg(untagged, "vg")).size() == 3);
}

TEST_CASE("what a name stands for", "[cli]") {
    World w;
    const auto why_not = [&](const char *name) { return message_of<Error>([&] { w.find(name); }); };

    CHECK_FALSE(w.find("data").volume);
    CHECK(w.find("try").volume->kind == Volume::Kind::view);
    CHECK_THAT(why_not("other"), Contains("LVM alone manages it"));
    CHECK_THAT(why_not("monday_ecow"), Contains("it is an LV beneath a volume of esnap"));
    CHECK_THAT(why_not("nothing"), Contains("there is no such volume"));
}

TEST_CASE("volumes as a list", "[cli]") {
    World w;
    const std::vector<Row> rows = list_volumes(w.system, w.vg(), true);

    REQUIRE(rows.size() == 8);
    CHECK(rows[0].name == "data");
    CHECK(rows[0].state == "ok");
    CHECK(rows[1].name == "[data_eorig]");
    CHECK(rows[2].name == "monday");
    CHECK(rows[2].bytes == 64 << 20);
    CHECK(rows[2].room == 16 << 20);
    CHECK(rows[6].origin == "monday");
    CHECK(size_text(1536 << 20, {}) == "1.50g");
    CHECK(size_text(1536 << 20, {'m', false}) == "1536.00");
    CHECK(size_text(1024, {'s', true}) == "2S");
    CHECK(size_text(1000, {'b', true}) == "1000B");
    CHECK(size_text(0, {}) == "0B");
}

TEST_CASE("fields and selections", "[cli]") {
    World w;
    const std::vector<Row> rows = list_volumes(w.system, w.vg(), false);
    const auto selected = [&](const std::string &text) {
        const Selection selection(text);
        std::string names;
        for (const Row &row : rows)
            if (selection.selects(row))
                names += row.name + " ";
        return names;
    };

    CHECK(choose_fields("").size() == 8);
    CHECK(choose_fields("+kind").size() == 9);
    CHECK(choose_fields("name,size").size() == 2);
    CHECK_THROWS_AS(choose_fields("name,"), UsageError);
    CHECK_THROWS_AS(choose_fields("colour"), UsageError);
    CHECK(selected("") == "data monday tuesday try ");
    CHECK(selected("kind=snapshot") == "monday tuesday ");
    CHECK(selected("kind=snapshot && serial>1") == "tuesday ");
    CHECK(selected("serial>=1,kind!=snapshot") == "try ");
    CHECK(selected("name=data || name=~^t") == "data tuesday try ");
    CHECK(selected("lv_size>16m") == "data ");
    CHECK(selected("lv_size<16") == "try ");
    CHECK(selected("name!~d") == "try ");
    for (const char *bad : {"name", "(kind=view)", "colour=red", "name=~(", "serial=x", "size>y",
                            "data_percent>200", "&&", "name=a||"})
        CHECK_THROWS_AS(Selection(bad), UsageError);
}

TEST_CASE("plans for snapshots and views", "[cli]") {
    World w;
    const NewVolume wanted{"wednesday", {"-L", "8388608b"}};
    using Lines = std::vector<std::string>;

    CHECK(create_snapshot(w.system, w.vg(), "data", wanted).listing() ==
          Lines{"1. create the store of vg/wednesday", "2. format /dev/mapper/vg-wednesday_ecow",
                "3. wait until tuesday has room",
                "4. load a table into vg-data: with /dev/mapper/vg-wednesday_ecow",
                "5. freeze vg-data and switch to the new table (cannot be taken back)",
                "6. create vg-wednesday (esnapshot)",
                "7. mark as complete vg/wednesday (cannot be taken back)"});
    w.dm.open("vg-other");
    CHECK(create_snapshot(w.system, w.vg(), "other", wanted).size() == 10);
    w.dm.close("vg-other");
    CHECK(create_snapshot(w.system, w.vg(), "other", wanted).listing()[1] ==
          "2. protect from activation without snapshots vg/other");
    CHECK(create_view(w.system, w.vg(), w.find("monday"), wanted).size() == 4);
    CHECK(w.lvm.commands().empty());
}

TEST_CASE("what cannot become a snapshot or view", "[cli]") {
    World w;
    const auto snapshot = [&](const std::string &origin, NewVolume wanted) {
        return message_of<std::runtime_error>(
            [&] { create_snapshot(w.system, w.vg(), origin, wanted); });
    };
    const NewVolume good{"wednesday", {"-L", "8m"}};

    CHECK_THAT(snapshot("monday", good), Contains("it is a snapshot of data"));
    CHECK_THAT(snapshot("try", good), Contains("it is a view of a snapshot of data"));
    CHECK_THAT(snapshot("data_eorig", good), Contains("the LV beneath vg/data"));
    CHECK_THAT(snapshot("pool", good), Contains("a part of another volume"));
    CHECK_THAT(snapshot("pool_tmeta", good), Contains("a part of another volume"));
    CHECK_THAT(snapshot("data", {"try", {}}), Contains("of this name already"));
    CHECK_THAT(snapshot("data", {"wednesday", {}, 4096}), Contains("one chain has one chunk size"));
    CHECK_THAT(snapshot("other", {"wednesday", {}, 5000}), Contains("a power of two"));
    CHECK_THAT(message_of<Error>([&] { create_view(w.system, w.vg(), w.find("data"), good); }),
               Contains("it is an origin"));
    CHECK_THAT(message_of<Error>([&] { create_view(w.system, w.vg(), w.find("try"), good); }),
               Contains("it is a view itself"));
}

TEST_CASE("a store that LVM does not give", "[cli]") {
    World w;
    const dmext::Plan plan =
        create_snapshot(w.system, w.vg(), "data", {"wednesday", {"-l", "9999"}});

    w.lvm.fail_command(1, "insufficient free space");
    CHECK_THAT(message_of<dmext::Error>([&] { plan.run(w.dm); }),
               Contains("insufficient free space"));
    CHECK(w.lvm.commands().size() == 1);
    CHECK_THAT(w.lvm.commands()[0], Contains("--addtag esnap.pending"));
    CHECK_FALSE(w.dm.has("vg-wednesday"));
}

TEST_CASE("what can be removed, and what not", "[cli]") {
    World w;
    const auto why_not = [&](const char *name) {
        return message_of<Error>([&] { remove_volume(w.system, w.find(name)); });
    };

    CHECK_THAT(why_not("data"), Contains("the origin of 2 snapshots"));
    CHECK_THAT(why_not("monday"), Contains("it has views: try"));
    CHECK_THAT(why_not("tuesday"), Contains("monday is the oldest"));
    w.dm.open("vg-try");
    CHECK_THAT(why_not("try"), Contains("it is in use"));
    w.dm.close("vg-try");
    remove_volume(w.system, w.find("try")).run(w.dm);
    CHECK_FALSE(w.dm.has("vg-try"));
    CHECK(w.lvm.commands() ==
          std::vector<std::string>{"lvchange --addtag esnap.removing vg/try_ecow",
                                   "lvremove -y -f vg/try_ecow"});
}

TEST_CASE("a scan that has a volume open for a moment does not keep it from being removed",
          "[cli]") {
    World w;
    int pauses = 0;

    w.dm.open("vg-try");
    w.dm.while_pausing = [&] {
        if (++pauses == 3)
            w.dm.close("vg-try");
    };
    remove_volume(w.system, w.find("try")).run(w.dm);
    CHECK_FALSE(w.dm.has("vg-try"));
    CHECK(pauses == 3);
}

TEST_CASE("growing and renaming", "[cli]") {
    World w;

    extend_volume(w.system, w.find("monday"), {"-L", "+1m"}).run(w.dm);
    rename_volume(w.system, w.vg(), w.find("try"), "test").run(w.dm);
    CHECK(w.dm.has("vg-test"));
    CHECK(w.dm.suspended().empty());
    CHECK(w.lvm.commands() == std::vector<std::string>{"lvextend -y -A n -L +1m vg/monday_ecow",
                                                       "vgcfgbackup vg",
                                                       "lvrename vg try_ecow test_ecow"});
    CHECK_THROWS_AS(rename_volume(w.system, w.vg(), w.find("data"), "monday"), Error);
    CHECK_THROWS_AS(rename_volume(w.system, w.vg(), w.find("data"), "a b"), UsageError);
}

TEST_CASE("devices of volumes that LVM has renamed", "[cli]") {
    FakeLvm lvm{recorded_report()};
    dmext::test::FakeDm dm;
    System system{lvm, dm};
    const dmext::Table table = dmext::make_table(sectors, dmext::Linear{"8:16", 0});
    const auto exists = [&](const char *name) { return dmext::Device(dm, name).info().exists; };
    std::vector<Chain> chains = find_chains(read_vg(lvm, "vg"));
    REQUIRE(chains.size() == 1);
    Chain &chain = chains.front();

    SECTION("of a stacked chain") {
        dm.add({"old-data", chain.device_uuid(), table});
        dm.add({"old-monday", chain.snapshots.front().device_uuid(), table});
        dm.add({"vg-tuesday", chain.snapshots.back().device_uuid(), table});
        follow_names(system, chains);
        CHECK((exists("vg-data") && exists("vg-monday") && exists("vg-tuesday")));
        CHECK_FALSE((exists("old-data") || exists("old-monday")));
    }
    SECTION("of a volume that was taken over in use") {
        const std::string &uuid = chain.origin.device_uuid;
        CHECK(uuid == "LVM-q3Zk8PYd2L4mRtw9Xs7bNcf5JhT6aQe0H0vK7b1c85zA97ZXrdo5B4xbLaDWnGI1");
        chain.is_stacked = false;
        dm.add({"old-data", uuid, table});
        dm.add({"old-data-real", uuid + "-real", table});
        follow_names(system, chains);
        CHECK((exists("vg-data") && exists("vg-data-real")));
    }
    SECTION("not of a group that this one is a copy of") {
        std::string other = chain.origin.device_uuid;
        other.replace(4, 32, "0AbCdEf123456789012345678901234a");
        dm.add({"prod-data_eorig", other, table});
        dm.add({"prod-data", chain.device_uuid(),
                dmext::make_table(sectors,
                                  dmext::EsnapshotOrg{dm.number_of("prod-data_eorig"), 128})});
        CHECK_THAT(message_of<Error>([&] { follow_names(system, chains); }),
                   Contains("prod-data has its uuid") && Contains("a copy of the other"));
        CHECK(exists("prod-data"));
    }
    SECTION("an origin whose LV has lost its ending") {
        dm.add({"vg-data", chain.device_uuid(), table});
        chain.is_stacked = false;
        chain.name = "data_eorigx";
        CHECK_THAT(message_of<Error>([&] { follow_names(system, chains); }),
                   Contains("while vg-data stands on it") &&
                       Contains("lvrename vg data_eorigx NAME_eorig"));
        CHECK(exists("vg-data"));
    }
}
