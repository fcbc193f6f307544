// SPDX-License-Identifier: GPL-2.0-only
//
// Both copies of a store's superblock as they were read, and the words for its fields.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "es_format.h"
#include "offline/block_source.h"

namespace esnap {

using Uuid = std::array<std::uint8_t, ES_UUID_SIZE>;

/** What a copy says of itself although its checksum is wrong. */
struct Claim {
    std::uint64_t generation = 0; /**< 0: nothing can be said */
    Uuid uuid{};                  /**< of the store or journal */

    /** Of a copy whose decoding ended in @fault. Stores and journals have both in one place. */
    static Claim of(es_fault fault, ConstBytes block);

    /**
     * Is it the commit behind @generation of the same store or journal? Then a power cut tore it.
     * If its first sector did not arrive that cannot be told.
     */
    bool is_torn_commit(const std::uint8_t *of_uuid, std::uint64_t behind) const;
};

/** One copy: what lies there, or why it is none. */
struct SuperblockCopy {
    char letter = 'A';
    std::uint64_t addr = 0;
    es_fault fault = ES_FAULT_BLANK;
    std::string read_error; // set if not even reading worked
    es_sb sb{};             // valid if fault is ES_OK
    Claim claim{};

    bool valid() const { return fault == ES_OK && read_error.empty(); }
};

/** Both copies and the one that counts. */
struct Superblocks {
    SuperblockCopy a, b;
    es_fault fault = ES_FAULT_BLANK; // ES_OK: sb is valid
    es_sb sb{};
    std::uint64_t from = 0; // address of the copy that sb came from

    bool valid() const { return fault == ES_OK; }
    const SuperblockCopy &chosen() const { return from == a.addr ? a : b; }
    const SuperblockCopy &other() const { return from == a.addr ? b : a; }
};

/** Reads both copies. A copy that cannot be read is noted, not thrown. */
Superblocks read_superblocks(const BlockSource &source);

/** Throws Error unless both copies could be read, whatever they hold. */
void require_readable(const BlockSource &source, const Superblocks &both);

/** Throws Error, saying why, unless one of the copies is valid. */
void require_valid(const BlockSource &source, const Superblocks &both);

/** The superblock that counts; throws Error if @source is no valid store. */
es_sb load_superblock(const BlockSource &source);

std::string uuid_text(const std::uint8_t *uuid);
std::string kind_text(std::uint16_t kind);
std::string state_text(std::uint16_t state);
std::string flags_text(std::uint32_t flags);
/** UTC, as ISO 8601. */
std::string time_text(std::uint64_t seconds);
/** Exact and handy: "67108864 bytes (64.0 MiB)". */
std::string bytes_text(std::uint64_t bytes);
/** Handy only: "64 KiB", "1.5 GiB". */
std::string size_text(std::uint64_t bytes);

} // namespace esnap
