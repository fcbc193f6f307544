// SPDX-License-Identifier: GPL-2.0-only
//
// The seam: all that the library asks of the system goes through one object of DmApi, which is
// handed to whoever needs it. There are two implementations: LibDm (libdm.h), which talks to
// libdevmapper, and the scripted double of the tests.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "dm-ext/types.h"

namespace dmext {

enum class Op {
    create, /**< name, uuid: an empty device */
    load,   /**< table, access: into the inactive slot */
    clear,  /**< empties the inactive slot */
    resume, /**< swaps the inactive table in, if there is one; suspends for that if it must */
    suspend,
    remove,
    rename,   /**< new_name */
    table,    /**< -> targets */
    status,   /**< -> targets */
    info,     /**< a device that is not there is no error: see Info::exists */
    deps,     /**< -> deps */
    list,     /**< -> devices; no name */
    message,  /**< message, sector */
    mknodes,  /**< makes the nodes what they should be; without a name: all */
    versions, /**< -> versions; no name */
};

/** The operation's name in messages: "load", "suspend", ... */
const char *to_string(Op op);

enum class Access { read_write, read_only };

enum class Slot { live, inactive };

/** What a suspend does before it stops new requests. */
struct SuspendMode {
    /** Wait for requests under way; without it targets may push them back until resumed. */
    bool flush = true;
    /** Freeze the file system on it first, so that what is on the device is consistent. */
    bool freeze = true;

    bool operator==(const SuspendMode &) const = default;
};

/** How much udev's rules shall do with a device. */
enum class Visibility {
    normal,   /**< everything: links by uuid and label, what the desktop does */
    unprobed, /**< its node and names only; nobody looks at what is on it */
    hidden,   /**< as unprobed, and no subsystem's rules (LVM's) either */
};

/** A semaphore that udev's rules count down; owned by a UdevScope. */
struct UdevCookie {
    std::uint32_t value = 0; /**< 0: not made yet, or udev is not there */
};

/** One task. Fields that an operation does not name are ignored by it. */
struct Request {
    Op op = Op::info;
    std::string name = {};
    /** For create; for info: the device is asked for by it, if there is no name. */
    std::string uuid = {};
    std::string new_name = {};
    Table table = {};
    Access access = Access::read_write;
    /** For suspend, and for a resume that has to suspend first. */
    SuspendMode mode = {};
    /** For table, status and deps. */
    Slot slot = Slot::live;
    /** For info: it costs a little. */
    bool wants_open_count = false;
    Visibility visibility = Visibility::normal;
    /** For resume, remove and rename: null waits for udev before returning. */
    UdevCookie *cookie = nullptr;
    std::string message = {};
    Sectors sector = 0;
};

struct Reply {
    Info info = {};
    Table targets = {};
    std::vector<DeviceNumber> deps = {};
    std::vector<ListedDevice> devices = {};
    /** What the target answered to a message. */
    std::string answer = {};
    /** Of all target types that the kernel has now. */
    std::vector<TargetVersion> versions = {};
};

/** Wakes up when the event counter of any device has moved. One user at a time. */
class EventSource {
public:
    enum class Wake { event, timeout, interrupted };

    EventSource() = default;
    virtual ~EventSource() = default;
    EventSource(const EventSource &) = delete;
    EventSource &operator=(const EventSource &) = delete;

    /** Events from here on end the next wait(), also when they come before it. */
    virtual void arm() = 0;
    /** Blocks; a negative @timeout is for ever. */
    virtual Wake wait(std::chrono::milliseconds timeout) = 0;
    /** Ends the wait() under way or the next one. The only call for other threads. */
    virtual void interrupt() = 0;
};

/**
 * The outside world. Calls may sleep. run() and the calls about cookies may come from several
 * threads at once; an implementation serialises them.
 */
class DmApi {
public:
    DmApi() = default;
    virtual ~DmApi() = default;
    DmApi(const DmApi &) = delete;
    DmApi &operator=(const DmApi &) = delete;

    /**
     * Runs one task. Throws Error with the errno as code(); a task that fails has changed
     * nothing, with one exception: a resume that fails after it has swapped the tables leaves
     * the device suspended with the new one.
     */
    virtual Reply run(const Request &request) = 0;

    /** Waits until udev has done its work for every task that was given @cookie; resets it. */
    virtual void wait_for_udev(UdevCookie &cookie) = 0;

    /** Throws Error. */
    virtual std::unique_ptr<EventSource> open_events() = 0;

    virtual void pause(std::chrono::milliseconds time) = 0;

    /** Takes what went wrong where nothing can be thrown. Must not throw. */
    virtual void report(const std::string &text) noexcept = 0;
};

} // namespace dmext
