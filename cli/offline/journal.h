// SPDX-License-Identifier: GPL-2.0-only
//
// A write journal as the offline tools read it: both copies of its superblock, and its ring
// from the oldest record kept to the head, by core's walk, with every payload read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "es_jwalk.h"
#include "offline/block_source.h"
#include "offline/superblock.h"

namespace esnap {

/** One copy of a journal's superblock: what lies there, or why it is none. */
struct JournalCopy {
    char letter = 'A';
    std::uint64_t addr = 0;
    es_fault fault = ES_FAULT_BLANK;
    std::string read_error{}; // set if not even reading worked
    es_jsb sb{};              // valid if fault is ES_OK
    Claim claim{};

    bool valid() const { return fault == ES_OK && read_error.empty(); }
    std::string why_invalid() const;
};

struct JournalSuperblocks {
    JournalCopy a, b;
    es_fault fault = ES_FAULT_BLANK; // ES_OK: sb is valid
    es_jsb sb{};
    std::uint64_t from = 0; // address of the copy that sb came from

    bool valid() const { return fault == ES_OK; }
    const JournalCopy &chosen() const { return from == a.addr ? a : b; }
    const JournalCopy &other() const { return from == a.addr ? b : a; }
};

/** Whether one of the copies says that it is a journal's. */
bool is_journal(const Superblocks &both);
bool is_journal(const BlockSource &source);

/** Reads both copies. A copy that cannot be read is noted, not thrown. */
JournalSuperblocks read_journal_superblocks(const BlockSource &source);

/** The superblock that counts; throws Error if @source is no valid journal. */
es_jsb load_journal_superblock(const BlockSource &source);

/** What reading an entry's payload told. */
enum class PayloadState { none, ok, bad };

struct ReadEntry {
    es_jentry entry{};
    PayloadState payload = PayloadState::none;
    std::string read_error{};
};

struct ReadRecord {
    es_jrec rec{};
    std::vector<ReadEntry> entries{};
    bool torn = false; /**< the last one, not written completely: as if it had never been */

    bool payload_ok() const;
};

/** How a walk ended. */
struct JournalEnd {
    bool done = false; /**< the ring is valid */
    es_ring ring{};
    es_fault fault = ES_OK;
    std::uint64_t fault_addr = 0;
    std::string read_error{};

    std::string cause() const { return read_error.empty() ? es_fault_text(fault) : read_error; }
    std::uint64_t total_bytes() const { return byte_offset(es_ring_blocks(&ring)); }
    /** Of records that may not be in place yet. */
    std::uint64_t needed_bytes() const { return byte_offset(es_ring_needed_blocks(&ring)); }
    /** The same and the history before them. */
    std::uint64_t kept_bytes() const { return byte_offset(es_ring_kept_blocks(&ring)); }
};

/** Calls @take with each record from @from on; a record that is torn comes last. */
JournalEnd walk_journal(const BlockSource &source, const es_jsb &sb, const es_jpos &from,
                        const std::function<void(const ReadRecord &)> &take);

std::string journal_state_text(std::uint16_t state);
std::string op_text(std::uint16_t op);
std::string payload_text(PayloadState state);
/** Nanoseconds since 1970: UTC, as ISO 8601 with nine decimals. */
std::string nanoseconds_text(std::uint64_t time);

} // namespace esnap
