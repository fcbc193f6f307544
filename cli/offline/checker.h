// SPDX-License-Identifier: GPL-2.0-only
//
// Verifies a store completely and never writes. The rules:
//
//   superblock  both copies valid, of one store, of successive generations, each in its place
//   log         core's replay reaches the end, and the end is where a clean detach left it
//   record      every header in place, in sequence, chained to its predecessor
//   summary     of a closed segment: undamaged if it is there, equal to the segment's records
//   payload     every checksum; inside its segment, nothing twice; zero behind the origin's end
//   extent      a snapshot's store holds no chunk twice
//   index       of a sealed store: valid, behind the log, equal to the log's extents; the
//               superblock's count of payload right
//   chunk map   of a cleanly detached store that has one: behind the log, its bits and counts
//               those of the log
//
// What a power cut may leave behind (a torn last record, summary or older superblock of an
// attached store; in any store a torn commit of the next superblock) is a note and no fault.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "offline/block_source.h"
#include "offline/findings.h"
#include "offline/superblock.h"

namespace esnap {

/** Figures for the last line of a report. */
struct StoreFigures {
    std::uint64_t segments = 0;
    std::uint64_t records = 0;
    std::uint64_t extents = 0;
    std::uint64_t chunks = 0;
    std::uint64_t bad_chunks = 0; /**< the origin could not be read when they were copied */
    std::uint64_t payload_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t total_bytes = 0;
};

struct CheckResult {
    Superblocks superblocks{};
    FindingList findings;
    StoreFigures figures{};
    bool log_checked = false; /**< figures are valid */
};

/** Checks a store that nobody writes to. Damage is a finding, never an exception. */
CheckResult check_store(const BlockSource &source);

/**
 * Checks a store that @holders have in use. What changes while it is read can look like
 * damage, so only what every one of several runs finds is a fault. What the last one could not
 * verify is reported as such, but for what was appended meanwhile.
 */
CheckResult check_live_store(const BlockSource &source, const std::vector<std::string> &holders);

// The parts of check_store, one file each.

void check_superblocks(const Superblocks &both, std::uint64_t device_blocks, FindingSink &sink);

/** An extent of the log and where it is written down. */
struct PlacedExtent {
    es_extent extent{};
    std::uint64_t addr = 0; /**< block of the record's header or the summary */
};

/** Returns all extents in the order of the log. */
std::vector<PlacedExtent> check_log(const BlockSource &source, const es_sb &sb,
                                    StoreFigures &figures, FindingSink &sink);

/** Sorts @extents by chunk and looks for overlaps. */
void check_extents(const es_sb &sb, std::vector<PlacedExtent> &extents, FindingSink &sink);

/** @sorted: all extents of the log by chunk; @log_end: the first block behind the log. */
void check_index(const BlockSource &source, const es_sb &sb,
                 const std::vector<PlacedExtent> &sorted, std::uint64_t log_end, FindingSink &sink);

/** The bits of a chunk map that the log's extents ask for; 64 chunks in a word. */
std::vector<u64> chunkmap_words(const es_sb &sb, const std::vector<PlacedExtent> &extents);

/** The same for the chunk map, and its counts against @figures. */
void check_chunkmap(const BlockSource &source, const es_sb &sb,
                    const std::vector<PlacedExtent> &sorted, const StoreFigures &figures,
                    FindingSink &sink);

} // namespace esnap
