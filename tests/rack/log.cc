// SPDX-License-Identifier: GPL-2.0-only
#include "log.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "event.h"

namespace rack {

namespace {

constexpr std::uint64_t log_magic = 0x6a736677736872ull;
constexpr std::uint64_t log_version = 1;
constexpr std::uint64_t flag_flush = 1, flag_fua = 2, flag_discard = 4, flag_mark = 8;

struct Super {
    std::uint64_t magic, version, entries;
    std::uint32_t sector_bytes;
};

struct Header {
    std::uint64_t sector, count, flags, data_bytes;
};

using SectorView = std::span<const std::byte, sector_bytes>;

/** Sectors one after the other, read in large pieces past the page cache. */
class SectorReader {
public:
    explicit SectorReader(const std::string &path)
        : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT)),
          buffer_(static_cast<std::byte *>(std::aligned_alloc(4096, piece))) {
        if (fd_ < 0 && errno == EINVAL)
            fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd_ < 0)
            fail("open");
    }
    ~SectorReader() { ::close(fd_); }
    SectorReader(const SectorReader &) = delete;
    SectorReader &operator=(const SectorReader &) = delete;

    /** Valid until the next call. */
    SectorView next() {
        if (at_ == filled_)
            fill();
        const SectorView sector(buffer_.get() + at_, sector_bytes);
        at_ += sector_bytes;
        return sector;
    }

private:
    static constexpr std::size_t piece = 1 << 20;

    struct Free {
        void operator()(std::byte *memory) const { std::free(memory); }
    };

    [[noreturn]] void fail(const char *operation) const {
        throw std::runtime_error(fmt::format("{} {}: {}", operation, path_, std::strerror(errno)));
    }

    void fill() {
        const ssize_t n = ::pread(fd_, buffer_.get(), piece, offset_);
        if (n < 0)
            fail("read");
        if (n < static_cast<ssize_t>(sector_bytes))
            throw std::runtime_error(path_ + ": the log goes on behind the end of the device");
        offset_ += n;
        filled_ = static_cast<std::size_t>(n) / sector_bytes * sector_bytes;
        at_ = 0;
    }

    std::string path_;
    int fd_;
    std::unique_ptr<std::byte, Free> buffer_;
    off_t offset_ = 0;
    std::size_t filled_ = 0;
    std::size_t at_ = 0;
};

template <typename T>
T peek(SectorView sector) {
    T value;
    std::memcpy(&value, sector.data(), sizeof(value));
    return value;
}

LogEntry decode_header(SectorView sector) {
    const auto header = peek<Header>(sector);
    LogEntry entry{.sector = header.sector,
                   .count = header.count,
                   .flush = (header.flags & flag_flush) != 0,
                   .fua = (header.flags & flag_fua) != 0,
                   .discard = (header.flags & flag_discard) != 0,
                   .is_mark = (header.flags & flag_mark) != 0,
                   .mark = {}};
    if (entry.is_mark) {
        if (header.data_bytes > sector_bytes - sizeof(Header))
            throw std::runtime_error("a mark of the log is too long");
        entry.mark.assign(reinterpret_cast<const char *>(sector.data()) + sizeof(Header),
                          header.data_bytes);
    }
    return entry;
}

/** The first mark of ours names the salt that all later contents carry. */
void take_salt(const LogEntry &entry, SectorPool &pool) {
    const auto event = parse_event(entry.mark);
    if (event && event->kind == EventKind::begin)
        pool.set_salt(event->v[0]);
}

} // namespace

Log read_log(const std::string &path, SectorPool &pool) {
    SectorReader reader(path);
    const auto super = peek<Super>(reader.next());
    if (super.magic != log_magic || super.version != log_version ||
        super.sector_bytes != sector_bytes)
        throw std::runtime_error(path + ": not a log of dm-log-writes with 512-byte sectors");
    Log log;
    for (std::uint64_t i = 0; i < super.entries; ++i) {
        LogEntry entry = decode_header(reader.next());
        entry.content = log.contents.size();
        if (entry.is_mark)
            take_salt(entry, pool);
        for (Sector s = 0; s < entry.count; ++s)
            log.contents.push_back(entry.discard ? zeros : pool.intern(reader.next()));
        log.entries.push_back(std::move(entry));
    }
    return log;
}

} // namespace rack
