// SPDX-License-Identifier: GPL-2.0-only
#include "support/store_image.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "error.h"

namespace esnap::test {

StoreImage::StoreImage(es_sb sb) : device_(sb.device_blocks), writer_(device_) {
    LogWriter::format(device_, sb);
}

StoreImage::StoreImage() : StoreImage(sample_sb()) {}

void StoreImage::attach() {
    const es_fault fault = writer_.attach().fault;
    if (fault != ES_OK)
        throw std::runtime_error(es_fault_text(fault));
}

void StoreImage::append_with_long_summary() {
    for (std::uint64_t i = 0; i < 3; ++i) {
        std::vector<es_extent> zeros;
        for (std::uint64_t n = 0; n < 168; ++n)
            zeros.push_back(make_extent(1000 * (i + 1) + 2 * n, 1, 0, 0, ES_EXT_ZERO));
        append(zeros);
    }
    close_segment();
    append(1, 1);
}

void StoreImage::append(std::vector<es_extent> extents) {
    if (sb().kind == ES_KIND_VIEW)
        for (es_extent &extent : extents)
            if (es_extent_has_payload(&extent))
                extent.flags = ES_EXT_NO_CRC;
    while (!extents.empty()) {
        const std::size_t nr = writer_.append(extents, 0);
        if (nr == 0)
            throw std::runtime_error("the store is full");
        const es_log &log = writer_.log();
        std::uint64_t blocks = 1;
        for (std::size_t i = 0; i < nr; ++i)
            blocks += es_extent_blocks(&extents[i], sb().chunk_sectors);
        const std::uint64_t addr = segment_start(log.segment) + log.used - blocks;
        records_.push_back({addr, addr + 1, log.segment});
        const auto taken = extents.begin() + static_cast<std::ptrdiff_t>(nr);
        extents_.insert(extents_.end(), extents.begin(), taken);
        extents.erase(extents.begin(), taken);
    }
}

es_sb StoreImage::superblock() const {
    es_sb sb{};
    const es_fault fault = read_superblock(device_, sb);
    if (fault != ES_OK)
        throw std::runtime_error(es_fault_text(fault));
    return sb;
}

void StoreImage::seal() {
    es_sb next = superblock();
    const es_log &log = writer_.log();
    std::ranges::sort(extents_, {}, [](const es_extent &e) { return e.chunk; });
    const auto blocks = static_cast<std::uint32_t>(es_table_blocks(extents_.size()));
    next.index_addr = es_log_index_addr(&log, blocks);
    next.index_blocks = blocks;
    next.index_extents = extents_.size();
    next.payload_blocks = log.payload_blocks;
    if (next.index_addr == 0)
        throw std::runtime_error("no room for an index");
    for (std::uint32_t pos = 0; pos < blocks; ++pos) {
        const std::size_t first = std::size_t{pos} * ES_BLOCK_EXTENTS;
        const auto nr = static_cast<std::uint32_t>(
            std::min<std::size_t>(ES_BLOCK_EXTENTS, extents_.size() - first));
        Block block;
        es_log_index(&log, next.index_addr, blocks, pos, extents_.data() + first, nr, block.data());
        device_.overwrite(next.index_addr + pos, block);
    }
    next.state = ES_STATE_SEALED;
    std::ranges::fill(next.next_uuid, std::uint8_t{0x77});
    for (int i = 0; i < 2; ++i) { // so that neither copy is older than the index
        ++next.generation;
        device_.overwrite(es_sb_addr(next.generation), encode(next));
    }
}

void StoreImage::flip(std::uint64_t byte, std::uint8_t mask) {
    Block block = device_.read(byte >> ES_BLOCK_SHIFT);
    block.bytes[byte % ES_BLOCK_SIZE] ^= mask;
    device_.overwrite(byte >> ES_BLOCK_SHIFT, block);
}

void StoreImage::edit_superblock(std::uint64_t addr, const std::function<void(es_sb &)> &change) {
    es_sb sb{};
    if (decode(device_.read(addr), &sb) != ES_OK)
        throw std::runtime_error("no valid superblock to change");
    change(sb);
    device_.overwrite(addr, encode(sb));
}

std::uint64_t StoreImage::segment_start(std::uint64_t segment) const {
    return es_log_segment_start(&writer_.log(), segment);
}

std::uint64_t StoreImage::segment_last(std::uint64_t segment) const {
    return segment_start(segment) + es_log_segment_len(&writer_.log(), segment) - 1;
}

std::uint64_t StoreImage::newer_copy() const {
    return es_sb_addr(superblock().generation);
}

std::uint64_t StoreImage::older_copy() const {
    return es_sb_addr(superblock().generation + 1);
}

void StoreImage::save(const std::filesystem::path &path) const {
    std::ofstream file(path, std::ios::binary);
    for (std::uint64_t addr = 0; addr < blocks(); ++addr) {
        const Block block = device_.read(addr);
        file.write(reinterpret_cast<const char *>(block.data()), ES_BLOCK_SIZE);
    }
    if (!file.flush())
        throw std::runtime_error("cannot write " + path.string());
}

std::uint64_t StoreImage::bytes() const {
    return byte_offset(shrunk_to_.value_or(device_.blocks()));
}

void StoreImage::read(std::uint64_t block, Bytes out) const {
    const std::uint64_t count = out.size() / ES_BLOCK_SIZE;
    if (block + count > blocks())
        throw Error("read", name_, "behind the end of the device");
    if (unreadable_ && *unreadable_ >= block && *unreadable_ < block + count)
        throw Error("read", name_, "planted read error");
    device_.read(block, {reinterpret_cast<std::uint8_t *>(out.data()), out.size()});
}

TempDir::TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "esnap-test-XXXXXX").string();
    if (!::mkdtemp(name.data()))
        throw std::runtime_error("cannot make a temporary directory");
    path_ = name;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::file(const std::string &name, std::uint64_t bytes) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path, std::ios::binary).flush();
    std::filesystem::resize_file(path, bytes);
    return path.string();
}

} // namespace esnap::test
