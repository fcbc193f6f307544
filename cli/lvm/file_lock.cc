// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/file_lock.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

namespace esnap {

namespace {

[[noreturn]] void fail(const std::string &path) {
    const int code = errno;

    throw Error("lock", path, std::generic_category().message(code),
                code == EACCES || code == EPERM ? "this needs root" : "");
}

bool is_file_of_name(int fd, const std::string &path) {
    struct stat opened {
    }, named{};

    return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

int lock_exclusively(const std::string &path) {
    const int fd = ::open(path.c_str(), O_CREAT | O_APPEND | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        fail(path);
    while (::flock(fd, LOCK_EX) < 0)
        if (errno != EINTR) {
            const int code = errno;
            ::close(fd);
            errno = code;
            fail(path);
        }
    return fd;
}

} // namespace

FileLock::FileLock(const std::string &path) {
    std::error_code ignored; // opening the file says what is wrong

    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    for (;;) {
        fd_ = lock_exclusively(path);
        if (is_file_of_name(fd_, path))
            return;
        ::close(fd_);
    }
}

FileLock::~FileLock() {
    ::close(fd_);
}

std::string esnap_lock_path(const std::string &vg) {
    return "/run/esnap/lock/V_" + vg; // in /run/lock anybody may make a directory
}

std::string lvm_lock_path(const std::string &vg) {
    return "/run/lock/lvm/V_" + vg;
}

} // namespace esnap
