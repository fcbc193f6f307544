/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load: threads that write and read while tables are switched.
 *
 * Every writer owns a region and has one write outstanding, so that its log
 * says exactly what a snapshot taken meanwhile may hold (see WriterLog).
 * Regions meet inside chunks, so writers fight for chunks, not for sectors.
 * Readers compare snapshots, which never change, for as long as the load lasts.
 */
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "session.h"

namespace esmodel {

/** Writes to its region from construction until stop(). */
class RegionWriter {
public:
    RegionWriter(const BlockFile &file, Range region, WriteOrigin ids, std::uint64_t seed);
    ~RegionWriter();
    RegionWriter(const RegionWriter &) = delete;
    RegionWriter &operator=(const RegionWriter &) = delete;

    void note_suspend() { log_.completed_before = completed_; }
    void note_resume() { log_.issued_before = issued_; }
    /** Ends the thread and rethrows what it failed with. */
    void stop();
    /** Only after stop(). */
    const WriterLog &log() const { return log_; }

private:
    void work(std::uint64_t seed, WriteOrigin ids);

    const BlockFile &file_;
    WriterLog log_;
    std::atomic<std::size_t> issued_{0};
    std::atomic<std::size_t> completed_{0};
    std::atomic<bool> is_stopping_{false};
    std::exception_ptr failure_;
    std::thread thread_;
};

/** Compares random ranges of a device that nobody writes to. */
class RangeReader {
public:
    RangeReader(Session &session, const OpenDevice &device, Image &content, std::uint64_t seed);
    ~RangeReader();
    RangeReader(const RangeReader &) = delete;
    RangeReader &operator=(const RangeReader &) = delete;

    void stop();

private:
    void work(Session &session, const OpenDevice &device, Image &content, std::uint64_t seed);

    std::atomic<bool> is_stopping_{false};
    std::exception_ptr failure_;
    std::thread thread_;
};

/** Writers on the origin and on views, readers on snapshots, all at once. */
class Load {
public:
    explicit Load(Run &run);

    /** For Chain's switches. */
    SwitchHooks hooks();
    /** Lets the load work for a while. */
    void wait(unsigned milliseconds) const;
    /** Ends all threads and enters the writes into the models. */
    void finish();
    /** After finish(): the regions of the origin, as they were when a new snapshot was made. */
    void adopt(Snapshot &snapshot);

private:
    struct Writer {
        std::unique_ptr<RegionWriter> thread;
        std::shared_ptr<Image> content;
        bool is_on_origin = false;
    };

    void start_writers(const OpenDevice &device, std::shared_ptr<Image> content, unsigned device_id,
                       unsigned count);
    void start_readers();

    Run &run_;
    std::vector<Writer> writers_;
    std::vector<std::unique_ptr<RangeReader>> readers_;
};

} // namespace esmodel
