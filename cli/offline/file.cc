// SPDX-License-Identifier: GPL-2.0-only
#include "offline/file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include "error.h"

namespace esnap {

namespace {

std::string errno_text() {
    return std::generic_category().message(errno);
}

// The name people know a holder by: a dm device's own, else the kernel's.
std::string holder_name(const std::filesystem::path &holder) {
    std::ifstream file(holder / "dm" / "name");
    std::string name;
    if (std::getline(file, name) && !name.empty())
        return name;
    return holder.filename().string();
}

std::vector<std::string> holders_of(std::uint64_t number) {
    const std::filesystem::path dir =
        fmt::format("/sys/dev/block/{}:{}/holders", major(number), minor(number));
    std::vector<std::string> names;
    std::error_code ignored; // no such directory: nobody holds it that way
    for (const auto &entry : std::filesystem::directory_iterator(dir, ignored))
        names.push_back(holder_name(entry.path()));
    std::ranges::sort(names);
    return names;
}

[[noreturn]] void throw_open_error(const std::string &path) {
    const int error = errno;
    struct stat status {};
    if (error != EBUSY || ::stat(path.c_str(), &status) != 0)
        throw Error("open", path, std::generic_category().message(error));
    const auto names = holders_of(status.st_rdev);
    throw Error("open", path,
                names.empty() ? "it is in use (mounted, swap, or held by another program)"
                              : fmt::format("it is in use by {}", fmt::join(names, ", ")),
                "take it out of use first");
}

// Looked at before the opening, which could hang on a pipe or have effects.
void require_device_or_file(const std::string &path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !S_ISBLK(status.st_mode) && !S_ISREG(status.st_mode))
        throw Error("open", path, "it is neither a block device nor a regular file");
}

// A file system may refuse O_DIRECT (tmpfs). For a regular file the page cache is the
// truth, so it can do without; a block device must not.
int open_directly(const std::string &path, int flags) {
    require_device_or_file(path);
    const int fd = ::open(path.c_str(), flags | O_DIRECT | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    const int error = errno;
    struct stat status {};
    if (error == EINVAL && ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
        const int buffered = ::open(path.c_str(), flags | O_CLOEXEC);
        if (buffered >= 0)
            return buffered;
    }
    errno = error;
    throw_open_error(path);
}

} // namespace

std::vector<std::string> loops_on(const FileIdentity &file, const std::string &sys_block) {
    std::vector<std::string> names;
    std::error_code ignored; // no such directory: there are none
    for (const auto &entry : std::filesystem::directory_iterator(sys_block, ignored)) {
        std::ifstream attribute(entry.path() / "loop" / "backing_file");
        std::string path{std::istreambuf_iterator<char>(attribute), {}};
        if (path.ends_with('\n'))
            path.pop_back();
        struct stat status {};
        if (!path.empty() && ::stat(path.c_str(), &status) == 0 &&
            file == FileIdentity{.device = status.st_dev, .inode = status.st_ino})
            names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

FileHandle::~FileHandle() {
    if (fd_ >= 0)
        ::close(fd_);
}

FileHandle::FileHandle(FileHandle &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

File::File(const std::string &path, Access access)
    : path_(path),
      handle_(open_directly(path, access == Access::read ? O_RDONLY : O_RDWR | O_EXCL)) {
    struct stat status {};
    if (::fstat(handle_.get(), &status) != 0)
        throw Error("look at", path_, errno_text());
    if (S_ISBLK(status.st_mode)) {
        identity_ = {.is_block = true, .device = status.st_rdev};
        if (::ioctl(handle_.get(), BLKGETSIZE64, &bytes_) != 0)
            throw Error("find out the size of", path_, errno_text());
        int logical = 0;
        if (::ioctl(handle_.get(), BLKSSZGET, &logical) != 0)
            throw Error("find out the block size of", path_, errno_text());
        logical_block_bytes_ = static_cast<std::uint32_t>(logical);
    } else {
        identity_ = {.device = status.st_dev, .inode = status.st_ino};
        bytes_ = static_cast<std::uint64_t>(status.st_size);
        if (access == Access::exclusive_write)
            require_unused();
    }
}

void File::read(std::uint64_t at, std::span<std::byte> out) const {
    while (!out.empty()) {
        const ssize_t got = ::pread(handle_.get(), out.data(), out.size(), static_cast<off_t>(at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            throw Error("read", path_,
                        fmt::format("byte {}: {}", at, got < 0 ? errno_text() : "end of device"));
        out = out.subspan(static_cast<std::size_t>(got));
        at += static_cast<std::uint64_t>(got);
    }
}

void File::write(std::uint64_t at, std::span<const std::byte> data) {
    while (!data.empty()) {
        const ssize_t put =
            ::pwrite(handle_.get(), data.data(), data.size(), static_cast<off_t>(at));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            throw Error("write", path_,
                        fmt::format("byte {}: {}", at, put < 0 ? errno_text() : "end of device"));
        data = data.subspan(static_cast<std::size_t>(put));
        at += static_cast<std::uint64_t>(put);
    }
}

void File::flush() {
    if (::fsync(handle_.get()) != 0)
        throw Error("flush", path_, errno_text());
}

std::vector<std::string> File::holders() const {
    return identity_.is_block ? holders_of(identity_.device) : loops_on(identity_);
}

/* A regular file has no O_EXCL: whoever uses it through a loop device is asked for, and who
 * writes it as we do has locked it. A file system that knows no locks is no reason to refuse. */
void File::require_unused() const {
    if (::flock(handle_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        throw Error("open", path_, "another program writes it, and has locked it",
                    "wait until that is done");
    const auto loops = loops_on(identity_);
    if (!loops.empty())
        throw Error("open", path_, fmt::format("it is in use by {}", fmt::join(loops, ", ")),
                    fmt::format("detach it first (losetup -d /dev/{})", loops.front()));
}

} // namespace esnap
