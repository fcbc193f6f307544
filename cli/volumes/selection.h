// SPDX-License-Identifier: GPL-2.0-only
//
// Which rows esnap lvs prints: LVM's -S, without parentheses.
#pragma once

#include <string>
#include <vector>

#include "volumes/listing.h"

namespace esnap {

/**
 * FIELD OP VALUE, joined by && (or a comma), and those by ||, which binds less. OP is one of
 * = != < <= > >= =~ !~ ; the last two take a regular expression (ECMAScript's). Sizes may have
 * units.
 */
class Selection {
public:
    /** An empty text selects everything. Throws UsageError. */
    explicit Selection(const std::string &text);

    bool selects(const Row &row) const;

private:
    struct Condition {
        const Field *field;
        std::string op;
        std::string value;
        std::uint64_t number = 0;

        bool holds(const Row &row) const;
    };

    static Condition parse(const std::string &text);

    std::vector<std::vector<Condition>> any_of_; /**< each: all of */
};

} // namespace esnap
