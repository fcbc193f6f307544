// SPDX-License-Identifier: GPL-2.0-only
//
// Writes the superblocks of a fresh store or journal. Everything is verified before the first byte
// is written; a refusal is an Error and leaves the device as it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "es_jformat.h"
#include "offline/superblock.h"

namespace esnap {

constexpr std::uint64_t default_chunk_bytes = 64 * 1024;

/** What all kinds of stores have in common. */
struct FormatTarget {
    std::string store;                            /**< device to be formatted */
    std::optional<std::uint64_t> segment_bytes{}; /**< default: by chunk and device size */
    bool force = false;                           /**< wipe and overwrite what is there */
    bool test = false;                            /**< verify all, write nothing */
    std::optional<Uuid> store_uuid{};             /**< default: a new one */
};

/** The store of a snapshot of @origin. */
struct SnapshotFormat {
    FormatTarget target{};
    std::string origin;
    std::string after{}; /**< the chain's newest store; empty: a new chain */
    std::optional<std::uint64_t> chunk_bytes{};
    std::optional<Uuid> chain_uuid{}; /**< of a new chain; default: a new one */
};

/** The store of a view of the snapshot in @snapshot_store. */
struct ViewFormat {
    FormatTarget target{};
    std::string snapshot_store;
};

/** A write journal for the origin of the chain whose newest store is @newest_store. */
struct JournalFormat {
    FormatTarget target{}; /**< store_uuid is the journal's; no segments */
    std::string newest_store;
};

/** Each returns the superblock that was (or, for a test, would have been) written. */
es_sb format_snapshot_store(const SnapshotFormat &request);
es_sb format_view_store(const ViewFormat &request);
es_jsb format_journal(const JournalFormat &request);

Uuid random_uuid();

/** Default segment size: smaller than usual where there would be few, larger where many. */
std::uint32_t choose_segment_blocks(std::uint32_t chunk_sectors, std::uint64_t device_blocks);

} // namespace esnap
