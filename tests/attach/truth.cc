// SPDX-License-Identifier: GPL-2.0-only
#include "truth.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace attach {

namespace {

std::string_view sector_of(const Block &block, std::size_t sector) {
    return {reinterpret_cast<const char *>(block.data()) + sector * esmodel::sector_bytes,
            esmodel::sector_bytes};
}

std::size_t hash_of(std::string_view sector) {
    return std::hash<std::string_view>{}(sector);
}

} // namespace

/* What the writer writes is never moved within a block. */
Truth::Truth(const Base &base, const Catalogue &catalogue) : base_(base), catalogue_(catalogue) {
    for (std::size_t part = 0; part < nr_parts; ++part)
        for (std::uint64_t i = 0; i < Lab::blocks_of(part); ++i) {
            const Block block = block_of(base.disks[part], i);
            if (es_is_zero(block.data(), block_bytes))
                continue;
            for (std::size_t s = 0; s < block_sectors; ++s)
                if (!es_is_zero(sector_of(block, s).data(), esmodel::sector_bytes))
                    places_.emplace(hash_of(sector_of(block, s)), Place{part, i});
        }
}

/** An attach compares with checksums the payload of the ring, and of a last record that may be
 * torn. */
bool Truth::is_verified(const Place &place) const {
    constexpr std::size_t newest = store + nr_stores - 1;
    if (place.first == journal)
        return true;
    return place.first == newest && !base_.is_clean && catalogue_.logs.at(newest).back().has(place);
}

bool Truth::allows(const Mutant &mutant, std::uint64_t number, const Block &expected,
                   const Block &got) const {
    for (std::size_t s = 0; s < block_sectors; ++s)
        if (sector_of(got, s) != sector_of(expected, s) &&
            !allows_sector(mutant, number, s, expected, got))
            return false;
    return true;
}

bool Truth::allows_sector(const Mutant &mutant, std::uint64_t number, std::size_t sector,
                          const Block &expected, const Block &got) const {
    const auto is_damage = [&](const Place &place) {
        const auto change = mutant.changes.find(place);
        if (change == mutant.changes.end() || is_verified(place))
            return false;
        return sector_of(change->second, sector) == sector_of(got, sector);
    };
    if (is_damage({origin, number}))
        return true;
    // Zeros are in many places: in parts of blocks, and whole blocks of them in a view's store.
    const auto was_zero = [&](const Place &place) {
        const Block block = block_of(base_.disks[place.first], place.second);
        return es_is_zero(sector_of(block, sector).data(), esmodel::sector_bytes);
    };
    if (es_is_zero(sector_of(expected, sector).data(), esmodel::sector_bytes))
        return std::any_of(mutant.changes.begin(), mutant.changes.end(), [&](const auto &change) {
            return was_zero(change.first) && is_damage(change.first);
        });
    const auto [first, last] = places_.equal_range(hash_of(sector_of(expected, sector)));
    return std::any_of(first, last, [&](const auto &entry) { return is_damage(entry.second); });
}

std::string Truth::places_of(const Block &content) const {
    std::string text;
    const auto [first, last] = places_.equal_range(hash_of(sector_of(content, 1)));
    for (auto it = first; it != last; ++it)
        text += fmt::format("{}{} block {}", text.empty() ? "" : ", ", name_of(it->second.first),
                            it->second.second);
    return text.empty() ? "nowhere" : text;
}

} // namespace attach
