/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one test run shares: random numbers, write ids, the history that is
 * printed after a failure, counters; and the verification of devices.
 */
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "chain.h"
#include "rng.h"

namespace esmodel {

/** A device does not hold what it must, or behaves as it must not. */
class TestFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/** The operations so far, the last ones with their details. */
class History {
public:
    explicit History(bool is_verbose) : is_verbose_(is_verbose) {}

    void begin(unsigned op, const std::string &name);
    void note(const std::string &detail);
    /** A long operation is still moving. */
    void touch() { pulse_++; }
    /** The last operations, one per line; may be called from any thread. */
    std::vector<std::string> last() const;
    /** Grows with every begin() and note(): a sign of life. */
    std::uint64_t pulse() const { return pulse_; }

private:
    mutable std::mutex lock_;
    std::deque<std::string> lines_;
    std::atomic<std::uint64_t> pulse_{0};
    bool is_verbose_;
};

/** Limits of a run. */
struct Limits {
    unsigned max_stores = 12;
    unsigned max_views = 4;
    bool may_detach = true;
    bool with_journal = false;
};

struct Session {
    Session(std::uint64_t seed, bool is_verbose);

    /** An id for the next write to @device (see WriteOrigin). */
    WriteId next_id(unsigned device);
    /** As next_id(), for a writer of its own that numbers its writes from the given sub on. */
    WriteOrigin next_writer(unsigned device);

    template <class... Args>
    void note(fmt::format_string<Args...> text, Args &&...args) {
        history.note(fmt::format(text, std::forward<Args>(args)...));
    }

    Rng rng;
    History history;
    unsigned salt;
    unsigned op = 0;
    std::map<std::string, unsigned> done;
    std::map<std::string, unsigned> unsupported;
    std::atomic<std::uint64_t> verified_bytes{0};

private:
    unsigned sub_ = 0;
    unsigned writer_ = 0;
    unsigned sub_op_ = 0;
};

/** One chain under test. */
struct Run {
    Session &session;
    Chain &chain;
    Limits limits;
};

/** A range for one request: mostly small, sometimes large, often in the same few places. */
Range random_range(Rng &rng, Sector sectors, Sector block_sectors, Sector max_count = 2048);

/** Runs @jobs in up to @threads threads and rethrows the first exception. */
void run_parallel(const std::vector<std::function<void()>> &jobs, unsigned threads);

/** Reads @range of @device and compares it with @content. */
void verify_range(Session &session, const OpenDevice &device, Image &content, Range range);
void verify_device(Session &session, const OpenDevice &device, Image &content,
                   std::size_t piece_bytes);

/** Reads the sectors that a discard left open, so that what they hold is known. */
void decide(Session &session, const OpenDevice &device, Image &content);

/** Compares the origin, every snapshot and every view in full, and asks each for its status. */
void verify_all(Run &run);

} // namespace esmodel
