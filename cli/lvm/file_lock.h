// SPDX-License-Identifier: GPL-2.0-only
//
// Locks between processes.
#pragma once

#include <string>

namespace esnap {

/**
 * An exclusive flock() on a file, made if it is missing; waits until it is free. Ends with the
 * object or the process. The protocol is LVM's (lib/misc/lvm-flock.c): who gets the lock looks
 * whether the file is still the one of that name, since whoever lets go may remove it.
 */
class FileLock {
public:
    explicit FileLock(const std::string &path);
    ~FileLock();
    FileLock(const FileLock &) = delete;
    FileLock &operator=(const FileLock &) = delete;

private:
    int fd_ = -1;
};

/** esnap's own lock of a volume group: for commands that change a chain's make-up. */
std::string esnap_lock_path(const std::string &vg);
/** The lock under which LVM changes the volume group. */
std::string lvm_lock_path(const std::string &vg);

} // namespace esnap
