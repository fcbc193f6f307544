// SPDX-License-Identifier: GPL-2.0-only
//
// What esnap monitor watches: a directory that holds one empty file for each device, named by its
// uuid, and a lock that the service holds while it runs. Both are gone after a boot.
#pragma once

#include <set>
#include <string>

namespace esnap {

class WatchList {
public:
    static constexpr const char *default_directory = "/run/esnap/monitor";

    explicit WatchList(std::string directory = default_directory)
        : directory_(std::move(directory)) {}

    const std::string &directory() const { return directory_; }

    /** Does a service hold the lock? Takes nothing itself. */
    bool is_served() const;

    bool contains(const std::string &uuid) const;
    /** One that is there is no error. Throws Error. */
    void add(const std::string &uuid) const;
    /** One that is not there is no error. Throws Error. */
    void remove(const std::string &uuid) const;
    /** Empty where there is no directory. Throws Error. */
    std::set<std::string> all() const;

private:
    std::string path_of(const std::string &uuid) const;

    std::string directory_;
};

/** The lock, for as long as the object lives: there is one service. Makes the directory. */
class ServiceLock {
public:
    /** Throws Error, also if another process holds it. */
    explicit ServiceLock(const WatchList &list);
    ~ServiceLock();
    ServiceLock(const ServiceLock &) = delete;
    ServiceLock &operator=(const ServiceLock &) = delete;

private:
    int fd_ = -1;
};

} // namespace esnap
