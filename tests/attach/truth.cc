// SPDX-License-Identifier: GPL-2.0-only
#include "truth.h"

#include <cstring>
#include <string_view>

#include <fmt/format.h>

namespace attach {

namespace {

bool sector_is(const Block &a, const Block &b, std::size_t sector) {
    const std::size_t at = sector * esmodel::sector_bytes;
    return std::memcmp(a.data() + at, b.data() + at, esmodel::sector_bytes) == 0;
}

} // namespace

Truth::Truth(const Base &base, const Catalogue &catalogue) : base_(base), catalogue_(catalogue) {
    for (std::size_t part = 0; part < nr_parts; ++part)
        for (std::uint64_t i = 0; i < Lab::blocks_of(part); ++i) {
            const Block block = block_of(base.disks[part], i);
            if (!es_is_zero(block.data(), block_bytes))
                places_.emplace(hash_of(block), Place{part, i});
        }
}

Truth::Hash Truth::hash_of(const Block &block) {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char *>(block.data()), block_bytes});
}

/** An attach compares with checksums the payload of the ring, and of a last record that may be
 * torn. */
bool Truth::is_verified(const Place &place) const {
    constexpr std::size_t newest = store + nr_stores - 1;
    if (place.first == journal)
        return true;
    return place.first == newest && !base_.is_clean && catalogue_.logs.at(newest).back().has(place);
}

bool Truth::allows(const Mutant &mutant, const Block &expected, const Block &got) const {
    if (got == expected)
        return true;
    const auto [first, last] = places_.equal_range(hash_of(expected));
    for (auto it = first; it != last; ++it) {
        const auto change = mutant.changes.find(it->second);
        if (change == mutant.changes.end() || is_verified(it->second))
            continue;
        bool fits = true;
        for (std::size_t s = 0; s < block_sectors; ++s)
            fits = fits && (sector_is(got, expected, s) || sector_is(got, change->second, s));
        if (fits)
            return true;
    }
    return false;
}

std::string Truth::places_of(const Block &content) const {
    std::string text;
    const auto [first, last] = places_.equal_range(hash_of(content));
    for (auto it = first; it != last; ++it)
        text += fmt::format("{}{} block {}", text.empty() ? "" : ", ", name_of(it->second.first),
                            it->second.second);
    return text.empty() ? "nowhere" : text;
}

} // namespace attach
