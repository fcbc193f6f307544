// SPDX-License-Identifier: GPL-2.0-only
//
// esnap format: what it writes, and everything it refuses, on files in place of devices.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "error.h"
#include "es_rules.h"
#include "offline/checker.h"
#include "offline/device.h"
#include "offline/formatter.h"
#include "offline/probe.h"
#include "support/store_image.h"

using namespace esnap;
using namespace esnap::test;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

/** An origin of 100 MiB and a store of 32 MiB, both files. */
struct Disks {
    TempDir dir;
    std::string origin = dir.file("origin", 100 * mib);
    std::string store = dir.file("store", 32 * mib);

    SnapshotFormat request() const { return {.target = {.store = store}, .origin = origin}; }
    SnapshotFormat second(const std::string &path) const {
        return {.target = {.store = path}, .origin = origin, .after = store};
    }
};

CheckResult check_file(const std::string &path) {
    return check_store(Device::open_to_read(path));
}

es_sb superblock_of(const std::string &path) {
    return load_superblock(Device::open_to_read(path));
}

void write_at(const std::string &path, std::uint64_t at, const std::string &text) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file << text;
    REQUIRE(file.flush());
}

void change_superblock(const std::string &path, const std::function<void(es_sb &)> &change) {
    Device device = Device::open_exclusively(path);
    es_sb sb = load_superblock(device);
    change(sb);
    const Block block = encode(sb);
    device.write(es_sb_addr(sb.generation), std::as_bytes(std::span(block.bytes)));
}

std::string contents(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <typename Request>
std::string refusal(const Request &request) {
    const std::string before = contents(request.target.store);
    std::string message;
    try {
        if constexpr (std::is_same_v<Request, ViewFormat>)
            format_view_store(request);
        else
            format_snapshot_store(request);
    } catch (const Error &error) {
        message = error.what();
    }
    REQUIRE(contents(request.target.store) == before); // nothing is touched
    return message;
}

} // namespace

using Catch::Contains;

TEST_CASE("format: a new chain", "[cli][format]") {
    Disks disks;
    const es_sb sb = format_snapshot_store(disks.request());
    const CheckResult result = check_file(disks.store);
    REQUIRE(result.findings.all().empty());
    REQUIRE(same(superblock_of(disks.store), sb));
    CHECK(sb.kind == ES_KIND_SNAPSHOT);
    CHECK(sb.state == ES_STATE_ACTIVE);
    CHECK(sb.flags == 0);
    CHECK(sb.epoch == 0);
    CHECK(sb.serial == 1);
    CHECK(sb.generation == 2);
    CHECK(sb.chunk_sectors == 128);
    CHECK(sb.origin_sectors == 100 * mib / 512);
    CHECK(sb.origin_lbs == 512);
    CHECK(sb.device_blocks == 32 * mib / 4096);
    CHECK(es_uuid_is_null(sb.link_uuid));
    CHECK(es_uuid_is_null(sb.next_uuid));
    CHECK(!es_uuid_equal(sb.store_uuid, sb.chain_uuid));
    CHECK(result.superblocks.a.sb.generation == 2);
    CHECK(result.superblocks.b.sb.generation == 1);
}

TEST_CASE("format: only the two superblock copies are written", "[cli][format]") {
    Disks disks;
    write_at(disks.store, 20000, "old data");
    write_at(disks.store, 70000, "old data");
    SnapshotFormat request = disks.request();
    request.target.force = true;
    format_snapshot_store(request);
    REQUIRE(contents(disks.store).substr(20000, 8) == "old data");
    REQUIRE(contents(disks.store).substr(70000, 8) == "old data");
}

TEST_CASE("format: --test writes nothing", "[cli][format]") {
    Disks disks;
    SnapshotFormat request = disks.request();
    request.target.test = true;
    format_snapshot_store(request);
    REQUIRE(contents(disks.store) == std::string(32 * mib, '\0'));
}

TEST_CASE("format: the next store of a chain", "[cli][format]") {
    Disks disks;
    SnapshotFormat first = disks.request();
    first.chunk_bytes = 16 * 1024;
    const es_sb older = format_snapshot_store(first);
    const std::string path = disks.dir.file("second", 8 * mib);
    const es_sb sb = format_snapshot_store(disks.second(path));
    REQUIRE(check_file(path).findings.all().empty());
    CHECK(sb.serial == 2);
    CHECK(sb.chunk_sectors == 32); // the chain's
    CHECK(es_rules_follows(&sb, &older) == ES_OK);
    CHECK(es_rules_newest(&sb) == ES_OK);
    CHECK(!es_uuid_equal(sb.snapshot_uuid, older.snapshot_uuid));
}

TEST_CASE("format: a view's store", "[cli][format]") {
    Disks disks;
    const es_sb base = format_snapshot_store(disks.request());
    const std::string path = disks.dir.file("view", 8 * mib);
    const es_sb sb = format_view_store({.target = {.store = path}, .snapshot_store = disks.store});
    REQUIRE(check_file(path).findings.all().empty());
    CHECK(es_rules_view(&sb, &base) == ES_OK);
    CHECK(sb.origin_lbs == base.origin_lbs);

    SECTION("no view of a view") {
        const std::string other = disks.dir.file("other", 8 * mib);
        CHECK_THAT(refusal(ViewFormat{.target = {.store = other}, .snapshot_store = path}),
                   Contains("it is the store of a view, not of a snapshot"));
    }
    SECTION("no view of an invalid snapshot") {
        change_superblock(disks.store, [](es_sb &s) { s.state = ES_STATE_INVALID; });
        const std::string other = disks.dir.file("other", 8 * mib);
        CHECK_THAT(refusal(ViewFormat{.target = {.store = other}, .snapshot_store = disks.store}),
                   Contains("its state is invalid"));
    }
    SECTION("no successor of a view") {
        const std::string other = disks.dir.file("other", 8 * mib);
        SnapshotFormat request = disks.second(other);
        request.after = path;
        CHECK_THAT(refusal(request), Contains("it is the store of a view"));
    }
}

TEST_CASE("format: what is on the device is named and left alone", "[cli][format]") {
    Disks disks;
    SECTION("a store") {
        const es_sb sb = format_snapshot_store(disks.request());
        CHECK_THAT(refusal(disks.request()),
                   Contains("already an esnapshot store of chain " + uuid_text(sb.chain_uuid)));
        SnapshotFormat request = disks.request();
        request.target.force = true;
        CHECK(!es_uuid_equal(format_snapshot_store(request).chain_uuid, sb.chain_uuid));
        CHECK(check_file(disks.store).findings.all().empty());
    }
    SECTION("a damaged store") {
        format_snapshot_store(disks.request());
        write_at(disks.store, 100, "x");
        write_at(disks.store, 32768, "x");
        CHECK_THAT(refusal(disks.request()),
                   Contains("an esnapshot superblock (checksum mismatch"));
    }
    SECTION("data") {
        write_at(disks.store, 65535, "x");
        CHECK_THAT(refusal(disks.request()), Contains("data: byte 65535 is not zero"));
    }
    SECTION("behind the first 64 KiB anything may lie") {
        write_at(disks.store, 65536, "x");
        CHECK_NOTHROW(format_snapshot_store(disks.request()));
    }
    SECTION("but no known signature: swap has its own at the end of the first page") {
        write_at(disks.store, 4086, "SWAPSPACE2");
        write_at(disks.store, 1024, std::string("\1\0\0\0\377\0\0\0", 8));
        CHECK_THAT(refusal(disks.request()), Contains("it is not blank: swap"));
    }
}

TEST_CASE("format: --force leaves no signature that libblkid knows", "[cli][format]") {
    Disks disks;
    const auto big_endian = [](unsigned value) {
        return std::string{static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                           static_cast<char>(value >> 8), static_cast<char>(value)};
    };
    // That of gfs2 is not where a superblock of ours is.
    write_at(disks.store, 65536, big_endian(0x01161970) + big_endian(1));
    write_at(disks.store, 65536 + 24, big_endian(1801) + big_endian(1900));
    const auto content = [&] { return find_content(Device::open_to_read(disks.store)); };
    REQUIRE_THAT(content().value_or(""), Contains("gfs2"));
    SnapshotFormat request = disks.request();

    SECTION("it is wiped") {
        request.target.force = true;
        format_snapshot_store(request);
        CHECK_THAT(content().value_or(""), Contains("already an esnapshot store"));
        CHECK(contents(disks.store).substr(65536, 4) == std::string(4, '\0'));
        CHECK(check_file(disks.store).findings.all().empty());
        for (const std::uint64_t at : {0, 32768})
            write_at(disks.store, at, std::string(4096, '\0'));
        CHECK_FALSE(content());
    }
    SECTION("not without --force, not with --test, not if it is refused") {
        CHECK_THAT(refusal(request), Contains("it is not blank: gfs2"));
        request.target.force = true;
        request.chunk_bytes = 512;
        CHECK_THAT(refusal(request), Contains("chunk size"));
        request.chunk_bytes = {};
        request.target.test = true;
        CHECK(refusal(request).empty());
    }
}

TEST_CASE("format: a file that somebody uses is refused", "[cli][format]") {
    Disks disks;
    SECTION("another command has it open") {
        const Device other = Device::open_exclusively(disks.store);
        CHECK_THAT(refusal(disks.request()), Contains("another program writes it"));
        CHECK(check_file(disks.store).findings.count(Severity::fault) > 0); // it may be read
    }
    SECTION("a loop device stands on it") {
        const FileIdentity file = File(disks.store, File::Access::read).identity();
        const std::string sys = disks.dir.path("sys");
        const auto attach = [&](const std::string &loop, const std::string &to) {
            std::filesystem::create_directories(sys + "/" + loop + "/loop");
            std::ofstream(sys + "/" + loop + "/loop/backing_file") << to << "\n";
        };
        std::filesystem::create_directories(sys + "/loop0"); // attached to nothing
        attach("loop1", disks.origin);
        attach("loop2", disks.dir.path("gone (deleted)"));
        CHECK(loops_on(file, sys).empty());
        attach("loop7", disks.dir.path("./store"));
        CHECK(loops_on(file, sys) == std::vector<std::string>{"loop7"});
        CHECK(loops_on(file, disks.dir.path("nothing")).empty());
    }
}

TEST_CASE("format: an older store with high generations is really gone", "[cli][format]") {
    Disks disks;
    const es_sb old = format_snapshot_store(disks.request());
    for (std::uint64_t generation : {101, 102}) {
        Device device = Device::open_exclusively(disks.store);
        es_sb sb = old;
        sb.generation = generation;
        const Block block = encode(sb);
        device.write(es_sb_addr(generation), std::as_bytes(std::span(block.bytes)));
    }
    SnapshotFormat request = disks.request();
    request.target.force = true;
    const es_sb sb = format_snapshot_store(request);
    REQUIRE(same(superblock_of(disks.store), sb));
}

TEST_CASE("format: devices that cannot be", "[cli][format]") {
    Disks disks;
    SnapshotFormat request = disks.request();
    SECTION("the origin") {
        request.target.store = disks.origin;
        CHECK_THAT(refusal(request), Contains("it is the origin itself"));
    }
    SECTION("the origin by another name") {
        request.target.store = disks.dir.path("./origin");
        CHECK_THAT(refusal(request), Contains("it is the origin itself"));
    }
    SECTION("the previous store") {
        format_snapshot_store(request);
        CHECK_THAT(refusal(disks.second(disks.store)), Contains("it is the previous store itself"));
    }
    SECTION("too small") {
        request.target.store = disks.dir.file("small", 132 * 1024);
        CHECK_THAT(refusal(request), Contains("need at least 139264 bytes (136 KiB)"));
    }
    SECTION("an empty origin") {
        request.origin = disks.dir.file("empty", 0);
        CHECK_THAT(refusal(request), Contains("origin size out of bounds"));
    }
    SECTION("not there") {
        request.origin = disks.dir.path("nothing");
        CHECK_THAT(refusal(request), Contains("No such file or directory"));
    }
    SECTION("no device and no file") {
        request.origin = "/dev/null";
        CHECK_THAT(refusal(request), Contains("neither a block device nor a regular file"));
    }
}

TEST_CASE("format: the smallest device", "[cli][format]") {
    Disks disks;
    SnapshotFormat request = disks.request();
    request.chunk_bytes = 4096;
    request.target.store = disks.dir.file("small", es_min_device_blocks(8) * 4096);
    format_snapshot_store(request);
    REQUIRE(check_file(request.target.store).findings.all().empty());
}

TEST_CASE("format: chunk and segment sizes", "[cli][format]") {
    Disks disks;
    SnapshotFormat request = disks.request();
    SECTION("impossible chunks") {
        request.chunk_bytes = GENERATE(0, 512, 2048, 12288, 2097152);
        CHECK_THAT(refusal(request), Contains("a power of two from 4 KiB to 1 MiB"));
    }
    SECTION("impossible segments") {
        request.target.segment_bytes = GENERATE(0, 4096, 33 * 4096, 500000, 512 * mib);
        CHECK_THAT(refusal(request), Contains("a multiple of 4 KiB from 136 KiB to 256 MiB"));
    }
    SECTION("a segment size of one's own") {
        request.target.segment_bytes = 34 * 4096;
        CHECK(format_snapshot_store(request).segment_blocks == 34);
    }
}

TEST_CASE("format: more chunks than a bitmap can have are refused", "[cli][format]") {
    Disks disks;
    SnapshotFormat request = disks.request();
    request.origin = disks.dir.file("huge", 8ull << 40); // sparse
    request.chunk_bytes = 4096;
    CHECK_THAT(refusal(request), Contains("choose larger chunks"));
    request.chunk_bytes = 8192;
    CHECK(format_snapshot_store(request).chunk_sectors == 16);
}

TEST_CASE("format: segments shrink on a small device and grow on a large one", "[cli][format]") {
    CHECK(choose_segment_blocks(8, 1u << 18) == 1024);
    CHECK(choose_segment_blocks(2048, 1u << 18) == 32 * 256);
    CHECK(choose_segment_blocks(8, ES_DATA_BLOCK + 512 * 3000) == 3000);
    CHECK(choose_segment_blocks(8, 1u << 30) == 4096);
    CHECK(choose_segment_blocks(2048, 1u << 30) == 32 * 256);
    CHECK(choose_segment_blocks(8, 16 + 8 * 100) == 100);
    CHECK(choose_segment_blocks(8, es_min_device_blocks(8)) == 4);
    CHECK(choose_segment_blocks(2048, es_min_device_blocks(2048)) == 2 * 256 + 2);
}

TEST_CASE("format: previous stores that cannot be succeeded", "[cli][format]") {
    Disks disks;
    format_snapshot_store(disks.request());
    SnapshotFormat request = disks.second(disks.dir.file("second", 8 * mib));
    SECTION("no store") {
        request.after = disks.dir.file("blank", mib);
        CHECK_THAT(refusal(request), Contains("read the superblock of") && Contains("blank"));
    }
    SECTION("invalid") {
        change_superblock(disks.store, [](es_sb &sb) { sb.state = ES_STATE_INVALID; });
        CHECK_THAT(refusal(request), Contains("snapshot is invalid"));
    }
    SECTION("removed") {
        change_superblock(disks.store, [](es_sb &sb) { sb.state = ES_STATE_REMOVED; });
        CHECK_THAT(refusal(request), Contains("removed from its chain"));
    }
    SECTION("with a successor") {
        change_superblock(disks.store, [](es_sb &sb) { sb.next_uuid[0] = 0xab; });
        CHECK_THAT(refusal(request), Contains("store ab000000-0000-0000-0000-000000000000 has "
                                              "succeeded it"));
    }
    SECTION("of another chunk size") {
        request.chunk_bytes = 4096;
        CHECK_THAT(refusal(request), Contains("its chunk size is 64 KiB, not 4 KiB"));
    }
    SECTION("of a larger origin") {
        request.origin = disks.dir.file("smaller", 99 * mib);
        CHECK_THAT(refusal(request), Contains("it was made for an origin of 204800 sectors"));
    }
    SECTION("a larger origin is one that has grown") {
        request.origin = disks.dir.file("larger", 101 * mib);
        CHECK(format_snapshot_store(request).origin_sectors == 101 * mib / 512);
    }
    SECTION("with the last serial") {
        change_superblock(disks.store, [](es_sb &sb) { sb.serial = UINT32_MAX; });
        CHECK_THAT(refusal(request), Contains("serial number"));
    }
}
