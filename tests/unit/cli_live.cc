// SPDX-License-Identifier: GPL-2.0-only
//
// esnap check and scrub of what is written while they read: what passes is no fault, and what
// could not be verified is not called clean.

#include <functional>
#include <sstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "offline/check_report.h"
#include "offline/journal_check.h"
#include "support/findings.h"
#include "support/journal_image.h"
#include "support/store_image.h"

using namespace esnap;
using namespace esnap::test;
using Catch::Contains;

namespace {

/** Something is done before each reading of the superblock's copy A, or of anything else. */
class Changing final : public BlockSource {
public:
    using Change = std::function<void(std::uint64_t block)>;

    Changing(const BlockSource &source, Change change)
        : source_(source), change_(std::move(change)) {}

    const std::string &name() const override { return source_.name(); }
    std::uint64_t bytes() const override { return source_.bytes(); }
    void read(std::uint64_t block, Bytes out) const override {
        change_(block);
        source_.read(block, out);
    }

private:
    const BlockSource &source_;
    Change change_;
};

void fill(StoreImage &image) {
    image.attach();
    for (std::uint64_t i = 0; i < 4; ++i)
        image.append(100 * i, 3);
}

/** Each time the check reads copy A; check_store() does so when it begins and when it ends. */
Changing::Change each_run(const std::function<void(int run)> &change) {
    return [change, reads = 0](std::uint64_t block) mutable {
        if (block == ES_SB_A_BLOCK && reads++ % 2 == 0)
            change(reads / 2);
    };
}

/** Records of 41 blocks. */
void append(JournalImage &image, int records) {
    static std::uint64_t time = 1700000001'000000000;
    for (int i = 0; i < records; ++i) {
        image.writer().in_place(0);
        image.append({make_entry(ES_JOP_WRITE, 8, 40 * 8, ++time)});
    }
}

} // namespace

TEST_CASE("check: what the last of several readings of a store could not verify is said",
          "[cli][check][live]") {
    StoreImage image;
    fill(image);
    std::uint64_t bad = 0;
    const Changing source(image, each_run([&](int run) {
                              if (bad != 0)
                                  image.flip(bad);
                              bad = byte_offset(
                                  image.records()[static_cast<std::size_t>(run)].payload);
                              image.flip(bad);
                          }));

    const CheckResult result = check_live_store(source, {"holder"});
    INFO(text(result.findings.all()));
    CHECK(result.findings.count(Severity::fault) == 0);
    REQUIRE(result.findings.count(Severity::unverified) == 1);
    CHECK_FALSE(result.findings.clean());
    std::ostringstream out, json;
    print_check_text("store", result, false, out);
    CHECK_THAT(out.str(), Contains("not verified: payload at byte ") &&
                              Contains("store: 0 faults, not verified completely"));
    print_check_json("store", result, json);
    const auto parsed = nlohmann::json::parse(json.str());
    CHECK(parsed["clean"] == false);
    CHECK(parsed["faults"].empty());
    CHECK(parsed["unverified"].size() == 1);
}

TEST_CASE("check: what was appended to a store meanwhile need not be verified",
          "[cli][check][live]") {
    StoreImage image;
    fill(image);
    std::uint64_t hidden = 0;
    Block header;
    const Changing source(image, each_run([&](int) {
                              // Of two records that were appended at once, only the second one is
                              // seen.
                              if (hidden != 0)
                                  image.device().overwrite(hidden, header);
                              image.append(1000 + 10 * image.records().size(), 1);
                              hidden = image.records().back().addr;
                              image.append(1000 + 10 * image.records().size(), 1);
                              header = image.device().read(hidden);
                              image.zero(hidden);
                          }));

    const CheckResult result = check_live_store(source, {"holder"});
    INFO(text(result.findings.all()));
    CHECK(image.records().size() == 10); // three runs: each found the gap
    CHECK(result.findings.clean());
}

TEST_CASE("check: the head of a journal overtakes the reading", "[cli][check][live][journal]") {
    JournalImage image;
    REQUIRE(image.writer().attach().fault == ES_OK);
    append(image, 40); // more than once around
    int reads = 0;
    bool is_endless = false;
    const Changing source(image, [&](std::uint64_t block) {
        if (block >= ES_DATA_BLOCK && (++reads == 3 || is_endless))
            append(image, 15);
    });

    SECTION("once: what came after is verified instead") {
        const JournalCheck result = check_live_journal(source, {"holder"});
        INFO(text(result.findings.all()));
        CHECK(result.findings.clean());
        CHECK(has(result.findings.all(), Area::log, std::nullopt, "before they were read"));
        REQUIRE(result.end);
        CHECK(result.end->ring.head.seq == image.writer().ring().head.seq);
    }
    SECTION("always: not verified") {
        is_endless = true;
        const JournalCheck result = check_live_journal(source, {"holder"});
        INFO(text(result.findings.all()));
        CHECK(result.findings.count(Severity::fault) == 0);
        CHECK(result.findings.count(Severity::unverified) >= 1);
        CHECK_FALSE(result.findings.clean());
        std::ostringstream out;
        print_journal_check_text("journal", result, false, out);
        CHECK_THAT(out.str(), Contains("written faster than it is read") &&
                                  Contains("not verified completely"));
    }
    SECTION("damage stays a fault") {
        image.flip(byte_offset(image.writer().sb().mark[0].pos.addr) + 70);
        reads = 10;
        const JournalCheck result = check_live_journal(source, {"holder"});
        INFO(text(result.findings.all()));
        CHECK(result.findings.count(Severity::fault) == 1);
        CHECK(has(result.findings.all(), Area::log,
                  byte_offset(image.writer().sb().mark[0].pos.addr), "the history ends here"));
    }
}
