// SPDX-License-Identifier: GPL-2.0-only
//
// Small tools for tests about messages and recorded texts.
#pragma once

#include <string>

#include <catch2/catch.hpp>

namespace esnap::test {

/** What the E says that @call throws; "no error" if it throws nothing. */
template <class E, class F>
std::string message_of(F call) {
    try {
        call();
    } catch (const E &error) {
        return error.what();
    }
    return "no error";
}

/** @text with the first @from, which must be there, replaced. */
inline std::string replaced(std::string text, const std::string &from, const std::string &to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

} // namespace esnap::test
