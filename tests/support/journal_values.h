// SPDX-License-Identifier: GPL-2.0-only
//
// Values for tests of the journal's part of dm-target/core. The offsets say again, on purpose,
// what es_jformat.c says; see core_values.h.
#pragma once

#include <vector>

#include "es_jformat.h"
#include "support/core_values.h"

namespace esnap::test {

namespace jsb_field {
inline constexpr Field magic{0, 8}, crc{8, 4}, version{12, 2}, kind{14, 2}, compat{16, 8},
    incompat{24, 8}, generation{32, 8}, journal_uuid{40, 8}, chain_uuid{56, 8}, created{120, 8},
    device_blocks{144, 8}, state{160, 4}, flags{164, 4}, epoch{168, 4}, nr_marks{172, 4},
    needed_addr{176, 8}, needed_seq{184, 8}, needed_crc{192, 4}, next_lsn{200, 8},
    origin_lbs{212, 4}, tail_seq{216, 8}, time{224, 8};
constexpr Field mark_addr(std::size_t i) {
    return {256 + 32 * i, 8};
}
constexpr Field mark_seq(std::size_t i) {
    return {264 + 32 * i, 8};
}
constexpr Field mark_crc(std::size_t i) {
    return {272 + 32 * i, 4};
}
constexpr Field mark_time(std::size_t i) {
    return {280 + 32 * i, 8};
}
} // namespace jsb_field

namespace jrec_field {
inline constexpr Field magic{0, 4}, crc{4, 4}, version{8, 2}, nr_entries{10, 2}, type{12, 2},
    journal_uuid{16, 8}, seq{32, 8}, epoch{40, 4}, prev_crc{44, 4}, nr_blocks{48, 4}, addr{56, 8},
    lsn{64, 8}, time{72, 8}, needed_addr{80, 8}, needed_seq{88, 8}, needed_crc{96, 4};
constexpr Field sector(std::size_t i) {
    return {128 + 32 * i, 8};
}
constexpr Field nr(std::size_t i) {
    return {136 + 32 * i, 4};
}
constexpr Field entry_crc(std::size_t i) {
    return {140 + 32 * i, 4};
}
constexpr Field entry_time(std::size_t i) {
    return {144 + 32 * i, 8};
}
constexpr Field op(std::size_t i) {
    return {152 + 32 * i, 2};
}
constexpr Field entry_flags(std::size_t i) {
    return {154 + 32 * i, 2};
}
} // namespace jrec_field

/** An attached journal of 2048 blocks with three marks: 16, 500 and 900, needed from 1000. */
es_jsb sample_jsb();
/** A journal as esnap format makes it. */
es_jsb fresh_jsb(std::uint64_t device_blocks = ES_JOURNAL_MIN_BLOCKS);
es_jsb random_jsb(Rng &rng);

es_jentry make_entry(es_jop op, std::uint64_t sector, std::uint32_t nr, std::uint64_t time,
                     unsigned flags = 0);

/** Valid in sample_jsb() at block 1000: a write, zeroes, a discard, a flush, a write with FUA. */
std::vector<es_jentry> sample_entries();
es_jrec sample_jrec(const std::vector<es_jentry> &entries);
/** Padding at block 2000 of sample_jsb(). */
es_jrec sample_pad();

Block encode(const es_jsb &sb);
Block encode(es_jrec rec, std::vector<es_jentry> entries);
es_fault decode(const Block &block, es_jsb *out);
es_fault decode(const Block &block, const es_jsb &sb, std::uint64_t addr, es_jrec *out = nullptr,
                std::vector<es_jentry> *entries = nullptr);

bool same(const es_jpos &a, const es_jpos &b);
bool same(const es_jsb &a, const es_jsb &b);
/** All but the CRC, which encoding sets. */
bool same(const es_jrec &a, const es_jrec &b);
bool same(const es_jentry &a, const es_jentry &b);
bool same(const std::vector<es_jentry> &a, const std::vector<es_jentry> &b);

} // namespace esnap::test
