// SPDX-License-Identifier: GPL-2.0-only
//
// The write path's decision table, all of it.

#include <array>

#include <catch2/catch.hpp>

#include "es_plan.h"

namespace {

/** What happens to one kind of bio. */
struct PlanRow {
    es_op op;
    es_action needed;      // the newest snapshot reads the chunks from the origin
    es_action needed_copy; // the same with discard=copy
    es_trim trim;
};

constexpr std::array<PlanRow, ES_OP_NR> table{{
    {ES_OP_READ, ES_DO_PASS, ES_DO_PASS, ES_TRIM_KEEP},
    {ES_OP_WRITE, ES_DO_COPY, ES_DO_COPY, ES_TRIM_CLEAR},
    {ES_OP_ZEROES, ES_DO_COPY, ES_DO_COPY, ES_TRIM_CLEAR},
    {ES_OP_ERASE, ES_DO_COPY, ES_DO_COPY, ES_TRIM_CLEAR},
    {ES_OP_DISCARD, ES_DO_SWALLOW, ES_DO_COPY, ES_TRIM_SET},
    {ES_OP_FLUSH, ES_DO_PASS, ES_DO_PASS, ES_TRIM_KEEP},
}};

} // namespace

TEST_CASE("the decision table of the write path", "[plan]") {
    int op = 0;
    for (const PlanRow &row : table) {
        CAPTURE(row.op);
        CHECK(row.op == op++);
        CHECK(es_plan(row.op, false, false) == ES_DO_PASS);
        CHECK(es_plan(row.op, false, true) == ES_DO_PASS);
        CHECK(es_plan(row.op, true, false) == row.needed);
        CHECK(es_plan(row.op, true, true) == row.needed_copy);
        CHECK(es_plan_trim(row.op) == row.trim);
    }
}
