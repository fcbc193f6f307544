// SPDX-License-Identifier: GPL-2.0-only
//
// Watching and extending by policy, on the recorded group: which volumes, by which settings.

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "dm-ext/recipes.h"
#include "error.h"
#include "lvm/lvm_conf.h"
#include "lvm/lvm_program.h"
#include "policy/error.h"
#include "support/fake_dm.h"
#include "support/fake_lvm.h"
#include "support/fake_monitor.h"
#include "support/store_image.h"
#include "support/texts.h"
#include "volumes/autoextend.h"
#include "volumes/create.h"
#include "volumes/listing.h"
#include "volumes/live.h"
#include "volumes/remove.h"
#include "volumes/watching.h"

using namespace esnap;
using namespace esnap::test;
using Catch::Contains;

namespace {

constexpr dmext::Sectors sectors = 131072;

/* tuesday's LV with another tag. */
std::string with_tag(const std::string &tag) {
    return replaced(recorded_report(), "esnap.serial=2", "esnap.serial=2," + tag);
}

/* The recorded group, live and watched by nobody. */
struct World {
    FakeLvm lvm;
    dmext::test::FakeDm dm;
    FakeMonitor monitor;
    System system{lvm, dm, &monitor, {}};

    explicit World(const std::string &report = recorded_report()) : lvm(report) {
        for (const char *name :
             {"vg-data_eorig", "vg-monday_ecow", "vg-tuesday_ecow", "vg-try_ecow"})
            dm.add({name, std::string("LVM-") + name,
                    dmext::make_table(sectors, dmext::Linear{"8:16", 0})});
        dmext::EsnapshotOrg org{dm.number_of("vg-data_eorig"), 128};
        org.stores = {dm.number_of("vg-monday_ecow"), dm.number_of("vg-tuesday_ecow")};
        dm.add({"vg-data", "ESNAP-origin-x", dmext::make_table(sectors, org)});
        for (const char *name : {"monday", "tuesday"})
            dm.add({std::string("vg-") + name, uuid(name),
                    dmext::make_table(sectors, dmext::Esnapshot{dm.number_of(std::string("vg-") +
                                                                             name + "_ecow")})});
        dm.add({"vg-try", uuid("try"),
                dmext::make_table(sectors, dmext::EsnapshotView{dm.number_of("vg-try_ecow"),
                                                                dm.number_of("vg-data_eorig"),
                                                                dm.number_of("vg-monday_ecow")})});
    }

    Vg vg() { return read_vg(lvm, "vg"); }
    Found find(const std::string &name) { return find_volume(vg(), {"vg", name}); }
    std::string uuid(const std::string &name) { return find(name).volume->device_uuid(); }
    void sync() {
        sync_watching(system, vg(), [&](const std::string &text) { told.push_back(text); });
    }
    void area(const std::string &name, const std::string &status) {
        dm.status_of_area[std::string("vg-") + name] = status;
    }

    std::vector<std::string> told;
};

std::string listing_of(const dmext::Plan &plan) {
    std::string text;
    for (const std::string &line : plan.listing())
        text += line + "\n";
    return text;
}

} // namespace

TEST_CASE("the newest snapshot and every view are watched", "[cli]") {
    World w;

    w.sync();
    CHECK(w.monitor.watched == std::set{w.uuid("tuesday"), w.uuid("try")});
    /* What was the newest before is let go. */
    w.monitor.watched = {w.uuid("monday")};
    w.sync();
    CHECK(w.monitor.watched == std::set{w.uuid("tuesday"), w.uuid("try")});
    CHECK(w.told.empty());
}

TEST_CASE("settings say what is watched, the volume's first", "[cli]") {
    World none(with_tag("esnap.monitor=n"));
    none.monitor.watched = {none.uuid("tuesday")};
    none.sync();
    CHECK(none.monitor.watched == std::set{none.uuid("try")});

    World one(with_tag("esnap.monitor=y"));
    one.system.conf.monitoring = false;
    one.sync();
    CHECK(one.monitor.watched == std::set{one.uuid("tuesday")});
}

TEST_CASE("that nobody can watch is told and harms nothing", "[cli]") {
    World w;
    w.monitor.reason = "dmeventd is not installed";

    w.sync();
    CHECK(w.told == std::vector<std::string>{"WARNING: watch vg/tuesday: dmeventd is not installed",
                                             "WARNING: watch vg/try: dmeventd is not installed"});
    dmext::Plan plan("x", "y");
    plan.add(watch_step(w.system, {"vg", "new"}, "uuid"));
    plan.run(w.dm);
    REQUIRE(w.dm.reports().size() == 1);
    CHECK_THAT(w.dm.reports()[0],
               Contains("WARNING: vg/new is not watched and will not grow by itself"));
}

TEST_CASE("plans move the watching along", "[cli]") {
    World w;

    std::string next = listing_of(create_snapshot(
        w.system, w.vg(), "data", {.name = "new", .size = {"-L", "8m"}, .chunk_bytes = {}}));
    CHECK_THAT(next, Contains("watch how full vg/new is") && Contains("stop watching vg/tuesday"));
    CHECK_THAT(listing_of(remove_volume(w.system, w.find("try"))),
               Contains("stop watching vg/try"));
    w.system.conf.monitoring = false;
    next = listing_of(create_snapshot(w.system, w.vg(), "data",
                                      {.name = "new", .size = {"-L", "8m"}, .chunk_bytes = {}}));
    CHECK_THAT(next, !Contains("watch how full"));
    w.system.monitor = nullptr;
    CHECK_THAT(listing_of(remove_volume(w.system, w.find("try"))), !Contains("watching"));
}

TEST_CASE("a snapshot of an origin whose writes wait is taken when there is room", "[cli]") {
    World w;
    w.system.conf.monitoring = false;
    const dmext::Plan plan = create_snapshot(
        w.system, w.vg(), "data", {.name = "new", .size = {"-L", "8m"}, .chunk_bytes = {}});

    const std::string listing = listing_of(plan);
    CHECK(listing.find("wait until tuesday has room") <
          listing.find("with /dev/mapper/vg-new_ecow"));
    CHECK_THAT(listing, Contains("with /dev/mapper/vg-new_ecow"));
    w.dm.state_of = [](const dmext::Table &) { return "full"; };
    CHECK(has_waiting_writes(w.system, w.find("data").chain));
    w.dm.state_of = {};
    CHECK_FALSE(has_waiting_writes(w.system, w.find("data").chain));
}

TEST_CASE("a view that stays because something failed is watched on", "[cli]") {
    World w;
    w.monitor.watched = {w.uuid("try")};
    w.lvm.fail_command(2, "planted");

    const dmext::Plan plan = remove_volume(w.system, w.find("try"));
    CHECK_THROWS(plan.run(w.dm));
    CHECK(w.monitor.watched == std::set{w.uuid("try")});
}

TEST_CASE("LVM is asked only for what its configuration may say", "[cli]") {
    const TempDir dir;
    const auto mentions = [&] { return lvm_conf_mentions(dir.path(""), "autoextend"); };
    const auto write = [&](const char *file, const char *text) {
        std::ofstream(dir.path(file)) << text;
    };

    CHECK_FALSE(lvm_conf_mentions(dir.path("none"), "autoextend"));
    CHECK_FALSE(mentions());
    write("lvm.conf", "activation {\n\t# autoextend = 5\n\tother = 1 # not autoextend\n}\n");
    write("notes.txt", "autoextend = 5\n");
    CHECK_FALSE(mentions());
    write("lvmlocal.conf", "activation/autoextend = 5");
    CHECK(mentions());
    std::filesystem::remove(dir.path("lvmlocal.conf"));
    std::filesystem::create_directory(dir.path("strange.conf"));
    CHECK(mentions()); // cannot be read
}

TEST_CASE("the settings of a volume", "[cli]") {
    World w;
    policy::Policy p = policy_of(w.system, *w.find("tuesday").volume);
    CHECK(p == policy::Policy{});
    CHECK(w.lvm.commands().size() == 1); // lvmconfig
    w.system.conf.wish = {.threshold = 60, .percent = {}, .extents = 3};
    p = policy_of(w.system, *w.find("tuesday").volume);
    CHECK(p.threshold == 60);
    CHECK(p.extents == 3);
    CHECK(w.lvm.commands().size() == 1); // nothing was left open
    w.system.conf.wish = {};
    w.lvm.is_configured = false;
    CHECK(policy_of(w.system, *w.find("tuesday").volume) == policy::Policy{});
    CHECK(w.lvm.commands().size() == 1); // nothing to ask for

    World tagged(with_tag("esnap.percent=50,esnap.threshold=90"));
    p = policy_of(tagged.system, *tagged.find("tuesday").volume);
    CHECK(p.threshold == 90);
    CHECK(p.percent == 50);
    World bad(with_tag("esnap.threshold=x"));
    CHECK(message_of<policy::SettingError>(
              [&] { policy_of(bad.system, *bad.find("tuesday").volume); }) ==
          "read the tags of vg/tuesday: 'x' is no threshold in percent (want a whole number, 50 to "
          "100)");
}

TEST_CASE("extension by policy", "[cli]") {
    World w;
    AutoExtension e;

    w.area("tuesday", "20000/32768 100 ok 70");
    e = decide_extension(w.system, w.vg(), w.find("tuesday"));
    CHECK_FALSE(e.is_extension());
    CHECK(e.summary ==
          "vg/tuesday is 61.0 % full, below the threshold of 70 % (default): nothing to do");
    w.area("tuesday", "23000/32768 100 low 70");
    e = decide_extension(w.system, w.vg(), w.find("tuesday"));
    CHECK(e.decision.extents == 1); // 20 % of 16 MiB are less than an extent of 4 MiB
    /* In flight is more than what is used: the kernel says low early. */
    w.area("tuesday", "8000/32768 100 low 70");
    CHECK(decide_extension(w.system, w.vg(), w.find("tuesday")).decision.extents == 1);
    w.area("tuesday", "8000/32768 100 low 60"); // by another mark than the policy's
    CHECK_FALSE(decide_extension(w.system, w.vg(), w.find("tuesday")).is_extension());
    w.area("tuesday", "32000/32768 100 full 70");
    CHECK(decide_extension(w.system, w.vg(), w.find("tuesday")).decision.extents == 4);
}

TEST_CASE("what policy cannot extend", "[cli]") {
    World w;

    CHECK_THAT(message_of<Error>([&] { decide_extension(w.system, w.vg(), w.find("data")); }),
               Contains("it is an origin"));
    CHECK_THAT(decide_extension(w.system, w.vg(), w.find("monday")).summary,
               Contains("not the newest snapshot"));
    w.area("tuesday", "32768/32768 100 invalid 70");
    CHECK_THAT(message_of<Error>([&] { decide_extension(w.system, w.vg(), w.find("tuesday")); }),
               Contains("it is invalid"));
    w.dm.run({.op = dmext::Op::remove, .name = "vg-tuesday"});
    CHECK_THAT(message_of<Error>([&] { decide_extension(w.system, w.vg(), w.find("tuesday")); }),
               Contains("it is not active") && Contains("vgchange -ay vg"));
}

TEST_CASE("lists show watching and policy", "[cli]") {
    World w(with_tag("esnap.threshold=80"));
    w.sync();
    w.monitor.watched.erase(w.uuid("try"));
    std::vector<Row> rows = list_volumes(w.system, w.vg(), false);
    add_policies(w.system, w.vg(), rows);

    const auto row = [&](const std::string &name) {
        return *std::ranges::find(rows, name, &Row::name);
    };
    CHECK(row("tuesday").monitor == "monitored");
    CHECK(row("tuesday").threshold == "80");
    CHECK(row("tuesday").percent == "20");
    CHECK(row("tuesday").extents.empty());
    CHECK(row("try").monitor == "not monitored");
    CHECK(row("monday").monitor.empty());
    CHECK(row("data").threshold.empty());
}

TEST_CASE("what a full area does is the configuration's choice", "[cli]") {
    dmext::EsnapshotOrg org;
    set_full_policy(org, {});
    CHECK(org.on_full == dmext::OnFull::invalidate);
    CHECK(org.queue_timeout_seconds == dmext::default_queue_timeout_seconds);
    policy::Conf conf;
    conf.on_full_error = true;
    conf.queue_timeout = 0;
    set_full_policy(org, conf);
    CHECK(org.on_full == dmext::OnFull::error);
    CHECK(org.queue_timeout_seconds == 0);
}

TEST_CASE("LVM as a program: words, both streams, success", "[cli]") {
    const TempDir dir;
    const std::string path = dir.path("lvm");
    std::ofstream(path) << "#!/bin/sh\nfor word; do echo \"<$word>\"; done\n"
                           "echo '  WARNING: one' >&2; echo '  two' >&2; [ $1 = good ]\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);

    LvmReply reply = LvmProgram(path).run({"good", "a b", "", "'\""});
    CHECK(reply.done);
    CHECK(reply.output ==
          "<good>\n<--config>\n<devices/ignore_suspended_devices=1>\n<a b>\n<>\n<'\">\n");
    CHECK(reply.messages == std::vector<std::string>{"WARNING: one", "two"});
    CHECK_FALSE(LvmProgram(path).run({"bad"}).done);
    CHECK_FALSE(LvmProgram(dir.path("none")).run({"good"}).done);
}
