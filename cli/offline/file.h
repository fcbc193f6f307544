// SPDX-License-Identifier: GPL-2.0-only
//
// The system calls on an open block device or regular file, past the page cache. Byte
// offsets only: it knows nothing of stores (and its .cc must not, because the system's
// headers define __le64 and so does es_env.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace esnap {

/** An open file; closes it. */
class FileHandle {
public:
    explicit FileHandle(int fd) : fd_(fd) {}
    ~FileHandle();
    FileHandle(FileHandle &&other) noexcept;
    FileHandle(const FileHandle &) = delete;
    FileHandle &operator=(const FileHandle &) = delete;
    FileHandle &operator=(FileHandle &&) = delete;

    int get() const { return fd_; }

private:
    int fd_;
};

/** Where a file is: of a block device its number, of a regular file its place. */
struct FileIdentity {
    bool is_block = false;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;

    bool operator==(const FileIdentity &) const = default;
};

/** The loop devices that stand on the regular file @file, by the kernel's lists in @sys_block. */
std::vector<std::string> loops_on(const FileIdentity &file,
                                  const std::string &sys_block = "/sys/block");

class File {
public:
    enum class Access {
        read, /**< it may be in use */
        /** Refuses a block device that anybody uses, and a regular file that a loop device stands
         * on or that is open in this way already. */
        exclusive_write,
    };

    /** Throws Error, as all that follow. */
    File(const std::string &path, Access access);

    const std::string &path() const { return path_; }
    std::uint64_t bytes() const { return bytes_; }
    /** 512 for a regular file. */
    std::uint32_t logical_block_bytes() const { return logical_block_bytes_; }
    const FileIdentity &identity() const { return identity_; }

    /** Memory, offset and length must be aligned for direct I/O. */
    void read(std::uint64_t at, std::span<std::byte> out) const;
    void write(std::uint64_t at, std::span<const std::byte> data);
    void flush();

    /** What the kernel says holds the device (names of dm devices and the like), or stands on the
     * file. */
    std::vector<std::string> holders() const;

private:
    void require_unused() const;

    std::string path_;
    FileHandle handle_;
    std::uint64_t bytes_ = 0;
    std::uint32_t logical_block_bytes_ = 512;
    FileIdentity identity_;
};

} // namespace esnap
