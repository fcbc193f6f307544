/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test bed that every command starts from: an origin of the wanted size on
 * the origin disk, stores on the store disks, sizes chosen from the seed.
 */
#pragma once

#include <memory>
#include <optional>

#include "chain.h"
#include "commands.h"
#include "process.h"
#include "session.h"
#include "watchdog.h"

namespace esmodel {

/** Geometry and features of a chain, as the options say or as the seed has it. */
struct Geometry {
    Geometry(const Options &options, Rng &rng);

    unsigned chunk_sectors;
    Sector origin_sectors;
    std::vector<std::string> features;

    /** Room in which a store can hold every chunk of the origin, however they come. */
    Sector store_sectors() const { return origin_sectors * 3 + 16384; }
    std::string describe() const;
};

class TestBed {
public:
    TestBed(const Options &options, Watchdog &watchdog, std::uint64_t seed,
            std::optional<Sector> store_sectors = std::nullopt);
    ~TestBed();
    TestBed(const TestBed &) = delete;
    TestBed &operator=(const TestBed &) = delete;

    /** A chain on @origin_path whose origin holds @content. */
    std::unique_ptr<Chain> make_chain(const std::string &name, unsigned index,
                                      const std::string &origin_path,
                                      std::shared_ptr<Image> content);

    /**
     * Runs @test.  A failure is reported while everything is still in place,
     * and ends the process: taking things down could hang and destroys evidence.
     */
    void guarded(const std::function<void()> &test);

    /** Fails if the kernel complained about itself since the test bed was set up. */
    void require_quiet_kernel();

    /** The seconds since the test bed was set up. */
    double seconds() const;

    Session session;
    Geometry geometry;
    std::unique_ptr<Targets> targets;
    DmDevice origin; /**< exactly of the size wanted; slow with a journal */
    SlotPool pool;

private:
    Watchdog &watchdog_;
    KernelLog kernel_log_;
    std::chrono::steady_clock::time_point start_;
};

/**
 * The end of every test: all is compared, the chain is taken down, every store
 * checked, the bare origin compared; then the chain comes up and is compared once more.
 */
void finish_chain(Run &run);

} // namespace esmodel
