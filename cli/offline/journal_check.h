// SPDX-License-Identifier: GPL-2.0-only
//
// Verifies a write journal completely and never writes. The rules:
//
//   superblock  both copies valid, of one journal, of successive generations
//   log         core's walk reaches the end from the oldest record kept and from the oldest
//               needed, and what the superblock says of positions is so
//   payload     every checksum, but of a last record that was being written
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "offline/findings.h"
#include "offline/journal.h"

namespace esnap {

struct JournalCheck {
    JournalSuperblocks superblocks{};
    FindingList findings;
    std::uint64_t records = 0; /**< padding included */
    std::uint64_t entries = 0;
    std::optional<JournalEnd> end{};            /**< nothing: the walk did not get there */
    std::optional<std::uint64_t> oldest_time{}; /**< of the oldest entry kept */
};

/** Checks a journal that nobody writes to. Damage is a finding, never an exception. */
JournalCheck check_journal(const BlockSource &source);

/**
 * As check_live_store() in checker.h. Where the head overtakes the check, it goes on with what is
 * the oldest by then; if that happens too often, the rest is not verified.
 */
JournalCheck check_live_journal(const BlockSource &source, const std::vector<std::string> &holders);

/** As print_check_text() and print_check_json(); the keys are device, clean, faults,
 * unverified, notes, journal. */
void print_journal_check_text(const std::string &device, const JournalCheck &result,
                              bool with_notes, std::ostream &out);
void print_journal_check_json(const std::string &device, const JournalCheck &result,
                              std::ostream &out);

} // namespace esnap
