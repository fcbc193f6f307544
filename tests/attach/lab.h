// SPDX-License-Identifier: GPL-2.0-only
//
// The devices of the attach fuzzer: one RAM disk, cut by dm-linear into an origin, the stores
// of a chain, a view's store and a journal; and putting known bytes on them again and again.
//
// Units: blocks of 4096 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "block_io.h"
#include "devices.h"
#include "support/core_values.h"

namespace attach {

inline constexpr std::size_t block_bytes = ES_BLOCK_SIZE;
inline constexpr std::uint64_t block_sectors = ES_BLOCK_SECTORS;
inline constexpr std::uint64_t chunk_sectors = ES_MIN_CHUNK_SECTORS;
inline constexpr std::uint64_t origin_blocks = 128;
inline constexpr std::uint64_t origin_sectors = origin_blocks * block_sectors;

inline constexpr std::size_t nr_stores = 3;
enum Part : std::size_t { origin = 0, store = 1, view = store + nr_stores, journal, nr_parts };

const char *name_of(std::size_t part);

using Content = std::vector<std::byte>;
using Disks = std::array<Content, nr_parts>;
using Block = esnap::test::Block;

/** A block of a part. */
using Place = std::pair<std::size_t, std::uint64_t>;
/** Blocks that are to be other than in Disks. */
using Changes = std::map<Place, Block>;

Block block_of(const Content &content, std::uint64_t block);

class Lab {
public:
    /** @disk: what was on it is lost. */
    explicit Lab(const std::string &disk);

    static std::uint64_t blocks_of(std::size_t part);

    const esmodel::DmDevice &part(std::size_t number) const { return parts_.at(number); }
    const std::string &number(std::size_t part_number) const { return part(part_number).number(); }

    /** All bytes of all parts; nobody may be writing. */
    Disks save() const;
    /** Makes the parts hold @wanted but for @changes, in their full sizes. */
    void restore(const Disks &wanted, const Changes &changes);
    /** Until the next restore @part has only so many sectors. */
    void shrink(std::size_t part, std::uint64_t sectors);
    /** What the part holds now. */
    Content content(std::size_t part) const;
    void write(std::size_t part, const Content &content) const;

private:
    void resize(std::size_t part, std::uint64_t sectors);

    esmodel::BlockFile disk_;
    std::vector<esmodel::DmDevice> parts_;
    std::optional<std::size_t> shrunk_;
};

/** Table of the chain on the parts; @stores: how many of them, the oldest ones. */
esmodel::Table org_table(const Lab &lab, std::size_t stores, bool with_journal);
esmodel::Table image_table(const Lab &lab, std::size_t store_number);
/** The view shows the snapshot in store 1. */
esmodel::Table view_table(const Lab &lab);

inline constexpr std::size_t viewed = 1;

} // namespace attach
