// SPDX-License-Identifier: GPL-2.0-only
//
// esnap check: what it says about sound stores, and about one fault at a time.

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "offline/checker.h"
#include "support/findings.h"
#include "support/store_image.h"

using namespace esnap;
using namespace esnap::test;

namespace {

/** One segment closed (records 1 to 3), records 4 to 6 in the open one; attached. */
void fill(StoreImage &image) {
    image.attach();
    image.append(100, 3);
    image.append({make_extent(10, 2), make_extent(20, 4, 0, 0, ES_EXT_ZERO)});
    image.append(200, 5);
    image.close_segment();
    image.append(300, 2);
    image.append({make_extent(50, 1), make_extent(60, 2)});
    image.append(400, 4);
}

} // namespace

#define REQUIRE_CLEAN(image)                                                                       \
    do {                                                                                           \
        INFO(text(findings(image, Severity::fault)));                                              \
        REQUIRE(check_store(image).findings.clean());                                              \
    } while (0)

#define REQUIRE_FAULT(image, area, offset, words)                                                  \
    do {                                                                                           \
        const auto found_ = findings(image, Severity::fault);                                      \
        INFO(text(found_));                                                                        \
        REQUIRE(has(found_, area, offset, words));                                                 \
    } while (0)

#define REQUIRE_NOTE(image, area, offset, words)                                                   \
    do {                                                                                           \
        const auto found_ = findings(image, Severity::note);                                       \
        INFO(text(found_));                                                                        \
        REQUIRE(has(found_, area, offset, words));                                                 \
    } while (0)

TEST_CASE("check: sound stores are clean", "[cli][check]") {
    StoreImage image;
    SECTION("fresh") {}
    SECTION("attached, empty") {
        image.attach();
    }
    SECTION("attached") {
        fill(image);
    }
    SECTION("detached") {
        fill(image);
        image.detach();
    }
    SECTION("attached a second time") {
        fill(image);
        image.detach();
        image.attach();
        image.append(500, 1);
    }
    SECTION("sealed") {
        fill(image);
        image.detach();
        image.seal();
    }
    SECTION("sealed and empty") {
        image.attach();
        image.detach();
        image.seal();
    }
    REQUIRE_CLEAN(image);
}

TEST_CASE("check: a full store is clean", "[cli][check]") {
    StoreImage image;
    image.attach();
    std::uint64_t chunk = 0;
    REQUIRE_THROWS([&] {
        for (;; chunk += 7)
            image.append(chunk, 7);
    }());
    image.detach();
    REQUIRE_CLEAN(image);
    const CheckResult result = check_store(image);
    REQUIRE(result.figures.chunks == chunk);
    REQUIRE(result.figures.payload_bytes == chunk * 4096);
}

TEST_CASE("check: a summary of several blocks", "[cli][check]") {
    es_sb sb = sample_sb();
    sb.segment_blocks = 256;
    StoreImage image(sb);
    image.attach();
    image.append_with_long_summary();
    image.detach();
    REQUIRE_CLEAN(image);
    REQUIRE(check_store(image).figures.extents == 3 * 168 + 1);
    image.flip(byte_offset(image.segment_last(0) - 1) + 100);
    REQUIRE_FAULT(image, Area::summary, byte_offset(image.segment_last(0) - 1),
                  "checksum mismatch");
}

TEST_CASE("check: figures count what is there", "[cli][check]") {
    StoreImage image;
    fill(image);
    image.detach();
    const StoreFigures f = check_store(image).figures;
    REQUIRE(f.segments == 2);
    REQUIRE(f.records == 6);
    REQUIRE(f.extents == 8);
    REQUIRE(f.chunks == 23);
    REQUIRE(f.payload_bytes == 19 * 4096);
    REQUIRE(f.total_bytes == 1024 * 4096);
    REQUIRE(f.used_bytes == (16 + 64 + 3 + 9) * 4096);
}

TEST_CASE("check: views", "[cli][check]") {
    StoreImage image(sample_view_sb());
    image.attach();
    image.append(10, 4);
    image.append(12, 4); // a view may write a chunk down again
    image.detach();
    REQUIRE_CLEAN(image);
    SECTION("payload is overwritten in place") {
        image.flip(byte_offset(image.records()[0].payload));
        REQUIRE_CLEAN(image);
    }
    SECTION("it can be read, at least") {
        image.fail_reads_of(image.records()[0].payload + 1);
        REQUIRE_FAULT(image, Area::payload, byte_offset(image.records()[0].payload),
                      "planted read error");
    }
    SECTION("headers are not") {
        image.flip(byte_offset(image.records()[0].addr) + 70);
        REQUIRE_FAULT(image, Area::record, byte_offset(image.records()[0].addr),
                      "checksum mismatch");
    }
}

TEST_CASE("check: no store", "[cli][check]") {
    StoreImage image;
    image.zero(ES_SB_A_BLOCK);
    image.zero(ES_SB_B_BLOCK);
    REQUIRE_FAULT(image, Area::superblock, 0, "blank");
    REQUIRE(!check_store(image).log_checked);
}

TEST_CASE("check: superblock copies", "[cli][check]") {
    StoreImage image;
    fill(image);
    SECTION("the older copy of a detached store") {
        image.detach();
        image.flip(byte_offset(image.older_copy()) + 41);
        REQUIRE_FAULT(image, Area::superblock, byte_offset(image.older_copy()),
                      "checksum mismatch");
    }
    SECTION("the older copy of an attached store may be torn") {
        image.flip(byte_offset(image.older_copy()) + 41);
        REQUIRE_CLEAN(image);
        REQUIRE_NOTE(image, Area::superblock, byte_offset(image.older_copy()), "checksum mismatch");
    }
    SECTION("the newer copy: what came after the older one proves it") {
        image.flip(byte_offset(image.newer_copy()) + 41);
        REQUIRE_FAULT(image, Area::log, byte_offset(image.segment_last(0)), "");
    }
    SECTION("torn while a store that was detached is attached") {
        image.detach();
        es_sb next = image.sb();
        ++next.generation;
        next.flags |= ES_SB_ATTACHED;
        ++next.epoch;
        const std::uint64_t torn = image.older_copy();
        Block block = encode(next);
        block.bytes[700] ^= 1; // another sector than the generation's
        image.device().overwrite(torn, block);
        REQUIRE_CLEAN(image);
        REQUIRE_NOTE(image, Area::superblock, byte_offset(torn), "checksum mismatch");
    }
    SECTION("unreadable") {
        image.fail_reads_of(image.older_copy());
        REQUIRE_FAULT(image, Area::superblock, byte_offset(image.older_copy()),
                      "planted read error");
    }
    SECTION("of another store") {
        image.edit_superblock(image.older_copy(), [](es_sb &sb) { sb.store_uuid[3] ^= 1; });
        REQUIRE_FAULT(image, Area::superblock, byte_offset(image.older_copy()), "another store");
    }
    SECTION("in the other one's place") {
        const std::uint64_t copy = image.older_copy();
        image.edit_superblock(copy, [](es_sb &sb) { sb.generation += 3; });
        REQUIRE_FAULT(image, Area::superblock, byte_offset(copy), "belongs to the other copy");
    }
    SECTION("generations apart") {
        image.edit_superblock(image.newer_copy(), [](es_sb &sb) { sb.generation += 2; });
        REQUIRE_NOTE(image, Area::superblock, byte_offset(image.older_copy()), "a write was lost");
    }
    SECTION("never written") {
        StoreImage fresh;
        fresh.edit_superblock(ES_SB_B_BLOCK, [](es_sb &sb) { sb.generation = 1; });
        fresh.zero(ES_SB_A_BLOCK);
        REQUIRE_CLEAN(fresh);
        REQUIRE_NOTE(fresh, Area::superblock, 0, "never written");
    }
}

TEST_CASE("check: states are noted", "[cli][check]") {
    StoreImage image;
    fill(image);
    image.detach();
    const auto change = GENERATE(0, 1, 2);
    const char *words = "";
    image.edit_superblock(image.newer_copy(), [&](es_sb &sb) {
        if (change == 0) {
            sb.state = ES_STATE_INVALID;
            words = "invalid";
        } else if (change == 1) {
            sb.state = ES_STATE_REMOVED;
            words = "taken out of its chain";
        } else {
            sb.flags |= ES_SB_SUSPECT;
            words = "suspect";
        }
    });
    REQUIRE_CLEAN(image);
    REQUIRE_NOTE(image, Area::superblock, std::nullopt, words);
}

TEST_CASE("check: the device's size", "[cli][check]") {
    StoreImage image;
    fill(image);
    SECTION("smaller") {
        image.shrink(1023);
        REQUIRE_FAULT(image, Area::device, std::nullopt, "smaller than its superblock says");
    }
    SECTION("larger") {
        image.device().grow(1030);
        REQUIRE_CLEAN(image);
        REQUIRE_NOTE(image, Area::device, std::nullopt, "not in use yet");
    }
}

TEST_CASE("check: record headers", "[cli][check]") {
    StoreImage image;
    fill(image);
    if (GENERATE(true, false))
        image.detach();
    const auto &records = image.records();
    SECTION("in a closed segment, where the kernel does not look") {
        image.flip(byte_offset(records[1].addr) + 64);
        REQUIRE_FAULT(image, Area::record, byte_offset(records[1].addr), "record 2 was due");
        REQUIRE(findings(image, Severity::fault).size() == 1);
    }
    SECTION("the last of a closed segment") {
        image.flip(byte_offset(records[2].addr) + 64);
        REQUIRE_FAULT(image, Area::record, byte_offset(records[2].addr), "none follows");
    }
    SECTION("in the open segment") {
        image.flip(byte_offset(records[4].addr) + 64);
        REQUIRE_FAULT(image, Area::record, byte_offset(records[4].addr), "the next one found is 6");
    }
    SECTION("the first of the open segment") {
        image.zero(records[3].addr);
        REQUIRE_FAULT(image, Area::record, byte_offset(records[3].addr), "record 4 was due");
    }
    SECTION("unreadable") {
        image.fail_reads_of(records[4].addr);
        REQUIRE_FAULT(image, Area::log, byte_offset(records[4].addr), "planted read error");
        REQUIRE_FAULT(image, Area::record, byte_offset(records[4].addr), "planted read error");
    }
}

TEST_CASE("check: a last record that cannot be read is not one that was torn", "[cli][check]") {
    StoreImage image;
    fill(image);
    image.fail_reads_of(image.records().back().payload);
    REQUIRE_FAULT(image, Area::log, byte_offset(image.records().back().payload),
                  "planted read error");
    CHECK_FALSE(check_store(image).findings.clean());
}

TEST_CASE("check: the last record of a detached store is missing", "[cli][check]") {
    StoreImage image;
    fill(image);
    image.detach();
    image.zero(image.records()[5].addr);
    const auto faults = findings(image, Severity::fault);
    INFO(text(faults));
    REQUIRE(std::ranges::any_of(faults, [](const Finding &f) {
        return f.area == Area::log && f.cause.find("record 6 was due") != std::string::npos;
    }));
}

TEST_CASE("check: payload", "[cli][check]") {
    StoreImage image;
    fill(image);
    SECTION("in a closed segment") {
        image.flip(byte_offset(image.records()[2].payload) + 8191);
        REQUIRE_FAULT(image, Area::payload, byte_offset(image.records()[2].payload),
                      "checksum mismatch");
    }
    SECTION("in the open segment") {
        image.flip(byte_offset(image.records()[3].payload));
        REQUIRE_FAULT(image, Area::payload, byte_offset(image.records()[3].payload),
                      "chunks 300..301: checksum mismatch");
    }
    SECTION("of the last record, detached") {
        image.detach();
        image.flip(byte_offset(image.records()[5].payload));
        REQUIRE_FAULT(image, Area::payload, byte_offset(image.records()[5].payload),
                      "checksum mismatch");
    }
    SECTION("of the last record, attached: a torn append") {
        image.flip(byte_offset(image.records()[5].payload));
        REQUIRE_CLEAN(image);
        REQUIRE_NOTE(image, Area::log, byte_offset(image.records()[5].payload), "torn");
        REQUIRE(check_store(image).figures.records == 5);
    }
    SECTION("unreadable") {
        image.fail_reads_of(image.records()[0].payload + 1);
        REQUIRE_FAULT(image, Area::payload, byte_offset(image.records()[0].payload),
                      "planted read error");
    }
}

TEST_CASE("check: behind the origin's end there are zeros", "[cli][check]") {
    es_sb sb = sample_sb();
    sb.origin_sectors = 8 * 100 + 3; // the last chunk holds three sectors
    StoreImage image(sb);
    image.attach();
    image.append(99, 1);
    image.append(100, 1);
    image.detach();
    REQUIRE_FAULT(image, Area::payload, byte_offset(image.records()[1].payload),
                  "not zero behind the origin's end");
    REQUIRE(findings(image, Severity::fault).size() == 1);
}

TEST_CASE("check: summaries", "[cli][check]") {
    StoreImage image;
    fill(image);
    const std::uint64_t footer = image.segment_last(0);
    SECTION("damaged, detached") {
        image.detach();
        image.flip(byte_offset(footer) + 200);
        REQUIRE_FAULT(image, Area::summary, byte_offset(footer), "checksum mismatch");
    }
    SECTION("missing: the kernel writes none when memory is short") {
        image.detach();
        image.zero(footer);
        REQUIRE_CLEAN(image);
        REQUIRE_NOTE(image, Area::summary, byte_offset(footer), "missing");
    }
    SECTION("unreadable") {
        image.fail_reads_of(footer);
        REQUIRE_FAULT(image, Area::summary, byte_offset(footer), "planted read error");
    }
    SECTION("damaged, attached: a crash may do that") {
        image.flip(byte_offset(footer) + 200);
        REQUIRE_CLEAN(image);
        REQUIRE_NOTE(image, Area::summary, byte_offset(footer), "normal after a crash");
        image.attach(); // nobody writes it again
        image.append(700, 1);
        image.detach();
        REQUIRE_CLEAN(image);
    }
    SECTION("other extents than the records") {
        image.detach();
        Block block = image.device().read(footer);
        put(block, block_field::chunk(1), 11);
        fix_crc(block, block_field::crc);
        image.device().overwrite(footer, block);
        REQUIRE_FAULT(image, Area::summary, byte_offset(footer), "extent 1 is not the one");
    }
    SECTION("one extent too many") {
        image.detach();
        Block block = image.device().read(footer);
        std::vector<es_extent> extents;
        es_block head{};
        REQUIRE(decode(block, ES_BLOCK_SUMMARY, image.sb(), footer, &head, &extents) == ES_OK);
        extents.push_back(make_extent(900, 1, 0, 0, ES_EXT_ZERO));
        ++head.nr_extents;
        image.device().overwrite(footer, encode(head, extents));
        REQUIRE_FAULT(image, Area::summary, byte_offset(footer), "1 extents that no record has");
    }
    SECTION("another last record") {
        image.detach();
        Block block = image.device().read(footer);
        put(block, block_field::prev_crc, 1234);
        fix_crc(block, block_field::crc);
        image.device().overwrite(footer, block);
        REQUIRE_FAULT(image, Area::summary, byte_offset(footer), "it ends with record 3");
    }
}

TEST_CASE("check: a summary from before the device grew", "[cli][check]") {
    es_sb sb = sample_sb();
    sb.device_blocks = 16 + 64 + 40; // the second segment is short
    StoreImage image(sb);
    image.attach();
    image.append(0, 60);
    image.append(100, 37); // fills the second one
    image.close_segment();
    image.grow(16 + 64 * 4);
    image.append(200, 30);
    image.detach();
    REQUIRE_CLEAN(image);
}

TEST_CASE("check: a chunk is copied twice", "[cli][check]") {
    StoreImage image;
    fill(image);
    image.append(402, 3);
    image.detach();
    REQUIRE_FAULT(image, Area::extent, byte_offset(image.records()[6].addr),
                  "chunks 402..404 overlap chunks 400..403");
}

TEST_CASE("check: chunks that the origin could not give", "[cli][check]") {
    StoreImage image;
    image.attach();
    image.append({make_extent(5, 3, 0, 0, ES_EXT_BAD)});
    image.detach();
    REQUIRE_CLEAN(image);
    REQUIRE_NOTE(image, Area::extent, std::nullopt, "3 chunks could not be read");
}

TEST_CASE("check: the chunk map of a detached store", "[cli][check]") {
    StoreImage image;
    fill(image);
    image.detach_with_map();
    REQUIRE_CLEAN(image);
    const std::uint64_t at = byte_offset(image.sb().map.addr);
    SECTION("damaged") {
        image.flip(at + 12); // chunks 96..103
        REQUIRE_FAULT(image, Area::map, at, "chunk 96 is there, in the log it is missing");
    }
    SECTION("a chunk missing") {
        image.flip(at + 12, 1 << 4);
        REQUIRE_FAULT(image, Area::map, at, "chunk 100 is missing, in the log it is there");
    }
    SECTION("unreadable") {
        image.fail_reads_of(image.sb().map.addr);
        REQUIRE_FAULT(image, Area::map, at, "planted read error");
    }
    SECTION("another checksum") {
        image.edit_superblock(image.newer_copy(), [](es_sb &sb) { sb.map.crc ^= 1; });
        REQUIRE_FAULT(image, Area::map, at, "the superblock says");
    }
    SECTION("other counts") {
        image.edit_superblock(image.newer_copy(), [](es_sb &sb) { sb.map.extents++; });
        REQUIRE_FAULT(image, Area::map, std::nullopt, "it counts 9 extents");
    }
    SECTION("inside the log") {
        image.edit_superblock(image.newer_copy(), [](es_sb &sb) {
            sb.map.addr = ES_DATA_BLOCK;
            sb.map.segment = 0;
        });
        REQUIRE_FAULT(image, Area::map, byte_offset(ES_DATA_BLOCK), "before the log ends");
    }
    SECTION("gone after the next attach") {
        image.attach();
        image.append(500, 3);
        image.detach();
        CHECK(image.sb().map.addr == 0);
        REQUIRE_CLEAN(image);
    }
}

TEST_CASE("check: the index of a sealed store", "[cli][check]") {
    StoreImage image;
    fill(image);
    image.detach();
    image.seal();
    REQUIRE_CLEAN(image);
    es_sb sb{};
    REQUIRE(read_superblock(image.device(), sb) == ES_OK);
    const std::uint64_t at = byte_offset(sb.index_addr);
    const auto edit = [&](Field field, std::uint64_t value) {
        Block block = image.device().read(sb.index_addr);
        put(block, field, value);
        fix_crc(block, block_field::crc);
        image.device().overwrite(sb.index_addr, block);
    };
    SECTION("damaged") {
        image.flip(at + 300);
        REQUIRE_FAULT(image, Area::index, at, "checksum mismatch");
    }
    SECTION("unreadable") {
        image.fail_reads_of(sb.index_addr);
        REQUIRE_FAULT(image, Area::index, at, "planted read error");
    }
    SECTION("not sorted") {
        edit(block_field::chunk(0), 30);
        REQUIRE_FAULT(image, Area::index, at, "out of order");
    }
    SECTION("another chunk") {
        edit(block_field::chunk(0), 9);
        REQUIRE_FAULT(image, Area::index, at, "entry 0 is chunks 9..10, the log has chunks 10..11");
    }
    SECTION("another place") {
        edit(block_field::extent_addr(0), 500);
        REQUIRE_FAULT(image, Area::index, at, "entry 0");
    }
    SECTION("the count of payload beside it") {
        image.edit_superblock(image.newer_copy(), [](es_sb &s) { ++s.payload_blocks; });
        REQUIRE_FAULT(image, Area::superblock, byte_offset(image.newer_copy()),
                      "20 blocks of payload, the log has 19");
    }
    SECTION("it lies on the log") {
        for (const std::uint64_t copy : {ES_SB_A_BLOCK, ES_SB_B_BLOCK})
            image.edit_superblock(copy, [](es_sb &s) { s.index_addr = 20; });
        REQUIRE_FAULT(image, Area::index, byte_offset(20), "before the log ends");
    }
}

TEST_CASE("check: a live store's passing faults are not reported", "[cli][check]") {
    // Heals after some reads, as a record being written does.
    class Healing final : public BlockSource {
    public:
        Healing(const StoreImage &bad, const StoreImage &good, int reads)
            : bad_(bad), good_(good), left_(reads) {}
        const std::string &name() const override { return bad_.name(); }
        std::uint64_t bytes() const override { return bad_.bytes(); }
        void read(std::uint64_t block, Bytes out) const override {
            if (left_ > 0)
                --left_;
            (left_ > 0 ? bad_ : good_).read(block, out);
        }

    private:
        const StoreImage &bad_, &good_;
        mutable int left_;
    };
    StoreImage good, bad;
    fill(good);
    fill(bad);
    bad.flip(byte_offset(bad.records()[0].payload));
    const CheckResult passing = check_live_store(Healing(bad, good, 20), {"holder"});
    REQUIRE(passing.findings.clean());
    REQUIRE(has(passing.findings.all(), Area::device, std::nullopt, "in use by holder"));
    const CheckResult lasting = check_live_store(Healing(bad, good, 1 << 20), {"holder"});
    REQUIRE(lasting.findings.count(Severity::fault) == 1);
}
