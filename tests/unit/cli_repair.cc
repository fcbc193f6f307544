// SPDX-License-Identifier: GPL-2.0-only
//
// esnap repair: what is mended, what is not, and that it is as it was before the damage.

#include <cstring>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "error.h"
#include "offline/backup.h"
#include "offline/paced_source.h"
#include "offline/replay.h"
#include "support/findings.h"
#include "support/journal_image.h"
#include "support/run_command.h"
#include "support/store_image.h"

using namespace esnap;
using namespace esnap::test;
using Catch::Contains;
using Catch::StartsWith;

namespace {

/** A closed segment with a summary, an open one; detached. */
void fill(StoreImage &image) {
    image.attach();
    image.append(100, 3);
    image.append({make_extent(10, 2), make_extent(20, 4, 0, 0, ES_EXT_ZERO)});
    image.close_segment();
    image.append(300, 2);
}

std::vector<std::byte> contents(const StoreImage &image) {
    std::vector<std::byte> all(image.bytes());
    image.read(0, all);
    return all;
}

std::vector<std::byte> contents(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

/** The first block in which they differ; nothing: they are the same. Prints better than both. */
std::optional<std::size_t> first_difference(const std::vector<std::byte> &a,
                                            const std::vector<std::byte> &b) {
    const auto at = std::ranges::mismatch(a, b).in1;
    if (at == a.end() && a.size() == b.size())
        return {};
    return static_cast<std::size_t>(at - a.begin()) / ES_BLOCK_SIZE;
}

std::string text_of(const RepairPlan &plan) {
    std::string text;
    for (const Mend &mend : plan.mends)
        text += std::string(area_text(mend.area)) + " " + mend.what + "\n";
    return text;
}

/** Makes the mends of @plan; then what could not be read can be. */
void mend(StoreImage &image, const RepairPlan &plan) {
    for (const Mend &mend : plan.mends) {
        Block block;
        std::memcpy(block.data(), mend.data.data(), ES_BLOCK_SIZE);
        image.device().overwrite(mend.addr, block);
    }
    image.fail_reads_of(~std::uint64_t{0});
}

/** What the plan leaves, in a file. */
std::vector<std::byte> repaired(const StoreImage &image, const TempDir &dir) {
    image.save(dir.path("store"));
    Device device = Device::open_exclusively(dir.path("store"));
    repair(device, plan_repair(device));
    return contents(dir.path("store"));
}

} // namespace

TEST_CASE("repair: nothing is to be done with what is sound", "[cli][repair]") {
    StoreImage image;
    SECTION("attached: a crash leaves it so") {
        fill(image);
    }
    SECTION("detached with a chunk map") {
        fill(image);
        image.detach_with_map();
    }
    SECTION("sealed") {
        fill(image);
        image.detach();
        image.seal();
    }
    const RepairPlan plan = plan_repair(image);
    CHECK(plan.before.clean());
    CHECK(plan.mends.empty());
}

TEST_CASE("repair: copies of what the log says are written again as they were", "[cli][repair]") {
    const TempDir dir;
    StoreImage image;
    fill(image);
    const std::string what = GENERATE("index", "summary", "chunk map");
    const bool is_lost = GENERATE(false, true);
    if (what == "chunk map")
        image.detach_with_map();
    else
        image.detach();
    if (what == "index")
        image.seal();
    const es_sb sb = load_superblock(image);
    const std::uint64_t block = what == "index"     ? sb.index_addr
                                : what == "summary" ? image.segment_last(0)
                                                    : sb.map.addr;
    const std::vector<std::byte> before = contents(image);
    REQUIRE(block > ES_DATA_BLOCK);
    if (is_lost)
        image.zero(block);
    else
        image.flip(byte_offset(block) + 77);
    INFO(what << (is_lost ? " lost" : " damaged"));
    if (what == "summary" && is_lost) {
        CHECK(plan_repair(image).mends.empty()); // as if there had been no memory for it
        return;
    }
    const RepairPlan plan = plan_repair(image);
    CHECK_THAT(text_of(plan), StartsWith(what + " the " + what));
    CHECK(plan.mends.size() == 1);
    INFO(text(findings(image, Severity::fault)));
    CHECK(plan.after.clean());
    CHECK_FALSE(first_difference(repaired(image, dir), before));
}

TEST_CASE("repair: a summary that cannot be read", "[cli][repair]") {
    StoreImage image;
    fill(image);
    const bool is_detached = GENERATE(false, true);
    SECTION("is written again from the records") {
        if (is_detached)
            image.detach();
        const std::vector<std::byte> before = contents(image);
        image.fail_reads_of(image.segment_last(0));
        REQUIRE_FALSE(replay_log(image, load_superblock(image)).done); // as in the kernel
        const RepairPlan plan = plan_repair(image);
        REQUIRE(plan.mends.size() == 1);
        CHECK(plan.mends[0].addr == image.segment_last(0));
        CHECK(plan.mends[0].is_unreadable);
        CHECK_THAT(text_of(plan), Contains("segment 0 is written again from its records"));
        CHECK(plan.after.clean());
        mend(image, plan);
        CHECK_FALSE(first_difference(contents(image), before));
    }
    SECTION("is none in the open segment, and is cleared") {
        image.fail_reads_of(image.segment_last(1));
        const RepairPlan plan = plan_repair(image);
        REQUIRE(plan.mends.size() == 1);
        CHECK(plan.mends[0].addr == image.segment_last(1));
        CHECK_THAT(text_of(plan), Contains("it is cleared"));
        CHECK(plan.after.clean());
        mend(image, plan);
        image.attach();
        image.append(500, 1);
        CHECK(check_store(image).findings.clean());
    }
    SECTION("but not if a record is missing, too") {
        image.zero(image.records()[1].addr);
        image.fail_reads_of(image.segment_last(0));
        CHECK(plan_repair(image).mends.empty());
    }
    SECTION("a header that cannot be read is not taken for one") {
        if (is_detached)
            image.detach();
        image.fail_reads_of(image.records().back().addr);
        CHECK(plan_repair(image).mends.empty());
    }
}

TEST_CASE("repair: one block of a summary cannot be read", "[cli][repair]") {
    es_sb sb = sample_sb();
    sb.segment_blocks = 256;
    StoreImage image(sb);
    image.attach();
    image.append_with_long_summary();
    const std::vector<std::byte> before = contents(image);
    image.fail_reads_of(image.segment_last(0) - 1);
    const RepairPlan plan = plan_repair(image);
    REQUIRE(plan.mends.size() == 1);
    CHECK(plan.mends[0].addr == image.segment_last(0) - 1);
    CHECK(plan.after.clean());
    mend(image, plan);
    CHECK_FALSE(first_difference(contents(image), before));
}

TEST_CASE("repair: a superblock copy that cannot be read is named before it is overwritten",
          "[cli][repair]") {
    StoreImage image;
    fill(image);
    image.detach();
    image.fail_reads_of(image.older_copy());
    const RepairPlan plan = plan_repair(image);
    REQUIRE(plan.mends.size() == 1);
    CHECK(plan.mends[0].is_unreadable);
    CHECK_THAT(text_of(plan), Contains("if it was the newer one, what only it said is lost"));

    image.fail_reads_of(~std::uint64_t{0});
    image.flip(byte_offset(image.older_copy()) + 100);
    const RepairPlan damaged = plan_repair(image);
    REQUIRE(damaged.mends.size() == 1);
    CHECK_FALSE(damaged.mends[0].is_unreadable);
    CHECK_THAT(text_of(damaged), !Contains("lost"));
}

TEST_CASE("repair: a chunk map is not written over the log", "[cli][repair]") {
    StoreImage image;
    fill(image);
    image.detach_with_map();
    image.edit_superblock(image.newer_copy(), [](es_sb &sb) {
        sb.map.addr = ES_DATA_BLOCK;
        sb.map.segment = 0;
    });
    REQUIRE_FALSE(check_store(image).findings.clean());
    CHECK(plan_repair(image).mends.empty());
}

TEST_CASE("repair: a lost copy of the superblock is written again", "[cli][repair]") {
    const TempDir dir;
    StoreImage image;
    fill(image);
    image.detach();
    const std::uint64_t older = image.older_copy(), newer = image.newer_copy();
    const es_sb sb = load_superblock(image);
    image.flip(byte_offset(older) + 100);
    REQUIRE_FALSE(check_store(image).findings.clean());

    const RepairPlan plan = plan_repair(image);
    CHECK_THAT(text_of(plan), Contains("as generation " + std::to_string(sb.generation + 1)));
    CHECK(plan.after.clean());
    repaired(image, dir);
    const Device device = Device::open_to_read(dir.path("store"));
    const Superblocks both = read_superblocks(device);
    CHECK(both.from == older);
    CHECK(both.other().addr == newer);
    es_sb same = both.sb;
    same.generation = sb.generation;
    std::vector<std::byte> one(ES_BLOCK_SIZE), other(ES_BLOCK_SIZE);
    es_sb_encode(&sb, one.data());
    es_sb_encode(&same, other.data());
    CHECK((one == other));
    CHECK(check_store(device).findings.clean());
}

TEST_CASE("repair: a journal's lost superblock", "[cli][repair][journal]") {
    JournalImage image;
    REQUIRE(image.writer().attach().fault == ES_OK);
    image.append({make_entry(ES_JOP_WRITE, 8, 8, 1700000001'000000001)});
    image.writer().detach();
    const std::uint64_t older = es_sb_addr(image.writer().sb().generation) ^ 8;
    REQUIRE(plan_repair(image).before.clean());
    image.zero(older);

    const RepairPlan plan = plan_repair(image);
    REQUIRE(plan.mends.size() == 1);
    CHECK(plan.mends[0].addr == older);
    CHECK(plan.after.clean());
    es_jsb sb{};
    REQUIRE(es_jsb_decode(&sb, plan.mends[0].data.data(), ES_BLOCK_SIZE) == ES_OK);
    CHECK(sb.generation == image.writer().sb().generation + 1);
}

TEST_CASE("repair: what is stored once stays as it is", "[cli][repair]") {
    StoreImage image;
    fill(image);
    image.detach();
    image.seal();
    image.flip(byte_offset(load_superblock(image).index_addr) + 77);
    SECTION("a header: then the log proves nothing") {
        image.flip(byte_offset(image.records()[0].addr) + 8);
        CHECK(plan_repair(image).mends.empty());
    }
    SECTION("payload: the index can be mended all the same") {
        image.flip(byte_offset(image.records()[0].payload) + 8);
        const RepairPlan plan = plan_repair(image);
        CHECK(plan.mends.size() == 1);
        CHECK(plan.after.count(Severity::fault) == 1);
    }
    SECTION("no superblock") {
        image.zero(ES_SB_A_BLOCK);
        image.zero(ES_SB_B_BLOCK);
        CHECK_THROWS_AS(plan_repair(image), Error);
    }
    SECTION("the device is shorter than it was") {
        image.shrink(load_superblock(image).index_addr);
        CHECK(plan_repair(image).mends.empty());
    }
}

TEST_CASE("repair: the command shows, keeps a backup, mends, and puts back", "[cli][repair]") {
    const TempDir dir;
    const std::string store = dir.path("store"), backup = dir.path("backup");
    StoreImage image;
    fill(image);
    image.detach();
    image.seal();
    image.save(store);
    const std::vector<std::byte> sound = contents(store);
    CHECK(run({"repair", store}).code == exit_done);

    image.flip(byte_offset(load_superblock(image).index_addr) + 77);
    image.save(store);
    const std::vector<std::byte> damaged = contents(store);
    const Run test = run({"repair", "-t", store});
    CHECK(test.code == exit_failed);
    CHECK_THAT(test.out,
               Contains("mend: index at byte ") && Contains("1 of 1 faults can be mended"));
    CHECK_THAT(run({"repair", store}).err, Contains("nobody can be asked") && Contains("--yes"));
    CHECK_FALSE(first_difference(contents(store), damaged));

    const Run done = run({"repair", "-y", "--backup", backup, store});
    CHECK(done.code == exit_done);
    CHECK_THAT(done.err, Contains("is kept in " + backup) && Contains("repaired"));
    CHECK_FALSE(first_difference(contents(store), sound));

    CHECK_THAT(run({"repair", "-y", "--restore", store, store}).err,
               Contains("it is no backup of esnap repair"));
    CHECK(run({"repair", "-y", "--restore", backup, store}).code == exit_done);
    CHECK_FALSE(first_difference(contents(store), damaged));
    CHECK_THAT(run({"repair", "-y", "--backup", backup, store}).err, Contains("File exists"));
    CHECK_FALSE(first_difference(contents(store), damaged));

    std::filesystem::resize_file(backup, std::filesystem::file_size(backup) - 1);
    CHECK_THAT(run({"repair", "-y", "--restore", backup, store}).err, Contains("cut short"));
}

TEST_CASE("repair: a backup goes back only to where it came from", "[cli][repair]") {
    const TempDir dir;
    const std::string store = dir.path("store"), backup = dir.path("backup");
    const auto restore = [&] { return run({"repair", "-y", "--restore", backup, store}); };
    StoreImage image;
    fill(image);
    image.detach();
    image.seal();
    const std::uint64_t index = load_superblock(image).index_addr;
    image.flip(byte_offset(index) + 77);
    image.save(store);
    const std::vector<std::byte> damaged = contents(store);
    REQUIRE(run({"repair", "-y", "--backup", backup, store}).code == exit_done);
    const std::vector<std::byte> mended = contents(store);

    SECTION("not to another store") {
        es_sb sb = sample_sb();
        sb.store_uuid[3] ^= 1;
        StoreImage other(sb);
        fill(other);
        other.detach();
        other.seal();
        other.save(store);
        const std::vector<std::byte> before = contents(store);
        CHECK_THAT(restore().err, Contains("it is of ") && Contains(" is "));
        CHECK_FALSE(first_difference(contents(store), before));
    }
    SECTION("not over what came later") {
        std::fstream file(store, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(byte_offset(index) + 9)) << 'x';
        file.close();
        const std::vector<std::byte> before = contents(store);
        CHECK_THAT(restore().err, Contains("has been written since the repair"));
        CHECK_FALSE(first_difference(contents(store), before));
    }
    SECTION("not if it is damaged") {
        std::fstream file(backup, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(-5, std::ios::end) << 'x';
        file.close();
        CHECK_THAT(restore().err, Contains("what it has of block"));
        CHECK_FALSE(first_difference(contents(store), mended));
    }
    SECTION("again, if it was broken off") {
        CHECK(restore().code == exit_done);
        CHECK(restore().code == exit_done);
        CHECK_FALSE(first_difference(contents(store), damaged));
    }
}

TEST_CASE("repair: a superblock copy that the log shows to be the older one is not multiplied",
          "[cli][repair]") {
    StoreImage image;
    image.attach(); // the newer copy says so, and has the new epoch
    image.append(100, 3);
    const std::uint64_t newer = es_sb_addr(load_superblock(image).generation);
    image.flip(byte_offset(newer) + 700);
    const RepairPlan plan = plan_repair(image);
    CHECK(plan.before.count(Severity::fault) > 0);
    CHECK(plan.mends.empty());
}

TEST_CASE("scrub: what check finds, at the rate asked for", "[cli][scrub]") {
    StoreImage image;
    fill(image);
    std::uint64_t told = 0;
    PacedSource::Clock::time_point now{};
    PacedSource::Clock::duration slept{};
    const PacedSource source(image, 1 << 20,
                             {[&] { return now; },
                              [&](PacedSource::Clock::duration time) {
                                  slept += time;
                                  now += time;
                              },
                              [&](std::uint64_t bytes) { told = bytes; }});
    std::vector<std::byte> all(image.bytes());

    CHECK(check_store(source).findings.clean());
    source.read(0, all);
    CHECK((all == contents(image)));
    CHECK(slept >= std::chrono::seconds(image.bytes() >> 20));
    CHECK(told >= image.bytes());

    const TempDir dir;
    image.save(dir.path("store"));
    CHECK(run({"scrub", "--rate", "1g", dir.path("store")}).code == exit_done);
    image.flip(byte_offset(image.records()[0].payload) + 8);
    image.save(dir.path("store"));
    const Run found = run({"scrub", dir.path("store")});
    CHECK(found.code == exit_failed);
    CHECK_THAT(found.out, Contains("payload at byte"));
}
