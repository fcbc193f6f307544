// SPDX-License-Identifier: GPL-2.0-only
//
// Locks of open file descriptions, not of processes: they can be asked about without being taken.
#include "monitor/watch_list.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

namespace esnap {

namespace {

constexpr const char *lock_name = ".lock"; // no uuid begins with a dot
constexpr mode_t only_root = 0700;

struct flock whole_file() {
    struct flock lock {};

    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

[[noreturn]] void fail(const std::string &operation, const std::string &path, int error) {
    throw Error(operation, path, std::generic_category().message(error));
}

void make_directory(const std::string &path) {
    std::error_code error;

    std::filesystem::create_directories(path, error);
    if (error || ::chmod(path.c_str(), only_root) != 0)
        fail("make", path, error ? error.value() : errno);
}

} // namespace

std::string WatchList::path_of(const std::string &uuid) const {
    if (uuid.empty() || uuid.front() == '.' || uuid.find('/') != std::string::npos)
        throw Error("watch", uuid, "this is no uuid of a device");
    return directory_ + "/" + uuid;
}

bool WatchList::is_served() const {
    const int fd = ::open((directory_ + "/" + lock_name).c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock lock = whole_file();
    const bool is_held = ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    ::close(fd);
    return is_held;
}

bool WatchList::contains(const std::string &uuid) const {
    return ::access(path_of(uuid).c_str(), F_OK) == 0;
}

void WatchList::add(const std::string &uuid) const {
    const std::string path = path_of(uuid);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        fail("make", path, errno);
    ::close(fd);
}

void WatchList::remove(const std::string &uuid) const {
    const std::string path = path_of(uuid);

    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        fail("remove", path, errno);
}

std::set<std::string> WatchList::all() const {
    std::set<std::string> uuids;
    std::error_code error;
    std::filesystem::directory_iterator entries(directory_, error);

    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error))
        if (const std::string name = entries->path().filename(); !name.starts_with('.'))
            uuids.insert(name);
    if (error && error != std::errc::no_such_file_or_directory)
        fail("read", directory_, error.value());
    return uuids;
}

ServiceLock::ServiceLock(const WatchList &list) {
    const std::string path = list.directory() + "/" + lock_name;

    make_directory(list.directory());
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0)
        fail("open", path, errno);
    struct flock lock = whole_file();
    if (::fcntl(fd_, F_OFD_SETLK, &lock) == 0)
        return;
    const int error = errno;
    ::close(fd_);
    if (error == EAGAIN || error == EACCES)
        throw Error("lock", path, "another esnap monitor runs");
    fail("lock", path, error);
}

ServiceLock::~ServiceLock() {
    ::close(fd_);
}

} // namespace esnap
