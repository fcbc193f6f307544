// SPDX-License-Identifier: GPL-2.0-only
//
// esnap format, check and dump of a write journal.

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "command.h"
#include "offline/device.h"
#include "offline/formatter.h"
#include "offline/journal_check.h"
#include "offline/journal_dump.h"
#include "support/findings.h"
#include "support/journal_image.h"
#include "support/store_image.h"

using namespace esnap;
using namespace esnap::test;
using Catch::Contains;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

/** A chain of one store, and a device for a journal. */
struct Disks {
    Disks() { format_snapshot_store({.target = {.store = store}, .origin = origin}); }

    JournalFormat request() const { return {.target = {.store = journal}, .newest_store = store}; }

    void change_store(const std::function<void(es_sb &)> &change) const {
        Device device = Device::open_exclusively(store);
        es_sb sb = load_superblock(device);
        change(sb);
        const Block block = encode(sb);
        device.write(es_sb_addr(sb.generation), std::as_bytes(std::span(block.bytes)));
    }

    TempDir dir;
    std::string origin = dir.file("origin", 100 * mib);
    std::string store = dir.file("store", 32 * mib);
    std::string journal = dir.file("journal", 8 * mib);
};

std::string contents(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string refusal(const JournalFormat &request) {
    const std::string before = contents(request.target.store);
    std::string message;
    try {
        format_journal(request);
    } catch (const Error &error) {
        message = error.what();
    }
    REQUIRE(contents(request.target.store) == before); // nothing is touched
    return message;
}

/** Two records in place, one with each operation, one more that is needed. */
void fill(JournalImage &image) {
    REQUIRE(image.writer().attach().fault == ES_OK);
    image.append({make_entry(ES_JOP_WRITE, 8, 8, 1700000001'000000001)});   // block 16
    image.append({make_entry(ES_JOP_WRITE, 16, 17, 1700000002'000000000)}); // 18, payload 19..21
    image.writer().in_place(0);
    image.append({make_entry(ES_JOP_DISCARD, 100, 50, 1700000003'000000000),
                  make_entry(ES_JOP_FLUSH, 0, 0, 1700000003'000000000),
                  make_entry(ES_JOP_WRITE, 5, 1, 1700000003'000000009, ES_JENT_FUA)}); // 22, 23
    image.append({make_entry(ES_JOP_WRITE, 24, 8, 1700000004'000000000)}); // 24, payload 25
}

std::vector<Finding> found(const JournalImage &image, Severity severity) {
    std::vector<Finding> list;
    const JournalCheck result = check_journal(image);
    std::ranges::copy_if(result.findings.all(), std::back_inserter(list),
                         [&](const Finding &f) { return f.severity == severity; });
    return list;
}

struct Ran {
    int code;
    std::string out, err;
};

Ran run(const std::vector<std::string> &words) {
    std::ostringstream out, err;
    const int code = run_command_line(words, out, err);
    return {code, out.str(), err.str()};
}

} // namespace

TEST_CASE("format: a journal", "[cli][format][journal]") {
    Disks disks;
    const es_jsb sb = format_journal(disks.request());
    const Device device = Device::open_to_read(disks.journal);
    CHECK(check_journal(device).findings.all().empty());
    const JournalSuperblocks both = read_journal_superblocks(device);
    REQUIRE(both.valid());
    CHECK(same(both.sb, sb));
    CHECK(both.a.sb.generation == 2);
    CHECK(both.b.sb.generation == 1);
    CHECK(sb.device_blocks == 8 * mib / 4096);
    CHECK(sb.flags == 0);
    CHECK(sb.epoch == 0);
    const es_sb store = load_superblock(Device::open_to_read(disks.store));
    CHECK(es_uuid_equal(sb.chain_uuid, store.chain_uuid));
    CHECK(sb.origin_lbs == store.origin_lbs);
    CHECK(es_uuid_is_null(store.journal_uuid)); // naming it is the kernel's business
}

TEST_CASE("format: what a journal is refused for", "[cli][format][journal]") {
    Disks disks;
    JournalFormat request = disks.request();
    SECTION("too small") {
        request.target.store = disks.dir.file("small", 4 * mib - 4096);
        CHECK_THAT(refusal(request), Contains("a journal needs at least 4 MiB"));
        request.target.store = disks.dir.file("enough", 4 * mib);
        CHECK_NOTHROW(format_journal(request));
    }
    SECTION("not blank") {
        std::fstream file(disks.journal, std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(5000);
        file << "x";
        file.close();
        CHECK_THAT(refusal(request), Contains("it is not blank") && Contains("--force"));
        request.target.force = true;
        CHECK_NOTHROW(format_journal(request));
    }
    SECTION("formatted already") {
        format_journal(request);
        CHECK_THAT(refusal(request), Contains("it is not blank"));
    }
    SECTION("the store itself") {
        request.target.store = disks.store;
        CHECK_THAT(refusal(request), Contains("it is the newest store itself"));
    }
    SECTION("not a store") {
        request.newest_store = disks.origin;
        CHECK_THAT(refusal(request), Contains("blank: not formatted"));
    }
    SECTION("a journal instead of a store") {
        request.newest_store = disks.dir.file("other", 8 * mib);
        format_journal({.target = {.store = request.newest_store}, .newest_store = disks.store});
        CHECK_THAT(refusal(request), Contains("a write journal, not a store"));
    }
    SECTION("a view's store") {
        request.newest_store = disks.dir.file("view", 32 * mib);
        format_view_store(
            {.target = {.store = request.newest_store}, .snapshot_store = disks.store});
        CHECK_THAT(refusal(request), Contains("store of a view, not of a snapshot"));
    }
    SECTION("not the newest store") {
        disks.change_store([](es_sb &sb) { sb.next_uuid[0] = 1; });
        CHECK_THAT(refusal(request), Contains("has succeeded it"));
    }
    SECTION("an invalid store") {
        disks.change_store([](es_sb &sb) { sb.state = ES_STATE_INVALID; });
        CHECK_THAT(refusal(request), Contains("its state is invalid"));
    }
    SECTION("a second journal") {
        disks.change_store([](es_sb &sb) { sb.journal_uuid[0] = 1; });
        CHECK_THAT(refusal(request), Contains("it has journal") && Contains("already"));
    }
}

TEST_CASE("format --journal-for on the command line", "[cli][format][journal]") {
    Disks disks;
    const std::string before = contents(disks.journal);
    const Ran test = run({"format", "--test", "--journal-for", disks.store, disks.journal});
    CHECK(test.code == 0);
    CHECK_THAT(test.err, Contains("journal would be formatted (--test): 8 MiB"));
    CHECK(contents(disks.journal) == before);
    CHECK_THAT(run({"format", "--journal-for", disks.store, disks.journal}).err,
               Contains("journal formatted: 8 MiB, for chain"));
    CHECK(run({"format", "--journal-for", disks.store, "--segment", "1m", disks.journal}).code ==
          3);
    CHECK(run({"format", "--journal-for", disks.store, "-c", "64k", disks.journal}).code == 3);
    CHECK(run({"format", "--journal-for", disks.store, "--origin", "x", disks.journal}).code == 3);

    Ran check = run({"check", disks.journal});
    CHECK(check.code == 0);
    CHECK_THAT(check.out, Contains("clean; journal, active; 0 records, 0 entries; 0 bytes needed, "
                                   "0 bytes kept of"));
    check = run({"check", "--json", disks.journal});
    const auto json = nlohmann::json::parse(check.out);
    CHECK(json["clean"] == true);
    CHECK(json["journal"]["log"]["total_bytes"] == 8 * mib - 16 * 4096);
    CHECK(json["journal"]["log"]["oldest_time"].is_null());
}

TEST_CASE("check: sound journals are clean", "[cli][check][journal]") {
    JournalImage image;
    SECTION("never attached") {}
    SECTION("attached") {
        fill(image);
        const JournalCheck result = check_journal(image);
        REQUIRE(result.end);
        CHECK(result.records == 4);
        CHECK(result.entries == 6);
        CHECK(result.oldest_time == 1700000001'000000001);
        CHECK(result.end->kept_bytes() == 10 * 4096);
        CHECK(result.end->needed_bytes() == 4 * 4096);
    }
    SECTION("detached") {
        fill(image);
        image.writer().detach();
        const JournalCheck result = check_journal(image);
        REQUIRE(result.end);
        CHECK(result.end->needed_bytes() == 0);
        CHECK(result.end->kept_bytes() == 10 * 4096);
        CHECK(found(image, Severity::note).empty());
    }
    SECTION("the last record torn") {
        fill(image);
        image.flip(25 * 4096 + 100);
        const auto notes = found(image, Severity::note);
        INFO(text(notes));
        CHECK(has(notes, Area::record, 24 * 4096, "record 4 was not written completely"));
        CHECK(check_journal(image).records == 3);
    }
    SECTION("an older copy torn, while attached") {
        fill(image);
        image.flip((es_sb_addr(image.writer().sb().generation) ^ 8) * 4096 + 50);
        CHECK(has(found(image, Severity::note), Area::superblock,
                  (es_sb_addr(image.writer().sb().generation) ^ 8) * 4096, "checksum mismatch"));
    }
    SECTION("detached, and a copy torn by the next attach") {
        fill(image);
        image.writer().detach();
        es_jsb next = image.writer().sb();
        ++next.generation;
        Block block = encode(next);
        block.bytes[1200] ^= 1;
        image.device().overwrite(es_sb_addr(next.generation), block);
        CHECK(has(found(image, Severity::note), Area::superblock,
                  byte_offset(es_sb_addr(next.generation)), "checksum mismatch"));
    }
    const auto faults = found(image, Severity::fault);
    INFO(text(faults));
    CHECK(faults.empty());
}

TEST_CASE("check: one fault of a journal at a time", "[cli][check][journal]") {
    JournalImage image;
    fill(image);
    const auto fault = [&](Area area, std::optional<std::uint64_t> offset, const char *words) {
        const auto faults = found(image, Severity::fault);
        INFO(text(faults));
        CHECK(has(faults, area, offset, words));
    };
    SECTION("payload") {
        image.flip(20 * 4096);
        fault(Area::payload, 19 * 4096, "record 2, sectors 16 + 17: payload does not match");
        CHECK(check_journal(image).end); // it is only history
    }
    SECTION("payload that cannot be read") {
        image.fail_reads_of(20);
        fault(Area::payload, 19 * 4096, "cannot be read: Input/output error");
    }
    SECTION("payload of the last record, which may be torn, that cannot be read") {
        image.fail_reads_of(25);
        fault(Area::log, 25 * 4096, "cannot be read: Input/output error");
        CHECK_FALSE(check_journal(image).end);
    }
    SECTION("a header of the history") {
        image.writer().attach();
        image.zero(18);
        fault(Area::log, 18 * 4096, "the history ends here: a record is missing");
        REQUIRE(check_journal(image).end); // what is needed is there
        CHECK(found(image, Severity::fault).size() == 1);
    }
    SECTION("a header that is needed") {
        image.writer().attach();
        image.flip(22 * 4096 + 70);
        fault(Area::log, 22 * 4096, "what is needed cannot be recovered behind this");
        CHECK_FALSE(check_journal(image).end);
    }
    SECTION("a header that cannot be read") {
        image.fail_reads_of(22);
        fault(Area::log, 22 * 4096, "cannot be read: Input/output error");
    }
    SECTION("superblocks") {
        image.flip(100);
        image.flip(8 * 4096 + 100);
        fault(Area::superblock, 0, "copy A: checksum mismatch");
        fault(Area::superblock, 8 * 4096, "copy B: checksum mismatch");
    }
    SECTION("the older superblock of one that is not attached") {
        image.writer().detach();
        image.zero(es_sb_addr(image.writer().sb().generation) ^ 8);
        fault(Area::superblock, (es_sb_addr(image.writer().sb().generation) ^ 8) * 4096, "blank");
    }
    SECTION("a mark elsewhere") {
        es_jsb sb = image.writer().sb();
        sb.nr_marks = 2;
        sb.mark[1] = {{.addr = 19, .seq = 2, .prev_crc = 5}, sb.mark[0].time};
        sb.needed = {.addr = 22, .seq = 3, .prev_crc = image.writer().durable()[1].rec.crc};
        image.device().overwrite(es_sb_addr(sb.generation), encode(sb));
        fault(Area::superblock, {}, "mark 1: record 2 lies at byte 73728, not 77824");
    }
    SECTION("the device shrank") {
        image.shrink(1000);
        fault(Area::device, {}, "device is smaller than its superblock says");
    }
}

TEST_CASE("dump of a journal, for people", "[cli][dump][journal]") {
    JournalImage image;
    fill(image);
    image.flip(25 * 4096);
    TempDir dir;
    image.save(dir.path("journal"));
    const Ran dump = run({"dump", dir.path("journal")});
    CHECK(dump.code == 0);
    for (const char *words :
         {"kind             journal", "needed from      record 1 at byte 65536", "record   byte",
          "lsn          1  2023-11-14T22:13:21.000000001Z  write   sector            8 + 8",
          "crc ok", "discard sector          100 + 50       crc none",
          "lsn          5  2023-11-14T22:13:23.000000009Z  write   sector            5 + 1        "
          "crc ok  fua",
          "not written completely", "crc bad", "end: next record 4 at byte 98304, next lsn 6",
          "needed from record 3 at byte 90112: 8 KiB; kept: 32 KiB of",
          "from 2023-11-14T22:13:21.000000001Z on"})
        CHECK_THAT(dump.out, Contains(words));
}

TEST_CASE("dump of a journal, for programs", "[cli][dump][journal]") {
    JournalImage image;
    fill(image);
    TempDir dir;
    image.save(dir.path("journal"));
    auto dump = nlohmann::json::parse(run({"dump", "--json", dir.path("journal")}).out);
    CHECK(dump["device"]["path"] == dir.path("journal"));
    CHECK(dump["superblock"]["kind"] == "journal");
    CHECK(dump["superblock"]["attached"] == true);
    CHECK(dump["superblock"]["needed"]["seq"] == 1);
    REQUIRE(dump["records"].size() == 4);
    const auto &record = dump["records"][2];
    CHECK(record["seq"] == 3);
    CHECK(record["offset"] == 22 * 4096);
    CHECK(record["needed_seq"] == 3);
    REQUIRE(record["entries"].size() == 3);
    CHECK(record["entries"][0]["op"] == "discard");
    CHECK(record["entries"][0]["lsn"] == 3);
    CHECK(record["entries"][0]["crc_state"] == "none");
    CHECK(record["entries"][0]["crc"].is_null());
    CHECK(record["entries"][2]["time"] == "2023-11-14T22:13:23.000000009Z");
    CHECK(record["entries"][2]["fua"] == true);
    CHECK(record["entries"][2]["addr"] == 23);
    CHECK(record["entries"][2]["crc_state"] == "ok");
    CHECK(dump["end"]["complete"] == true);
    CHECK(dump["end"]["needed_bytes"] == 4 * 4096);
    CHECK(dump["end"]["kept_bytes"] == 10 * 4096);
    CHECK(dump["end"]["oldest_time"] == "2023-11-14T22:13:21.000000001Z");
    CHECK(dump["history_fault"].is_null());

    // A hole in the history: what is needed is shown all the same.
    image.writer().in_place(1);
    image.writer().attach();
    image.writer().attach();
    image.zero(18);
    image.save(dir.path("damaged"));
    dump = nlohmann::json::parse(run({"dump", "--json", dir.path("damaged")}).out);
    CHECK(dump["history_fault"]["offset"] == 18 * 4096);
    CHECK(dump["end"]["complete"] == true);
    CHECK(dump["records"].back()["seq"] == 4);
    CHECK(dump["end"]["kept_bytes"] == 10 * 4096);
}

TEST_CASE("dump and check name a store's journal", "[cli][dump][journal]") {
    Disks disks;
    disks.change_store([](es_sb &sb) { std::fill_n(sb.journal_uuid, ES_UUID_SIZE, u8{0xab}); });
    const std::string uuid = "abababab-abab-abab-abab-abababababab";
    CHECK_THAT(run({"dump", disks.store}).out, Contains("journal          " + uuid));
    CHECK(nlohmann::json::parse(
              run({"dump", "--json", disks.store}).out)["superblock"]["journal_uuid"] == uuid);
    CHECK_THAT(run({"check", disks.store}).out, Contains("there is a write journal (" + uuid));
    CHECK(nlohmann::json::parse(
              run({"check", "--json", disks.store}).out)["store"]["journal_uuid"] == uuid);
}
