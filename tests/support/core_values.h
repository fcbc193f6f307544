// SPDX-License-Identifier: GPL-2.0-only
//
// Values for tests of dm-target/core: sample and random structures, and raw access to
// encoded blocks. The offsets here say again, on purpose, what es_superblock.c and es_block.c say,
// so that a test does not take them from the code it tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <random>
#include <span>
#include <vector>

#include "es_format.h"

namespace esnap::test {

/** One block, aligned as decoders want it. */
struct alignas(8) Block {
    std::array<std::uint8_t, ES_BLOCK_SIZE> bytes{};

    std::uint8_t *data() { return bytes.data(); }
    const std::uint8_t *data() const { return bytes.data(); }
    bool operator==(const Block &) const = default;
};

/** A random source that prints as its seed. */
class Rng {
public:
    explicit Rng(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t bits() { return engine_(); }
    /** In 0 .. n - 1. */
    std::uint64_t below(std::uint64_t n) { return engine_() % n; }
    /** In low .. high. */
    std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        return low + below(high - low + 1);
    }
    bool chance(unsigned percent) { return below(100) < percent; }

private:
    std::mt19937_64 engine_;
};

// --- raw bytes ---

/** A field of an encoded structure. */
struct Field {
    std::size_t offset;
    unsigned width; // bytes
};

void put(Block &block, Field field, std::uint64_t value);
std::uint64_t get(const Block &block, Field field);

namespace sb_field {
inline constexpr Field magic{0, 8}, crc{8, 4}, version{12, 2}, kind{14, 2}, compat{16, 8},
    incompat{24, 8}, generation{32, 8}, store_uuid{40, 8}, chain_uuid{56, 8}, link_uuid{72, 8},
    next_uuid{88, 8}, snapshot_uuid{104, 8}, created{120, 8}, serial{128, 4}, nr_snapshots{132, 4},
    chunk_sectors{136, 4}, segment_blocks{140, 4}, device_blocks{144, 8}, origin_sectors{152, 8},
    state{160, 4}, flags{164, 4}, epoch{168, 4}, index_blocks{172, 4}, index_addr{176, 8},
    index_extents{184, 8}, tail_seq{192, 8}, fp_sectors{200, 8}, fp_nr{208, 4}, origin_lbs{212, 4},
    fp_block0{216, 8}, fp_crc0{224, 4}, map_addr{736, 8}, map_blocks{744, 4}, map_crc{748, 4},
    map_segment{752, 8}, map_extents{760, 8}, map_payload_blocks{768, 8}, journal_uuid{776, 8};
} // namespace sb_field

/** A field set to a value that must be refused, and how. */
struct BadField {
    const char *what;
    Field field;
    std::uint64_t value;
    es_fault fault;
};

namespace block_field {
inline constexpr Field magic{0, 4}, crc{4, 4}, version{8, 2}, nr_extents{10, 2}, serial{12, 4},
    store_uuid{16, 8}, seq{32, 8}, epoch{40, 4}, prev_crc{44, 4}, pos{48, 4}, nr_blocks{52, 4},
    addr{56, 8};
/** Of extent @i. */
constexpr Field chunk(std::size_t i) {
    return {64 + 24 * i, 8};
}
constexpr Field nr(std::size_t i) {
    return {72 + 24 * i, 4};
}
constexpr Field extent_crc(std::size_t i) {
    return {76 + 24 * i, 4};
}
constexpr Field extent_addr(std::size_t i) {
    return {80 + 24 * i, 6};
}
constexpr Field extent_flags(std::size_t i) {
    return {86 + 24 * i, 2};
}
} // namespace block_field

/** Put the right checksum at @crc. */
void fix_crc(Block &block, Field crc);

// --- structures ---

es_extent make_extent(std::uint64_t chunk, std::uint32_t nr, std::uint64_t addr = 0,
                      std::uint32_t crc = 0, unsigned flags = 0);

/** A valid snapshot store: 8-sector chunks, segments of 64 blocks, 1024 blocks in all. */
es_sb sample_sb();
/** The same as a view's store. */
es_sb sample_view_sb();

es_sb random_sb(Rng &rng);

/** @nr random extents that a block of @type in the store @sb at @addr may hold. */
std::vector<es_extent> random_extents(Rng &rng, const es_sb &sb, es_block_type type,
                                      std::uint64_t addr, std::uint32_t nr);

/** Payload blocks of all @extents. */
std::uint32_t payload_blocks(std::span<const es_extent> extents, const es_sb &sb);

/** A record header of the store @sb at @addr with @extents. */
es_block sample_block(const es_sb &sb, es_block_type type, std::uint64_t addr,
                      std::span<const es_extent> extents);

Block encode(const es_sb &sb);
Block encode(es_block head, std::span<const es_extent> extents);

es_fault decode(const Block &block, es_sb *out = nullptr);
es_fault decode(const Block &block, es_block_type type, const es_sb &sb, std::uint64_t addr,
                es_block *out = nullptr, std::vector<es_extent> *extents = nullptr);

bool same(const es_extent &a, const es_extent &b);
bool same(std::span<const es_extent> a, std::span<const es_extent> b);
bool same(const es_block &a, const es_block &b);
bool same(const es_sb &a, const es_sb &b);

} // namespace esnap::test

// For messages of failed checks.
std::ostream &operator<<(std::ostream &out, es_fault fault);
