// SPDX-License-Identifier: GPL-2.0-only
#include <catch2/catch.hpp>

#include "ledger.h"

using namespace races;

namespace {

Look look_now(const Ledger &ledger) {
    Look look = ledger.look({0, ledger.sectors()});

    ledger.end(look);
    return look;
}

} // namespace

TEST_CASE("of writes that follow each other the last one counts", "[races]") {
    Clock clock;
    Ledger ledger(clock, 8);
    const Look before = look_now(ledger);
    const Number one = ledger.begin();
    ledger.end(one, {0, 4});
    const Look between = look_now(ledger);
    const Number two = ledger.begin();
    ledger.end(two, {2, 4});
    const Look after = look_now(ledger);

    CHECK(ledger.allows(before, 0, 0));
    CHECK_FALSE(ledger.allows(before, 0, one)); // from the future
    CHECK(ledger.allows(between, 0, one));
    CHECK_FALSE(ledger.allows(between, 0, 0)); // lost
    CHECK(ledger.allows(between, 4, 0));
    CHECK(ledger.allows(after, 1, one));
    CHECK_FALSE(ledger.allows(after, 2, one));
    CHECK(ledger.allows(after, 2, two));
    CHECK_FALSE(ledger.allows(after, 2, two + 1)); // of nobody
}

TEST_CASE("of writes that overlap in time either may be the last", "[races]") {
    Clock clock;
    Ledger ledger(clock, 1);
    const Number one = ledger.begin();
    const Number two = ledger.begin();
    const Look none = look_now(ledger);
    ledger.end(two, {0, 1});
    const Look half = look_now(ledger);
    ledger.end(one, {0, 1});
    const Look both = look_now(ledger);

    for (const Number n : {Number{0}, one, two})
        CHECK(ledger.allows(none, 0, n));
    CHECK_FALSE(ledger.allows(half, 0, 0));
    CHECK(ledger.allows(half, 0, one));
    CHECK(ledger.allows(half, 0, two));
    CHECK(ledger.allows(both, 0, one));
    CHECK(ledger.allows(both, 0, two));
}

TEST_CASE("what was acknowledged while somebody looked may or may not be seen", "[races]") {
    Clock clock;
    Ledger ledger(clock, 1);
    Look look = ledger.look({0, 1});
    const Number one = ledger.begin();
    ledger.end(one, {0, 1});
    ledger.end(look);

    CHECK(ledger.allows(look, 0, 0));
    CHECK(ledger.allows(look, 0, one));
}
