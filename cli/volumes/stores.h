// SPDX-License-Identifier: GPL-2.0-only
//
// What is in a chain's stores, compared with what the tags of their LVs say.
#pragma once

#include <vector>

#include "es_format.h"
#include "volumes/assemble.h"
#include "volumes/chain.h"

namespace esnap {

/** A volume and its store's superblock. */
struct OpenedStore {
    Volume volume;
    es_sb sb;

    /** Has it ever been in use? If not, the snapshot was never taken. */
    bool was_attached() const { return sb.epoch > 0; }
};

/** Reads the superblock, and throws Error if the store is not the one that the tags name. */
OpenedStore open_store(const Volume &volume);

/**
 * Is @volume pending, and its store not its own: was the command killed before it formatted the
 * LV? Whatever lay there before, another store too, says nothing. Throws Error if it cannot be
 * read.
 */
bool is_unformatted(const Volume &volume);

/** Removes the LV of what was never taken, or is gone already. */
void forget_volume(System &system, const Volume &volume);

/**
 * Snapshots from oldest to newest as they belong into the table. Left out are: what was never
 * taken (it goes), what the kernel has dropped already (it goes), and everything up to the last
 * invalid one (it stays to be looked at). The stores' LVs are active.
 */
std::vector<OpenedStore> choose_stores(System &system, const Chain &chain, const Tell &tell);

/**
 * Throws Error unless @stores, snapshots from oldest to newest, are one whole chain for the
 * origin: none missing in the middle or at the end, sizes and chunks equal.
 */
void require_whole_chain(const Chain &chain, const std::vector<OpenedStore> &stores);

} // namespace esnap
