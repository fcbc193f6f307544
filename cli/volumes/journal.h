// SPDX-License-Identifier: GPL-2.0-only
//
// An origin's write journal: plans that make and remove it, and what activation and the next
// command do about one.
//
// Its LV is tagged esnap.pending until it is complete, and esnap.removing before anything is taken
// away. What decides is the newest store's superblock: it names the journal from before the first
// write that is acknowledged from it until all of it is in place (docs/decisions/005-journal.md).
//
//   making                                      removing
//   1. create and tag the LV                    1. tag it esnap.removing
//   2. format it                                2. switch to a table without it: the kernel
//   3. switch to a table with it (final)           writes what is pending (final)
//   4. not pending any more (final)             3. see that the newest store does not name it
//                                               4. remove the LV (final)
//
// Killed in between, the next command takes back what was not switched to, completes what was, and
// goes on with a removal.
#pragma once

#include <optional>
#include <string>

#include "dm-ext/targets.h"
#include "volumes/assemble.h"
#include "volumes/chain.h"
#include "volumes/create.h"
#include "volumes/system.h"

namespace esnap {

/** A journal for the origin of @found, which must be active; no name: the origin's. */
dmext::Plan create_journal(System &system, const Vg &vg, const Found &found,
                           const NewVolume &wanted);

dmext::Plan remove_journal(System &system, const Chain &chain);

/** Is the journal in the live table? */
bool is_in_table(System &system, const dmext::EsnapshotOrg &org, const Journal &journal);

/**
 * The journal that the chain's table must have, of LVs that are active; empty: none. What a killed
 * command has left of one is removed. Throws Error where the newest store names one that is not
 * there or not the right one: without it the origin would show old data.
 */
std::string choose_journal(System &system, const Chain &chain, const Tell &tell);

/** Completes, takes back or goes on removing the journal of a live chain. Returns whether
 * something was changed. */
bool settle_journal(System &system, const Chain &chain, const dmext::EsnapshotOrg &org,
                    const Tell &tell);

} // namespace esnap
