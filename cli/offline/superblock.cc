// SPDX-License-Identifier: GPL-2.0-only
#include "offline/superblock.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>

#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "error.h"
#include "offline/device.h"

namespace esnap {

namespace {

SuperblockCopy read_copy(const BlockSource &source, char letter, std::uint64_t addr,
                         BlockBuffer &buffer) {
    SuperblockCopy copy;
    copy.letter = letter;
    copy.addr = addr;
    try {
        source.read(addr, buffer.bytes());
        copy.fault = es_sb_decode(&copy.sb, buffer.data(), buffer.bytes().size());
        copy.claim = Claim::of(copy.fault, buffer.bytes());
    } catch (const Error &error) {
        copy.read_error = error.cause();
        std::ranges::fill(buffer.bytes(), std::byte{0});
    }
    return copy;
}

} // namespace

Claim Claim::of(es_fault fault, ConstBytes block) {
    constexpr std::size_t generation_at = 32, uuid_at = 40; // see docs/format.md
    Claim claim;

    if (fault != ES_FAULT_CRC)
        return claim;
    for (std::size_t i = 0; i < sizeof(claim.generation); ++i)
        claim.generation |= std::to_integer<std::uint64_t>(block[generation_at + i]) << 8 * i;
    std::memcpy(claim.uuid.data(), block.data() + uuid_at, ES_UUID_SIZE);
    return claim;
}

bool Claim::is_torn_commit(const std::uint8_t *of_uuid, std::uint64_t behind) const {
    return generation == behind + 1 && es_uuid_equal(uuid.data(), of_uuid);
}

Superblocks read_superblocks(const BlockSource &source) {
    BlockBuffer block_a(1), block_b(1);
    Superblocks both;
    both.a = read_copy(source, 'A', ES_SB_A_BLOCK, block_a);
    both.b = read_copy(source, 'B', ES_SB_B_BLOCK, block_b);
    both.fault = es_sb_pick(&both.sb, block_a.data(), block_b.data(), &both.from);
    return both;
}

void require_readable(const BlockSource &source, const Superblocks &both) {
    for (const auto *copy : {&both.a, &both.b})
        if (!copy->read_error.empty())
            throw Error("read the superblock of", source.name(), copy->read_error);
}

void require_valid(const BlockSource &source, const Superblocks &both) {
    if (both.valid())
        return;
    require_readable(source, both);
    throw Error("read the superblock of", source.name(), es_fault_text(both.fault));
}

es_sb load_superblock(const BlockSource &source) {
    const Superblocks both = read_superblocks(source);
    require_valid(source, both);
    return both.sb;
}

std::string uuid_text(const std::uint8_t *uuid) {
    boost::uuids::uuid id{};
    std::copy_n(uuid, ES_UUID_SIZE, id.begin());
    return boost::uuids::to_string(id);
}

std::string kind_text(std::uint16_t kind) {
    switch (kind) {
    case ES_KIND_SNAPSHOT:
        return "snapshot";
    case ES_KIND_VIEW:
        return "view";
    case ES_KIND_JOURNAL:
        return "journal";
    default:
        return fmt::format("unknown ({})", kind);
    }
}

std::string state_text(std::uint16_t state) {
    switch (state) {
    case ES_STATE_ACTIVE:
        return "active";
    case ES_STATE_SEALED:
        return "sealed";
    case ES_STATE_INVALID:
        return "invalid";
    case ES_STATE_REMOVED:
        return "removed";
    default:
        return fmt::format("unknown ({})", state);
    }
}

std::string flags_text(std::uint32_t flags) {
    std::string text;
    const auto add = [&](const std::string &word) { text += (text.empty() ? "" : ", ") + word; };
    if (flags & ES_SB_ATTACHED)
        add("attached");
    if (flags & ES_SB_SUSPECT)
        add("suspect");
    if (flags & ~ES_SB_KNOWN_FLAGS)
        add(fmt::format("unknown {:#x}", flags & ~ES_SB_KNOWN_FLAGS));
    return text.empty() ? "none" : text;
}

std::string time_text(std::uint64_t seconds) {
    constexpr std::uint64_t year_9999 = 253402300799;
    if (seconds > year_9999)
        return fmt::format("{} s after 1970", seconds);
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string size_text(std::uint64_t bytes) {
    static constexpr const char *units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    std::uint64_t scale = 1;
    while (unit + 1 < std::size(units) && bytes / scale >= 1024) {
        scale *= 1024;
        ++unit;
    }
    if (bytes % scale == 0)
        return fmt::format("{} {}", bytes / scale, units[unit]);
    return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(scale),
                       units[unit]);
}

std::string bytes_text(std::uint64_t bytes) {
    return bytes < 1024 ? size_text(bytes) : fmt::format("{} bytes ({})", bytes, size_text(bytes));
}

} // namespace esnap
