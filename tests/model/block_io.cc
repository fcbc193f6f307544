// SPDX-License-Identifier: GPL-2.0-only
#include "block_io.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace esmodel {

namespace {

constexpr std::size_t page_bytes = 4096;

off_t offset_of(Sector sector) {
    return static_cast<off_t>(sector * sector_bytes);
}

int open_flags(BlockFile::Mode mode) {
    switch (mode) {
    case BlockFile::Mode::read:
        return O_RDONLY | O_DIRECT | O_CLOEXEC;
    case BlockFile::Mode::write:
        return O_RDWR | O_DIRECT | O_CLOEXEC;
    case BlockFile::Mode::durable_write:
        return O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC;
    }
    std::abort();
}

} // namespace

IoError::IoError(const std::string &operation, const std::string &path, Range range, int error)
    : std::runtime_error(fmt::format("{} of {} sectors at {} of {}: {}", operation, range.count,
                                     range.first, path, std::strerror(error))),
      error_(error) {}

void Buffer::Free::operator()(std::byte *memory) const {
    std::free(memory);
}

Buffer::Buffer(std::size_t bytes, std::size_t skew) : size_(bytes), skew_(skew) {
    const std::size_t whole = (bytes + skew + page_bytes - 1) / page_bytes * page_bytes;

    memory_.reset(static_cast<std::byte *>(std::aligned_alloc(page_bytes, whole)));
    if (!memory_)
        throw std::bad_alloc();
}

bool leaves_zeros(Clear how) {
    return how != Clear::discard && how != Clear::secure_discard;
}

const char *name_of(Clear how) {
    switch (how) {
    case Clear::discard:
        return "discard";
    case Clear::secure_discard:
        return "secure discard";
    case Clear::zeroout:
        return "zeroout";
    case Clear::punch_hole:
        return "punch hole";
    case Clear::zero_range:
        return "zero range";
    }
    std::abort();
}

BlockFile::BlockFile(const std::string &path, Mode mode)
    : path_(path), fd_(::open(path.c_str(), open_flags(mode))) {
    std::uint64_t bytes = 0;
    int block_bytes = 0;

    if (fd_ < 0)
        throw IoError("open", path, {}, errno);
    if (::ioctl(fd_, BLKGETSIZE64, &bytes) != 0 || ::ioctl(fd_, BLKSSZGET, &block_bytes) != 0) {
        const int error = errno;

        ::close(fd_);
        throw IoError("size", path, {}, error);
    }
    sectors_ = bytes / sector_bytes;
    block_sectors_ = static_cast<Sector>(block_bytes) / sector_bytes;
}

BlockFile::BlockFile(BlockFile &&other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), sectors_(other.sectors_),
      block_sectors_(other.block_sectors_) {}

BlockFile::~BlockFile() {
    if (fd_ >= 0)
        ::close(fd_);
}

void BlockFile::read(Sector first, Bytes out) const {
    const Range range{first, out.size() / sector_bytes};

    for (std::size_t done = 0; done < out.size();) {
        const ssize_t n = ::pread(fd_, out.data() + done, out.size() - done,
                                  offset_of(first) + static_cast<off_t>(done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            throw IoError("read", path_, range, n < 0 ? errno : ENODATA);
        done += static_cast<std::size_t>(n);
    }
}

void BlockFile::write(Sector first, ConstBytes data) const {
    const Range range{first, data.size() / sector_bytes};

    for (std::size_t done = 0; done < data.size();) {
        const ssize_t n = ::pwrite(fd_, data.data() + done, data.size() - done,
                                   offset_of(first) + static_cast<off_t>(done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            throw IoError("write", path_, range, n < 0 ? errno : ENOSPC);
        done += static_cast<std::size_t>(n);
    }
}

void BlockFile::flush() const {
    if (::fsync(fd_) != 0)
        throw IoError("flush", path_, {}, errno);
}

bool BlockFile::clear(Clear how, Range range) const {
    std::array<std::uint64_t, 2> bytes{range.first * sector_bytes, range.count * sector_bytes};
    const off_t from = offset_of(range.first);
    const off_t length = offset_of(range.count);
    int result = -1;

    switch (how) {
    case Clear::discard:
        result = ::ioctl(fd_, BLKDISCARD, bytes.data());
        break;
    case Clear::secure_discard:
        result = ::ioctl(fd_, BLKSECDISCARD, bytes.data());
        break;
    case Clear::zeroout:
        result = ::ioctl(fd_, BLKZEROOUT, bytes.data());
        break;
    case Clear::punch_hole:
        result = ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, length);
        break;
    case Clear::zero_range:
        result = ::fallocate(fd_, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, from, length);
        break;
    }
    if (result == 0)
        return true;
    if (errno == EOPNOTSUPP || errno == ENOTTY)
        return false;
    throw IoError(name_of(how), path_, range, errno);
}

void write_pattern(const BlockFile &file, Range range, WriteId id, std::size_t skew) {
    Buffer buffer(range.count * sector_bytes, skew);

    fill_pattern(buffer.bytes(), id, range.first);
    file.write(range.first, buffer.bytes());
}

} // namespace esmodel
