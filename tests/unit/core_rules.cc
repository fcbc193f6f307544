// SPDX-License-Identifier: GPL-2.0-only
//
// Chain rules, table-driven: each row is one change to a valid case and what it must give.

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "es_rules.h"
#include "support/core_values.h"

using namespace esnap::test;

namespace {

using Change = std::function<void(es_sb &)>;

struct Row {
    const char *what;
    Change change;
    es_fault fault;
};

void name(std::uint8_t *uuid, char letter) {
    std::fill_n(uuid, ES_UUID_SIZE, static_cast<std::uint8_t>(letter));
}

/** Store 'B' of a chain, behind 'A'. */
es_sb store_b() {
    es_sb sb = sample_sb();
    name(sb.store_uuid, 'B');
    name(sb.link_uuid, 'A');
    sb.serial = 2;
    return sb;
}

es_sb store_a() {
    es_sb sb = sample_sb();
    name(sb.store_uuid, 'A');
    name(sb.link_uuid, '\0');
    name(sb.next_uuid, 'B');
    sb.serial = 1;
    return sb;
}

es_sb view_of_b() {
    es_sb sb = sample_view_sb();
    name(sb.store_uuid, 'V');
    name(sb.link_uuid, 'B');
    sb.serial = 2;
    return sb;
}

} // namespace

TEST_CASE("which store may be in a chain", "[rules]") {
    const std::vector<Row> rows{
        {"as it is", [](es_sb &) {}, ES_OK},
        {"sealed", [](es_sb &sb) { sb.state = ES_STATE_SEALED; }, ES_OK},
        {"smaller origin then", [](es_sb &sb) { sb.origin_sectors -= 1; }, ES_OK},
        {"a view", [](es_sb &sb) { sb.kind = ES_KIND_VIEW; }, ES_FAULT_KIND},
        {"invalid", [](es_sb &sb) { sb.state = ES_STATE_INVALID; }, ES_FAULT_INVALID},
        {"removed", [](es_sb &sb) { sb.state = ES_STATE_REMOVED; }, ES_FAULT_REMOVED},
        {"chunk size", [](es_sb &sb) { sb.chunk_sectors = 16; }, ES_FAULT_CHUNK_DIFFERS},
        {"bigger origin then", [](es_sb &sb) { sb.origin_sectors += 1; }, ES_FAULT_ORIGIN_SHRANK},
    };
    for (const Row &row : rows) {
        INFO(row.what);
        es_sb sb = store_b();
        row.change(sb);
        CHECK(es_rules_member(&sb, 1u << 20, 8) == row.fault);
    }
}

TEST_CASE("which store may follow another", "[rules]") {
    const std::vector<Row> rows{
        {"as it is", [](es_sb &) {}, ES_OK},
        {"serials missing between", [](es_sb &sb) { sb.serial = 9; }, ES_OK},
        {"origin grew", [](es_sb &sb) { sb.origin_sectors += 8; }, ES_OK},
        {"itself", [](es_sb &sb) { name(sb.store_uuid, 'A'); }, ES_FAULT_TWICE},
        {"chain", [](es_sb &sb) { name(sb.chain_uuid, 'x'); }, ES_FAULT_OTHER_CHAIN},
        {"another one between", [](es_sb &sb) { name(sb.link_uuid, 'x'); }, ES_FAULT_ORDER},
        {"same serial", [](es_sb &sb) { sb.serial = 1; }, ES_FAULT_ORDER},
        {"not the one the older names", [](es_sb &sb) { name(sb.store_uuid, 'C'); },
         ES_FAULT_ORDER},
        {"origin shrank", [](es_sb &sb) { sb.origin_sectors -= 8; }, ES_FAULT_ORIGIN_SHRANK},
    };
    for (const Row &row : rows) {
        INFO(row.what);
        const es_sb older = store_a();
        es_sb sb = store_b();
        row.change(sb);
        CHECK(es_rules_follows(&sb, &older) == row.fault);
    }
}

TEST_CASE("a store whose successor is not yet named may be followed", "[rules]") {
    es_sb older = store_a();
    name(older.next_uuid, '\0');
    es_sb sb = store_b();
    sb.epoch = 0;
    CHECK(es_rules_follows(&sb, &older) == ES_OK);
    CHECK(es_rules_follows(&older, &sb) == ES_FAULT_ORDER);
}

TEST_CASE("a store that was in use must be named by the one before it", "[rules]") {
    es_sb older = store_a();
    es_sb sb = store_b();
    sb.epoch = 1;
    CHECK(es_rules_follows(&sb, &older) == ES_OK);
    name(older.next_uuid, '\0');
    CHECK(es_rules_follows(&sb, &older) == ES_FAULT_NOT_FRESH);
}

TEST_CASE("which store may be the newest", "[rules]") {
    const std::vector<Row> rows{
        {"as it is", [](es_sb &) {}, ES_OK},
        {"with a successor", [](es_sb &sb) { name(sb.next_uuid, 'C'); }, ES_FAULT_NOT_NEWEST},
        {"sealed", [](es_sb &sb) { sb.state = ES_STATE_SEALED; }, ES_FAULT_NOT_NEWEST},
    };
    for (const Row &row : rows) {
        INFO(row.what);
        es_sb sb = store_b();
        row.change(sb);
        CHECK(es_rules_newest(&sb) == row.fault);
    }
}

namespace {

struct ChangeRow {
    std::string now, next;
    es_fault fault;
    std::uint32_t drop = 0;
    bool add = false;
};

std::vector<es_uuid> uuids(const std::string &letters) {
    std::vector<es_uuid> list(letters.size());
    for (std::size_t i = 0; i < letters.size(); ++i)
        name(list[i].b, letters[i]);
    return list;
}

es_fault change_rule(const ChangeRow &row, const es_sb *added, es_change &change) {
    const std::vector<es_uuid> now = uuids(row.now);
    const std::vector<es_uuid> next = uuids(row.next);
    return es_rules_change(now.data(), static_cast<u32>(now.size()), next.data(),
                           static_cast<u32>(next.size()), added, &change);
}

const std::vector<ChangeRow> change_rows{
    {"ABC", "ABC", ES_OK, 0, false},     {"ABC", "ABCD", ES_OK, 0, true},
    {"ABC", "BC", ES_OK, 1, false},      {"ABC", "C", ES_OK, 2, false},
    {"ABC", "", ES_OK, 3, false},        {"ABC", "CD", ES_OK, 2, true},
    {"ABC", "D", ES_OK, 3, true},        {"", "D", ES_OK, 0, true},
    {"", "", ES_OK, 0, false},           {"ABC", "AC", ES_FAULT_NOT_OLDEST},
    {"ABC", "AB", ES_FAULT_NOT_OLDEST},  {"ABC", "B", ES_FAULT_NOT_OLDEST},
    {"ABC", "ABD", ES_FAULT_NOT_OLDEST}, {"ABC", "ACB", ES_FAULT_NOT_OLDEST},
    {"ABC", "BAC", ES_FAULT_NOT_OLDEST}, {"ABC", "ABCDE", ES_FAULT_ADD_MANY},
    {"ABC", "CDE", ES_FAULT_ADD_MANY},   {"", "DE", ES_FAULT_ADD_MANY},
    {"ABC", "DE", ES_FAULT_ORDER},       {"ABC", "DABC", ES_FAULT_ORDER},
};

} // namespace

TEST_CASE("how a live chain may change", "[rules]") {
    for (const ChangeRow &row : change_rows) {
        CAPTURE(row.now, row.next);
        es_sb added = sample_sb();
        added.epoch = 0;
        name(added.link_uuid, 'C');
        es_change change{99, false};
        const es_fault fault = change_rule(row, row.next.empty() ? nullptr : &added, change);
        CHECK(fault == row.fault);
        if (fault != ES_OK)
            continue;
        CHECK(change.drop == row.drop);
        CHECK(change.add == row.add);
    }
}

TEST_CASE("only a fresh store that follows is added to a live chain", "[rules]") {
    es_sb added = sample_sb();
    added.epoch = 0;
    name(added.link_uuid, 'C');
    es_change change{};
    CHECK(change_rule({"ABC", "ABCD", ES_OK}, &added, change) == ES_OK);
    added.epoch = 1;
    CHECK(change_rule({"ABC", "ABCD", ES_OK}, &added, change) == ES_FAULT_NOT_FRESH);
    added.epoch = 0;
    name(added.next_uuid, 'E');
    CHECK(change_rule({"ABC", "ABCD", ES_OK}, &added, change) == ES_FAULT_NOT_FRESH);
    name(added.next_uuid, '\0');
    name(added.link_uuid, 'B');
    CHECK(change_rule({"ABC", "D", ES_OK}, &added, change) == ES_FAULT_ORDER);
}

TEST_CASE("every chain reached by dropping the oldest and adding one is allowed", "[rules]") {
    const std::string all = "ABCDEFGH";
    es_sb added = sample_sb();
    added.epoch = 0;
    for (std::uint32_t nr = 1; nr < 7; ++nr)
        for (std::uint32_t drop = 0; drop <= nr; ++drop)
            for (const bool add : {false, true}) {
                name(added.link_uuid, all[nr - 1]);
                const ChangeRow row{all.substr(0, nr), all.substr(drop, nr - drop + (add ? 1 : 0)),
                                    ES_OK};
                es_change change{};
                CAPTURE(row.now, row.next);
                REQUIRE(change_rule(row, &added, change) == ES_OK);
                REQUIRE(change.drop == drop);
                REQUIRE(change.add == add);
            }
}

TEST_CASE("which store may be a view of a snapshot", "[rules]") {
    const std::vector<Row> rows{
        {"as it is", [](es_sb &) {}, ES_OK},
        {"a snapshot", [](es_sb &sb) { sb.kind = ES_KIND_SNAPSHOT; }, ES_FAULT_KIND},
        {"invalid", [](es_sb &sb) { sb.state = ES_STATE_INVALID; }, ES_FAULT_INVALID},
        {"sealed", [](es_sb &sb) { sb.state = ES_STATE_SEALED; }, ES_FAULT_STATE},
        {"removed", [](es_sb &sb) { sb.state = ES_STATE_REMOVED; }, ES_FAULT_STATE},
        {"chain", [](es_sb &sb) { name(sb.chain_uuid, 'x'); }, ES_FAULT_OTHER_CHAIN},
        {"of another snapshot", [](es_sb &sb) { name(sb.link_uuid, 'A'); }, ES_FAULT_UUID},
        {"of another serial", [](es_sb &sb) { sb.serial = 3; }, ES_FAULT_UUID},
        {"chunk size", [](es_sb &sb) { sb.chunk_sectors = 16; }, ES_FAULT_CHUNK_DIFFERS},
        {"size", [](es_sb &sb) { sb.origin_sectors += 8; }, ES_FAULT_ORIGIN_SIZE},
    };
    const es_sb base = store_b();
    for (const Row &row : rows) {
        INFO(row.what);
        es_sb view = view_of_b();
        row.change(view);
        CHECK(es_rules_view(&view, &base) == row.fault);
    }
    const es_sb view = view_of_b();
    CHECK(es_rules_view(&view, &view) == ES_FAULT_KIND);
}
