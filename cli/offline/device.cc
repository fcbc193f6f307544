// SPDX-License-Identifier: GPL-2.0-only
#include "offline/device.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include <fmt/format.h>

#include "error.h"

namespace esnap {

namespace {

constexpr std::size_t bounce_blocks = 256;

bool is_aligned(const void *memory) {
    return reinterpret_cast<std::uintptr_t>(memory) % ES_BLOCK_SIZE == 0;
}

// A buffer for a transfer of @bytes, and the transfer in pieces that fit into it.
template <typename Transfer>
void in_pieces(std::size_t bytes, Transfer &&transfer) {
    BlockBuffer bounce(std::min(bounce_blocks, bytes / ES_BLOCK_SIZE));
    for (std::size_t done = 0; done < bytes;) {
        const Bytes piece = bounce.bytes().first(std::min(bounce.bytes().size(), bytes - done));
        transfer(done, piece);
        done += piece.size();
    }
}

} // namespace

void BlockBuffer::Free::operator()(std::byte *memory) const {
    std::free(memory); // the partner of aligned_alloc
}

BlockBuffer::BlockBuffer(std::size_t blocks) : size_(blocks * ES_BLOCK_SIZE) {
    memory_.reset(static_cast<std::byte *>(std::aligned_alloc(ES_BLOCK_SIZE, size_)));
    if (!memory_)
        throw std::bad_alloc();
    std::memset(memory_.get(), 0, size_);
}

Device Device::open_to_read(const std::string &path) {
    return Device(File(path, File::Access::read));
}

Device Device::open_exclusively(const std::string &path) {
    return Device(File(path, File::Access::exclusive_write));
}

void Device::read(std::uint64_t block, Bytes out) const {
    const std::uint64_t at = byte_offset(block);
    if (block >= blocks() || out.size() > byte_offset(blocks() - block))
        throw Error("read", name(), fmt::format("byte {}: behind the end of the device", at));
    if (is_aligned(out.data())) {
        file_.read(at, out);
        return;
    }
    in_pieces(out.size(), [&](std::size_t done, Bytes piece) {
        file_.read(at + done, piece);
        std::memcpy(out.data() + done, piece.data(), piece.size());
    });
}

void Device::write(std::uint64_t block, ConstBytes data) {
    in_pieces(data.size(), [&](std::size_t done, Bytes piece) {
        std::memcpy(piece.data(), data.data() + done, piece.size());
        file_.write(byte_offset(block) + done, piece);
    });
}

} // namespace esnap
