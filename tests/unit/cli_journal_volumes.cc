// SPDX-License-Identifier: GPL-2.0-only
//
// Journals as tags tell them, their plans, and what the commands do about them. What reads
// superblocks is in the VM test: device nodes cannot be faked.

#include <algorithm>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "dm-ext/recipes.h"
#include "error.h"
#include "support/fake_dm.h"
#include "support/fake_lvm.h"
#include "support/texts.h"
#include "volumes/journal.h"
#include "volumes/listing.h"
#include "volumes/live.h"
#include "volumes/remove.h"

using namespace esnap;
using namespace esnap::test;
using Catch::Contains;
using Lines = std::vector<std::string>;

namespace {

constexpr dmext::Sectors sectors = 131072;
constexpr const char *origin_uuid = "H0vK7b-1c85-zA97-ZXrd-o5B4-xbLa-DWnGI1";
constexpr const char *chain_uuid = "8f058d3b-5945-4954-be96-804291a05d38";
constexpr const char *journal_uuid = "11111111-2222-3333-4444-555555555555";

std::string journal_lv(const std::string &name, const std::string &more = "") {
    return fmt::format(
        R"({{"vg_name":"vg","lv_name":"{}","lv_uuid":"J{}","lv_size":"16777216",)"
        R"("lv_layout":"linear","lv_tags":"esnap.kind=journal,esnap.origin={},esnap.chain={},)"
        R"(esnap.journal={}{}","lv_active_locally":"1","lv_device_open":"1",)"
        R"("lv_skip_activation":"1","lv_autoactivation":"0","lv_time":"2026-11-21 15:45:25 +0000"}})",
        name, name, origin_uuid, chain_uuid, journal_uuid, more);
}

/* The recorded group with these LVs besides. */
std::string report_with(const Lines &lvs) {
    std::string report = recorded_report();
    const std::size_t at = report.find('{', report.find("\"lv\""));
    std::string all;

    for (const std::string &lv : lvs)
        all += lv + ",";
    return report.insert(at, all);
}

/* The recorded group, and the devices of its origin and snapshots. */
struct World {
    FakeLvm lvm;
    dmext::test::FakeDm dm;
    System system{lvm, dm};

    explicit World(const Lines &lvs = {}, bool in_table = false) : lvm(report_with(lvs)) {
        for (const char *name :
             {"vg-data_eorig", "vg-monday_ecow", "vg-tuesday_ecow", "vg-data_ejrnl"})
            dm.add({name, std::string("LVM-") + name,
                    dmext::make_table(sectors, dmext::Linear{"8:16", 0})});
        dmext::EsnapshotOrg org{dm.number_of("vg-data_eorig"), 128};
        org.stores = {dm.number_of("vg-monday_ecow"), dm.number_of("vg-tuesday_ecow")};
        if (in_table)
            org.journal = dm.number_of("vg-data_ejrnl");
        dm.add({"vg-data", "ESNAP-origin-x", dmext::make_table(sectors, org)});
    }

    Vg vg() { return read_vg(lvm, "vg"); }
    Found find(const std::string &name) { return find_volume(vg(), {"vg", name}); }
    Chain chain() { return find_chains(vg()).at(0); }
};

} // namespace

TEST_CASE("a journal as its tags tell it", "[cli][journal]") {
    World w({journal_lv("data_ejrnl")});
    const Chain chain = w.chain();

    REQUIRE(chain.journal);
    CHECK(chain.journal->lv.name == "data_ejrnl");
    CHECK(chain.journal->journal_uuid == journal_uuid);
    CHECK(chain.journal->chain_uuid == chain_uuid);
    CHECK(chain.journal->node() == "/dev/mapper/vg-data_ejrnl");
    CHECK_FALSE(chain.journal->is_pending());
    CHECK(chain.snapshots.size() == 2);
    CHECK(find_orphans(w.vg()).empty());
    CHECK_FALSE(World().chain().journal);

    World two({journal_lv("data_ejrnl"), journal_lv("fast_ejrnl")});
    CHECK_THAT(message_of<Error>([&] { two.chain(); }), Contains("data has journal"));
    World lost({replaced(journal_lv("data_ejrnl"), "esnap.journal=", "esnap.j=")});
    CHECK_THAT(message_of<Error>([&] { lost.chain(); }), Contains("the tag esnap.journal="));
    World orphan({replaced(journal_lv("data_ejrnl"), origin_uuid, "other")});
    CHECK(find_orphans(orphan.vg()).size() == 1);
}

TEST_CASE("what names a journal", "[cli][journal]") {
    World w({journal_lv("fast_ejrnl")});

    CHECK(find_journal(w.vg(), {"vg", "fast_ejrnl"}));
    CHECK(find_journal(w.vg(), {"vg", "fast"}));
    CHECK_FALSE(find_journal(w.vg(), {"vg", "data"}));
    CHECK_FALSE(find_journal(w.vg(), {"vg", "monday"}));
    CHECK(is_name_taken(w.vg(), "fast"));
    World usual({journal_lv("data_ejrnl")});
    CHECK(find_journal(usual.vg(), {"vg", "data_ejrnl"}));
    CHECK_FALSE(find_journal(usual.vg(), {"vg", "data"})); // is the origin
}

TEST_CASE("the plan for a journal", "[cli][journal]") {
    World w;
    const dmext::Plan plan =
        create_journal(w.system, w.vg(), w.find("data"), {"", {"-L", "16777216b"}});

    CHECK(plan.listing() == Lines{"1. create vg/data_ejrnl", "2. format /dev/mapper/vg-data_ejrnl",
                                  "3. load a table into vg-data: with /dev/mapper/vg-data_ejrnl",
                                  "4. switch vg-data to the new table (cannot be taken back)",
                                  "5. mark as complete vg/data_ejrnl (cannot be taken back)"});
    CHECK(w.lvm.commands().empty());
    CHECK(create_journal(w.system, w.vg(), w.find("data"), {"fast", {}}).listing()[0] ==
          "1. create vg/fast_ejrnl");

    // There is no such node here: formatting fails, and the LV goes.
    CHECK_THROWS_AS(plan.run(w.dm), dmext::Error);
    REQUIRE(w.lvm.commands().size() == 2);
    CHECK(w.lvm.commands()[0].starts_with(
        "lvcreate -y -Wn -Zn -ay -K -ky --setautoactivation n --addtag esnap.kind=journal --addtag "
        "esnap.pending --addtag esnap.origin="));
    CHECK_THAT(w.lvm.commands()[0], Contains(std::string("esnap.chain=") + chain_uuid) &&
                                        Contains("--addtag esnap.journal=") &&
                                        Contains("-L 16777216b -n data_ejrnl vg"));
    CHECK(w.lvm.commands()[1] == "lvremove -y -f vg/data_ejrnl");
    CHECK(dmext::only_target<dmext::EsnapshotOrg>(w.dm.live_table("vg-data"), "").journal.empty());
}

TEST_CASE("where no journal can be made", "[cli][journal]") {
    World w;
    const auto why_not = [&](World &world, const char *of, const char *name) {
        return message_of<std::runtime_error>([&] {
            create_journal(world.system, world.vg(), world.find(of), {name, {"-L", "16m"}});
        });
    };

    CHECK_THAT(why_not(w, "monday", ""), Contains("it is no origin"));
    CHECK_THAT(why_not(w, "other", ""), Contains("it has no snapshots"));
    CHECK_THAT(why_not(w, "data", "monday"), Contains("there is a volume monday already"));
    CHECK_THAT(why_not(w, "data", "a b"), Contains("cannot be a name"));
    World has({journal_lv("data_ejrnl")});
    CHECK_THAT(why_not(has, "data", ""), Contains("it has vg/data_ejrnl"));
    World resting;
    dmext::Device(resting.dm, "vg-data").remove();
    CHECK_THAT(why_not(resting, "data", ""), Contains("esnap vgchange -ay vg"));
}

TEST_CASE("the plan for a journal's removal", "[cli][journal]") {
    World w({journal_lv("data_ejrnl")}, true);

    CHECK(remove_journal(w.system, w.chain()).listing() ==
          Lines{"1. mark as being removed vg/data_ejrnl",
                "2. load a table into vg-data: without its journal",
                "3. bring to its place what the journal of vg-data holds",
                "4. freeze vg-data and switch to the new table (cannot be taken back)",
                "5. see that the journal of vg/data is empty",
                "6. remove vg/data_ejrnl (cannot be taken back)"});
    // The newest store cannot be read here, so nobody knows: the LV must stay.
    CHECK_THROWS_AS(remove_journal(w.system, w.chain()).run(w.dm), dmext::Error);
    for (const std::string &command : w.lvm.commands())
        CHECK_THAT(command, !Contains("lvremove"));

    World out({journal_lv("data_ejrnl", ",esnap.removing")});
    CHECK(remove_journal(out.system, out.chain()).listing()[0] ==
          "1. see that the journal of vg/data is empty");
    World none;
    CHECK_THROWS_AS(remove_journal(none.system, none.chain()), Error);
}

TEST_CASE("the last snapshot stays while there is a journal", "[cli][journal]") {
    World w({journal_lv("data_ejrnl")}, true);
    Found last = w.find("tuesday");
    last.chain.snapshots.erase(last.chain.snapshots.begin());

    CHECK_THAT(message_of<Error>([&] { remove_volume(w.system, last); }),
               Contains("it is the last snapshot of data, whose write journal needs one") &&
                   Contains("esnap lvremove vg/data_ejrnl"));
    Chain bare = w.chain();
    bare.snapshots.clear();
    bare.views.clear();
    CHECK(dissolve(w.system, bare).size() == 0); // the origin is not given back beneath a journal
}

TEST_CASE("what a killed command left of a journal", "[cli][journal]") {
    std::string told;
    const Tell tell = [&](News, const std::string &text) { told += text; };
    const auto settled = [&](World &w) {
        const Chain chain = w.chain();
        told.clear();
        return settle_journal(w.system, chain, require_live_org(w.system, "test", chain), tell);
    };

    World taken({journal_lv("data_ejrnl", ",esnap.pending")}, true);
    CHECK(settled(taken));
    CHECK(taken.lvm.commands() == Lines{"lvchange --deltag esnap.pending vg/data_ejrnl"});
    CHECK(told == "vg/data_ejrnl: completed");

    World not_taken({journal_lv("data_ejrnl", ",esnap.pending")});
    CHECK(settled(not_taken));
    CHECK(not_taken.lvm.commands() == Lines{"lvremove -y -f vg/data_ejrnl"});

    World whole({journal_lv("data_ejrnl")}, true);
    CHECK_FALSE(settled(whole));
    World none;
    CHECK_FALSE(settled(none));

    World half_gone({journal_lv("data_ejrnl", ",esnap.removing")}, true);
    CHECK_THROWS(settled(half_gone)); // the store cannot be read here
    CHECK_THAT(told, Contains("its removal had begun and goes on"));
    const auto org =
        dmext::only_target<dmext::EsnapshotOrg>(half_gone.dm.live_table("vg-data"), "");
    CHECK(org.journal.empty());
    CHECK(half_gone.lvm.commands().empty());
}

TEST_CASE("a journal in lists", "[cli][journal]") {
    World w({journal_lv("data_ejrnl")}, true);
    const auto row_of = [&] {
        const std::vector<Row> rows = list_volumes(w.system, w.vg(), true);
        const auto row = std::ranges::find(rows, "journal", &Row::kind);
        REQUIRE(row != rows.end());
        return *row;
    };
    const Row row = row_of();

    CHECK(row.name == "[data_ejrnl]");
    CHECK(row.attr == "jwi-ao----");
    CHECK(row.origin == "data");
    CHECK(row.state == "ok");
    CHECK(row.data_percent == "0.39"); // 8 of 2048 sectors
    CHECK(row.kept_percent == "0.78");
    CHECK(row.kept_since == "2023-11-14T22:13:20Z");
    CHECK(std::ranges::none_of(list_volumes(w.system, w.vg(), false),
                               [](const Row &one) { return one.kind == "journal"; }));
    w.dm.journal_state = "failed";
    CHECK(row_of().state == "failed");
    CHECK(row_of().attr == "jwi-Io----");
    CHECK(row_of().kept_since.empty());
}
