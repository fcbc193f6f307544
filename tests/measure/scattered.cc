// SPDX-License-Identifier: GPL-2.0-only
//
// Fills a copy-on-write area with scattered single-chunk exceptions, without an hour of I/O:
// only what is read when it is attached is written, the copies themselves are holes.
//
//   esnap-scatter esnapshot STORE EXTENTS        STORE: fresh from "esnap format", chunks of 4 KiB
//   esnap-scatter dm-snapshot COW EXTENTS        COW: an empty file or device
//
// Both get the same exceptions: chunks 2 * (i * ODD mod a power of two), which never join.
#include <cstdint>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "es_log.h"

namespace {

constexpr std::size_t block_bytes = ES_BLOCK_SIZE;
constexpr std::uint32_t extents_per_record = 16; // what an append has at depth 32

class File {
public:
    explicit File(const std::string &path) : path_(path), fd_(::open(path.c_str(), O_RDWR)) {
        if (fd_ < 0)
            fail("open");
    }
    ~File() { ::close(fd_); }
    File(const File &) = delete;
    File &operator=(const File &) = delete;

    void read(std::uint64_t block, void *out) {
        if (::pread(fd_, out, block_bytes, offset(block)) != static_cast<ssize_t>(block_bytes))
            fail("read");
    }
    void write(std::uint64_t block, const void *data) {
        if (::pwrite(fd_, data, block_bytes, offset(block)) != static_cast<ssize_t>(block_bytes))
            fail("write");
    }

private:
    static off_t offset(std::uint64_t block) { return static_cast<off_t>(block * block_bytes); }
    [[noreturn]] void fail(const char *what) {
        throw std::runtime_error(fmt::format("{} of {}: {}", what, path_, std::strerror(errno)));
    }

    std::string path_;
    int fd_;
};

/** Chunk number @i of @count, scattered. */
std::uint64_t scattered(std::uint64_t i, std::uint64_t count) {
    std::uint64_t size = 1;

    while (size < count)
        size *= 2;
    return 2 * ((i * 2654435761U) & (size - 1));
}

class Store {
public:
    explicit Store(const std::string &path) : file_(path) {
        alignas(8) std::uint8_t a[block_bytes], b[block_bytes];

        file_.read(ES_SB_A_BLOCK, a);
        file_.read(ES_SB_B_BLOCK, b);
        const es_fault fault = es_sb_pick(&sb_, a, b, nullptr);
        if (fault != ES_OK || sb_.epoch != 0 || es_chunk_blocks(sb_.chunk_sectors) != 1)
            throw std::runtime_error("not a fresh store with chunks of 4 KiB");
        sb_.epoch = 1;
        es_log_init(&log_, &sb_);
        const std::vector<std::uint8_t> zeros(block_bytes);
        payload_crc_ = es_data_checksum(zeros.data(), 1);
    }

    void append(std::vector<es_extent> &extents) {
        const auto nr = static_cast<std::uint32_t>(extents.size());

        if (es_log_room(&log_, nr) < static_cast<std::int64_t>(nr))
            next_segment();
        for (es_extent &e : extents)
            e.crc = payload_crc_;
        const std::uint64_t addr = es_log_append(&log_, extents.data(), nr, block_);
        file_.write(addr, block_);
        open_.insert(open_.end(), extents.begin(), extents.end());
    }

    /** A clean end, as a detach leaves it; without a fingerprint of an origin. */
    void finish() {
        sb_.tail_seq = log_.seq;
        sb_.payload_blocks = log_.payload_blocks;
        sb_.generation++;
        es_sb_encode(&sb_, block_);
        file_.write(es_sb_addr(sb_.generation), block_);
    }

private:
    void next_segment() {
        if (!es_log_has_next(&log_))
            throw std::runtime_error("the store is full");
        for (std::uint32_t pos = 0; pos < es_table_blocks(log_.nr_open); ++pos) {
            const std::uint64_t addr = es_log_summary(&log_, open_.data(), pos, block_);
            file_.write(addr, block_);
        }
        es_log_next_segment(&log_);
        open_.clear();
    }

    File file_;
    es_sb sb_{};
    es_log log_{};
    std::uint32_t payload_crc_ = 0;
    std::vector<es_extent> open_;
    alignas(8) std::uint8_t block_[block_bytes];
};

void fill_esnapshot(const std::string &path, std::uint64_t count) {
    Store store(path);
    std::vector<es_extent> batch;

    for (std::uint64_t i = 0; i < count; ++i) {
        es_extent e{};
        e.chunk = scattered(i, count);
        e.nr = 1;
        batch.push_back(e);
        if (batch.size() == extents_per_record || i + 1 == count) {
            store.append(batch);
            batch.clear();
        }
    }
    store.finish();
}

/** The persistent format of the kernel's drivers/md/dm-snap-persistent.c, chunks of 4 KiB. */
void fill_dm_snapshot(const std::string &path, std::uint64_t count) {
    constexpr std::uint32_t header[] = {0x70416e53, 1, 1, 8}; // magic, valid, version, sectors
    constexpr std::uint64_t per_area = block_bytes / 16;
    File file(path);
    std::vector<std::uint64_t> area(2 * per_area);

    std::memcpy(area.data(), header, sizeof(header));
    file.write(0, area.data());
    for (std::uint64_t a = 0; a <= count / per_area; ++a) {
        const std::uint64_t first = 1 + a * (per_area + 1); // chunk of the area itself

        std::fill(area.begin(), area.end(), 0);
        for (std::uint64_t i = 0; i < per_area && a * per_area + i < count; ++i) {
            area[2 * i] = scattered(a * per_area + i, count);
            area[2 * i + 1] = first + 1 + i;
        }
        file.write(first, area.data());
    }
}

} // namespace

int main(int argc, char **argv) {
    try {
        const std::string kind = argc == 4 ? argv[1] : "";

        if (kind == "esnapshot")
            fill_esnapshot(argv[2], std::stoull(argv[3]));
        else if (kind == "dm-snapshot")
            fill_dm_snapshot(argv[2], std::stoull(argv[3]));
        else
            throw std::runtime_error("usage: esnap-scatter esnapshot|dm-snapshot DEVICE EXTENTS");
        return 0;
    } catch (const std::exception &e) {
        fmt::print(stderr, "esnap-scatter: {}\n", e.what());
        return 1;
    }
}
