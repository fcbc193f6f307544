// SPDX-License-Identifier: GPL-2.0-only
#include "lab.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace attach {

using esmodel::BlockFile;
using esmodel::Buffer;
using esmodel::Table;

namespace {

constexpr std::array<std::uint64_t, nr_parts> sizes{origin_blocks, 384, 384, 384, 256, 1024};
constexpr std::uint64_t piece_blocks = 64;

std::uint64_t first_block(std::size_t part) {
    std::uint64_t first = 0;
    for (std::size_t i = 0; i < part; ++i)
        first += sizes[i];
    return first;
}

esmodel::Table part_table(const std::string &disk, std::size_t part, std::uint64_t sectors) {
    return {{0, sectors, "linear", fmt::format("{} {}", disk, first_block(part) * block_sectors)}};
}

/** Calls what(first block, blocks) for pieces of @part. */
template <class What>
void for_pieces(std::size_t part, const What &what) {
    for (std::uint64_t at = 0; at < sizes[part]; at += piece_blocks)
        what(at, std::min(piece_blocks, sizes[part] - at));
}

} // namespace

const char *name_of(std::size_t part) {
    static constexpr std::array<const char *, nr_parts> names{"origin", "store0", "store1",
                                                              "store2", "view",   "journal"};
    return names.at(part);
}

Block block_of(const Content &content, std::uint64_t block) {
    Block out;
    std::memcpy(out.data(), content.data() + block * block_bytes, block_bytes);
    return out;
}

Lab::Lab(const std::string &disk) : disk_(disk, BlockFile::Mode::write) {
    for (std::size_t i = 0; i < nr_parts; ++i)
        parts_.emplace_back(fmt::format("atk-{}", name_of(i)),
                            part_table(disk, i, sizes[i] * block_sectors));
    for (std::size_t i = 0; i < nr_parts; ++i)
        write(i, Content(sizes[i] * block_bytes));
}

std::uint64_t Lab::blocks_of(std::size_t part) {
    return sizes.at(part);
}

Content Lab::content(std::size_t part) const {
    Content all(sizes.at(part) * block_bytes);
    Buffer buffer(piece_blocks * block_bytes);
    for_pieces(part, [&](std::uint64_t at, std::uint64_t blocks) {
        const auto bytes = buffer.bytes().first(blocks * block_bytes);
        disk_.read((first_block(part) + at) * block_sectors, bytes);
        std::memcpy(all.data() + at * block_bytes, bytes.data(), bytes.size());
    });
    return all;
}

void Lab::write(std::size_t part, const Content &content) const {
    Buffer buffer(piece_blocks * block_bytes);
    for_pieces(part, [&](std::uint64_t at, std::uint64_t blocks) {
        const auto bytes = buffer.bytes().first(blocks * block_bytes);
        std::memcpy(bytes.data(), content.data() + at * block_bytes, bytes.size());
        disk_.write((first_block(part) + at) * block_sectors, bytes);
    });
}

Disks Lab::save() const {
    Disks disks;
    for (std::size_t i = 0; i < nr_parts; ++i)
        disks[i] = content(i);
    return disks;
}

void Lab::restore(const Disks &wanted, const Changes &changes) {
    Buffer buffer(piece_blocks * block_bytes);
    if (shrunk_)
        resize(*shrunk_, sizes[*shrunk_] * block_sectors);
    shrunk_.reset();
    for (std::size_t part = 0; part < nr_parts; ++part)
        for_pieces(part, [&](std::uint64_t at, std::uint64_t blocks) {
            const auto bytes = buffer.bytes().first(blocks * block_bytes);
            disk_.read((first_block(part) + at) * block_sectors, bytes);
            bool same = true;
            for (std::uint64_t i = 0; i < blocks; ++i) {
                const auto change = changes.find({part, at + i});
                const void *want =
                    change == changes.end()
                        ? static_cast<const void *>(wanted[part].data() + (at + i) * block_bytes)
                        : change->second.data();
                std::byte *has = buffer.data() + i * block_bytes;
                if (std::memcmp(has, want, block_bytes) == 0)
                    continue;
                std::memcpy(has, want, block_bytes);
                same = false;
            }
            if (!same)
                disk_.write((first_block(part) + at) * block_sectors, bytes);
        });
}

void Lab::resize(std::size_t part, std::uint64_t sectors) {
    parts_[part].load(part_table(disk_.path(), part, sectors));
    parts_[part].suspend();
    parts_[part].resume();
}

void Lab::shrink(std::size_t part, std::uint64_t sectors) {
    resize(part, sectors);
    shrunk_ = part;
}

Table org_table(const Lab &lab, std::size_t stores, bool with_journal) {
    std::string line = fmt::format("{} {} {} {}", lab.number(origin), chunk_sectors,
                                   with_journal ? lab.number(journal) : "-", stores);
    for (std::size_t i = 0; i < stores; ++i)
        line += " " + lab.number(store + i);
    return {{0, origin_sectors, "esnapshot-org", line + " 1 queue_timeout=1"}};
}

Table image_table(const Lab &lab, std::size_t store_number) {
    return {{0, origin_sectors, "esnapshot", lab.number(store + store_number)}};
}

Table view_table(const Lab &lab) {
    return {{0, origin_sectors, "esnapshot-view",
             fmt::format("{} {} {}", lab.number(view), lab.number(origin),
                         lab.number(store + viewed))}};
}

} // namespace attach
