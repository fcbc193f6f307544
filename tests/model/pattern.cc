// SPDX-License-Identifier: GPL-2.0-only
#include "pattern.h"

#include <array>
#include <cstring>

#include <fmt/format.h>

namespace esmodel {

namespace {

constexpr std::size_t words = sector_bytes / sizeof(std::uint64_t);
constexpr std::uint64_t magic = 0x6c65646f4d534521ULL; /* "!ESModel" */
constexpr std::uint64_t step = 0x9e3779b97f4a7c15ULL;

/* The first words of a sector; the rest is a sequence that starts at mix(). */
enum Word : std::size_t { word_magic, word_id, word_sector, word_sequence };

using SectorWords = std::array<std::uint64_t, words>;

std::uint64_t mix(std::uint64_t id, std::uint64_t sector) {
    std::uint64_t x = id * step ^ (sector + 0x632be59bd9b4e019ULL);

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

void fill_words(SectorWords &out, WriteId id, Sector sector) {
    const std::uint64_t start = mix(id, sector);

    out[word_magic] = magic;
    out[word_id] = id;
    out[word_sector] = sector;
    for (std::size_t i = word_sequence; i < words; i++)
        out[i] = start + i * step;
}

SectorWords load(const std::byte *data) {
    SectorWords out;

    std::memcpy(out.data(), data, sector_bytes);
    return out;
}

} // namespace

WriteId make_id(const WriteOrigin &origin) {
    return (static_cast<WriteId>(origin.salt & 0x7fffU) << 49) |
           (static_cast<WriteId>(origin.device & 0x1ffU) << 40) |
           (static_cast<WriteId>(origin.op & 0xfffffU) << 20) |
           static_cast<WriteId>(origin.sub & 0xfffffU);
}

WriteOrigin split_id(WriteId id) {
    return {.salt = static_cast<unsigned>(id >> 49) & 0x7fffU,
            .device = static_cast<unsigned>(id >> 40) & 0x1ffU,
            .op = static_cast<unsigned>(id >> 20) & 0xfffffU,
            .sub = static_cast<unsigned>(id) & 0xfffffU};
}

void fill_pattern(Bytes out, WriteId id, Sector first) {
    SectorWords sector{};

    for (std::size_t at = 0; at < out.size(); at += sector_bytes, first++) {
        if (id != zero_id)
            fill_words(sector, id, first);
        std::memcpy(out.data() + at, sector.data(), sector_bytes);
    }
}

/* The hot loop of every verification: no early exit, nothing is stored. */
bool matches(const std::byte *data, WriteId id, Sector sector) {
    const SectorWords found = load(data);
    std::uint64_t difference = 0;

    if (id == zero_id) {
        for (const std::uint64_t word : found)
            difference |= word;
        return difference == 0;
    }

    std::uint64_t expected = mix(id, sector) + word_sequence * step;

    difference =
        (found[word_magic] ^ magic) | (found[word_id] ^ id) | (found[word_sector] ^ sector);
    for (std::size_t i = word_sequence; i < words; i++, expected += step)
        difference |= found[i] ^ expected;
    return difference == 0;
}

WriteId claimed_id(const std::byte *data) {
    const SectorWords found = load(data);

    return found[word_magic] == magic ? found[word_id] : zero_id;
}

std::string describe_id(WriteId id) {
    if (id == zero_id)
        return "zeros";

    const WriteOrigin from = split_id(id);
    const unsigned chain = from.device / 64;
    const unsigned view = from.device % 64;
    const std::string where = view == 0 ? fmt::format("origin of chain {}", chain)
                                        : fmt::format("view {} of chain {}", view, chain);

    return fmt::format("write #{} of op {} to the {} (id {:#x}, salt {:#x})", from.sub, from.op,
                       where, id, from.salt);
}

std::string describe_sector(const std::byte *data, Sector sector) {
    if (matches(data, zero_id, sector))
        return "zeros";

    const SectorWords found = load(data);

    if (found[word_magic] != magic)
        return fmt::format("foreign data, first words {:016x} {:016x} {:016x}", found[0], found[1],
                           found[2]);

    std::string text = describe_id(found[word_id]);

    if (found[word_sector] != sector)
        text += fmt::format(", meant for SECTOR {}", found[word_sector]);
    if (!matches(data, found[word_id], found[word_sector])) {
        SectorWords whole;
        std::size_t at = 0;

        fill_words(whole, found[word_id], found[word_sector]);
        while (at < words && whole[at] == found[at])
            at++;
        text += fmt::format(", DAMAGED from byte {} on", at * sizeof(std::uint64_t));
    }
    return text;
}

} // namespace esmodel
