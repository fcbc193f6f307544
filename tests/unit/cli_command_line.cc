// SPDX-License-Identifier: GPL-2.0-only
//
// esnap's command line: sizes, help, exit codes, what goes to which stream, JSON.

#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "error.h"
#include "options.h"
#include "support/run_command.h"
#include "support/store_image.h"

using namespace esnap;
using namespace esnap::test;
using Catch::Contains;

namespace {

std::uint64_t size(const std::string &text, Unit unit = Unit::kib) {
    return parse_size("--size", text, unit);
}

/** A detached store with a closed segment and an open one, in a file. */
std::string saved_store(const TempDir &dir, bool sealed = false) {
    StoreImage image;
    image.attach();
    image.append(10, 2);
    image.append({make_extent(20, 4, 0, 0, ES_EXT_ZERO), make_extent(30, 1)});
    image.close_segment();
    image.append(40, 3);
    image.detach();
    if (sealed)
        image.seal();
    image.save(dir.path("store"));
    return dir.path("store");
}

} // namespace

TEST_CASE("sizes as LVM takes them", "[cli]") {
    CHECK(size("64") == 64 * 1024);
    CHECK(size("64", Unit::sector) == 64 * 512);
    CHECK(size("7", Unit::byte) == 7);
    CHECK(size("64k") == 64 * 1024);
    CHECK(size("64K") == 64 * 1024);
    CHECK(size("128s") == 65536);
    CHECK(size("128S") == 65536);
    CHECK(size("4096b") == 4096);
    CHECK(size("1m") == 1 << 20);
    CHECK(size("2G") == std::uint64_t{2} << 30);
    CHECK(size("3t") == std::uint64_t{3} << 40);
    CHECK(size("1P") == std::uint64_t{1} << 50);
    CHECK(size("1e") == std::uint64_t{1} << 60);
    CHECK(size("1.5m") == 3 << 19);
    CHECK(size(".5m") == 1 << 19);
    CHECK(size("0.25") == 256);
    CHECK(size("0") == 0);
}

TEST_CASE("sizes that are none", "[cli]") {
    const auto text = GENERATE(as<std::string>{}, "", "k", ".", ".k", "5x", "-5", "+5", "1 k",
                               "1kk", "0x10", "1,5m", "1.2.3", "16e", "99999999999999999999",
                               "0.3b", "1e5", "18014398509481984");
    CAPTURE(text);
    CHECK_THROWS_AS(size(text), UsageError);
}

TEST_CASE("command line: help and version", "[cli]") {
    SECTION("nothing is a mistake") {
        const Run r = run({});
        CHECK(r.code == 3);
        CHECK(r.out.empty());
        CHECK_THAT(r.err, Contains("Usage: esnap COMMAND"));
    }
    SECTION("of the program") {
        const auto words =
            GENERATE(std::vector<std::string>{"help"}, std::vector<std::string>{"-h"},
                     std::vector<std::string>{"--help"});
        const Run r = run(words);
        CHECK(r.code == 0);
        CHECK(r.err.empty());
        for (const Command &command : all_commands())
            CHECK_THAT(r.out, Contains("  " + command.name) && Contains(command.summary));
    }
    SECTION("of every command, with every option") {
        for (const Command &command : all_commands()) {
            const Run r = run({"help", command.name});
            CHECK(r.code == 0);
            CHECK_THAT(r.out, Contains("Usage: esnap " + command.name));
            for (const auto &option : command.options.options())
                CHECK_THAT(r.out, Contains("--" + option->long_name()));
            CHECK(run({command.name, "--help"}).out == r.out);
            CHECK(run({"-h", command.name}).out == r.out);
        }
    }
    SECTION("version") {
        for (const auto &words : {std::vector<std::string>{"--version"},
                                  std::vector<std::string>{"dump", "--version"}}) {
            const Run r = run(words);
            CHECK(r.code == 0);
            CHECK_THAT(r.out, Contains("esnap ") && Contains("(disk format 1)"));
        }
    }
}

TEST_CASE("command line: mistakes", "[cli]") {
    using Words = std::vector<std::string>;
    const auto words = GENERATE(
        Words{"frobnicate"}, Words{"help", "frobnicate"}, Words{"--frobnicate"}, Words{"check"},
        Words{"check", "a", "b"}, Words{"check", "--frobnicate", "a"}, Words{"check", "--js", "a"},
        Words{"format", "a"}, Words{"format", "--origin", "a"}, Words{"format", "--origin"},
        Words{"format", "--origin", "a", "--view-of", "b", "c"},
        Words{"format", "--view-of", "a", "-c", "4k", "b"},
        Words{"format", "--view-of", "a", "--after", "c", "b"},
        Words{"format", "--origin", "a", "-c", "4x", "b"}, Words{"dump", ""});
    const Run r = run(words);
    CAPTURE(words);
    CHECK(r.code == 3);
    CHECK(r.out.empty());
    CHECK_THAT(r.err, Contains("(see esnap help"));
}

TEST_CASE("command line: failures", "[cli]") {
    const TempDir dir;
    const std::string blank = dir.file("blank", 1 << 20);
    using Words = std::vector<std::string>;
    for (const auto &words :
         {Words{"dump", blank}, Words{"dump", dir.path("none")}, Words{"check", dir.path("none")},
          Words{"format", "--origin", blank, blank},
          Words{"format", "--journal-for", blank, blank}}) {
        const Run r = run(words);
        CHECK(r.code == 5);
        CHECK(r.out.empty());
        CHECK_THAT(r.err, Contains("esnap: "));
    }
}

TEST_CASE("command line: output that cannot be written is a failure", "[cli]") {
    const TempDir dir;
    const std::string store = saved_store(dir);
    std::ostringstream out, err;
    out.setstate(std::ios::badbit);
    CHECK(run_command_line({"dump", store}, out, err) == 5);
    CHECK_THAT(err.str(), Contains("standard output"));
}

TEST_CASE("esnap format, check and dump together", "[cli]") {
    const TempDir dir;
    const std::string origin = dir.file("origin", 10 << 20), store = dir.file("store", 4 << 20);
    const Run made = run({"format", "--origin", origin, "-c", "16", store});
    CHECK(made.code == 0);
    CHECK(made.out.empty());
    CHECK_THAT(made.err, Contains("snapshot store formatted") && Contains("chunks of 16 KiB"));
    CHECK(run({"format", "-q", "--force", "--origin", origin, store}).err.empty());
    CHECK_THAT(run({"-v", "format", "-v", "--force", "--origin", origin, store}).err,
               Contains("store uuid"));

    const Run checked = run({"check", store});
    CHECK(checked.code == 0);
    CHECK(checked.err.empty());
    CHECK_THAT(checked.out, Contains("clean; snapshot store, serial 1, active"));
    CHECK_THAT(run({"dump", store}).out, Contains("chunk size       128 sectors (64 KiB)"));
}

TEST_CASE("esnap check prints faults and notes", "[cli][check]") {
    const TempDir dir;
    StoreImage image;
    image.attach();
    image.append(10, 2);
    image.append(20, 2);
    image.save(dir.path("noted"));
    image.flip(byte_offset(image.records()[0].payload));
    image.save(dir.path("damaged"));

    CHECK_THAT(run({"check", dir.path("noted")}).out, Contains("note: superblock: attached"));
    CHECK_THAT(run({"check", "-q", dir.path("noted")}).out, !Contains("note:"));

    const Run text = run({"check", dir.path("damaged")});
    CHECK(text.code == 5);
    CHECK_THAT(text.out, Contains("fault: payload at byte 69632: chunks 10..11: checksum") &&
                             Contains(": 1 fault; snapshot store"));
    const Run json = run({"check", "--json", dir.path("damaged")});
    CHECK(json.code == 5);
    const auto report = nlohmann::json::parse(json.out);
    CHECK(report["clean"] == false);
    CHECK(report["faults"].size() == 1);
    CHECK(report["faults"][0]["area"] == "payload");
    CHECK(report["faults"][0]["offset"] == 69632);
    CHECK(report["store"]["attached"] == true);
    CHECK(report["store"]["log"]["chunks"] == 4);
}

TEST_CASE("esnap dump prints JSON", "[cli][dump]") {
    const TempDir dir;
    const std::string store = saved_store(dir, true);
    const auto dump = nlohmann::json::parse(run({"dump", "--json", "--extents", store}).out);
    CHECK(dump["device"]["path"] == store);
    CHECK(dump["superblock"]["state"] == "sealed");
    CHECK(dump["superblock"]["chunk_sectors"] == 8);
    CHECK(dump["superblock"]["copies"].size() == 2);
    const auto &segments = dump["log"]["segments"];
    REQUIRE(segments.size() == 2);
    CHECK(segments[0]["summary"]["extents_total"] == 3);
    CHECK(segments[1]["summary"].is_null());
    REQUIRE(segments[0]["records"].size() == 2);
    CHECK(segments[0]["records"][1]["seq"] == 2);
    const auto &extents = segments[0]["records"][1]["extents"];
    REQUIRE(extents.size() == 2);
    CHECK(extents[0]["zero"] == true);
    CHECK(extents[0]["nr"] == 4);
    CHECK(extents[1]["chunk"] == 30);
    CHECK(dump["log"]["end"]["complete"] == true);
    CHECK(dump["log"]["end"]["next_seq"] == 4);
    REQUIRE(dump["index"]["extents"].size() == 4);
    CHECK(dump["index"]["extents"][3]["chunk"] == 40);

    const auto brief = nlohmann::json::parse(run({"dump", "--json", store}).out);
    CHECK(!brief["log"]["segments"][0]["records"][1].contains("extents"));
    CHECK(brief["log"]["segments"][0]["records"][1]["extents_total"] == 2);
    CHECK(brief["index"]["extents"].empty());
    CHECK(brief["index"]["extents_total"] == 4);
}

TEST_CASE("esnap dump shows what is damaged", "[cli][dump]") {
    const TempDir dir;
    StoreImage image;
    image.attach();
    image.append(10, 2);
    image.append(20, 2);
    image.append(30, 2);
    image.detach();
    image.zero(image.records()[1].addr);
    image.save(dir.path("store"));
    const Run json = run({"dump", "--json", dir.path("store")});
    CHECK(json.code == 0);
    const auto dump = nlohmann::json::parse(json.out);
    CHECK(dump["index"].is_null());
    CHECK(dump["log"]["end"]["complete"] == false);
    const auto &gaps = dump["log"]["segments"][0]["gaps"];
    REQUIRE(gaps.size() == 1);
    CHECK(gaps[0]["offset"] == byte_offset(image.records()[1].addr));
    CHECK(gaps[0]["next_seq"] == 3);
    CHECK_THAT(run({"dump", "--extents", dir.path("store")}).out,
               Contains("damaged") && Contains("chunk           10 + 2"));
}
