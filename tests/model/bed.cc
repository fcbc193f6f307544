// SPDX-License-Identifier: GPL-2.0-only
#include "bed.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/ranges.h>

#include "ops.h"

namespace esmodel {

namespace {

unsigned choose_chunk(const Options &options, Rng &rng) {
    static const std::vector<unsigned> sizes{8, 16, 32, 128, 512};
    const unsigned random = rng.pick(sizes);

    return options.chunk_sectors != 0 ? options.chunk_sectors : random;
}

/* Small origins for small chunks, so that every seed takes about as long; never a
 * multiple of the chunk. */
Sector choose_sectors(const Options &options, unsigned chunk_sectors, Sector block, Rng &rng) {
    const Sector whole = chunk_sectors <= 8 ? 2048 : chunk_sectors <= 32 ? 3072 : 6144;
    const Sector less = rng.between(1, chunk_sectors / block == 1 ? 1 : chunk_sectors / block - 1);

    if (options.origin_sectors != 0)
        return options.origin_sectors / block * block;
    return whole - less * block;
}

/* A journal has something to hold when its origin takes its time for writes. */
Table origin_table(const Options &options, Sector sectors) {
    constexpr unsigned delay_ms = 8;
    const std::string disk = device_number(options.origin_disk);

    if (!options.with_journal)
        return linear_table(disk, {0, sectors});
    return {{0, sectors, "delay", fmt::format("{0} 0 0 {0} 0 {1}", disk, delay_ms)}};
}

std::vector<std::string> choose_features(Rng &rng) {
    static const std::vector<std::vector<std::string>> choices{
        {}, {}, {"discard=copy"}, {"queue_timeout=30"}, {"discard=swallow", "on_full=invalidate"},
    };

    return rng.pick(choices);
}

} // namespace

Geometry::Geometry(const Options &options, Rng &rng)
    : chunk_sectors(choose_chunk(options, rng)),
      origin_sectors(choose_sectors(
          options, chunk_sectors,
          BlockFile(options.origin_disk, BlockFile::Mode::read).block_sectors(), rng)),
      features(choose_features(rng)) {}

std::string Geometry::describe() const {
    return fmt::format("chunk {} sectors, origin {} sectors{}{}", chunk_sectors, origin_sectors,
                       features.empty() ? "" : ", ", fmt::join(features, " "));
}

TestBed::TestBed(const Options &options, Watchdog &watchdog, std::uint64_t seed,
                 std::optional<Sector> store_sectors)
    : session(seed, options.is_verbose), geometry(options, session.rng),
      targets(options.use_standin ? make_standin_targets() : make_esnap_targets()),
      origin("esm-origin", origin_table(options, geometry.origin_sectors)),
      pool("esm-store", store_sectors.value_or(geometry.store_sectors())), watchdog_(watchdog),
      start_(std::chrono::steady_clock::now()) {
    for (const std::string &disk : options.store_disks)
        pool.add_disk(disk);
    watchdog_.watch(seed, session);
    fmt::print("seed {}: {}\n", seed, geometry.describe());
    std::fflush(stdout);
}

TestBed::~TestBed() {
    watchdog_.unwatch();
}

std::unique_ptr<Chain> TestBed::make_chain(const std::string &name, unsigned index,
                                           const std::string &origin_path,
                                           std::shared_ptr<Image> content) {
    return std::make_unique<Chain>(ChainSetup{name, index, origin_path, geometry.origin_sectors,
                                              geometry.chunk_sectors, geometry.features,
                                              std::move(content)},
                                   *targets, pool);
}

void TestBed::guarded(const std::function<void()> &test) {
    try {
        test();
    } catch (const std::exception &e) {
        watchdog_.report(e.what());
        std::_Exit(EXIT_FAILURE);
    }
}

void TestBed::require_quiet_kernel() {
    for (const std::string &line : kernel_log_.take_new()) {
        if (is_kernel_complaint(line))
            throw TestFailure("the kernel complains: " + line);
    }
}

double TestBed::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void finish_chain(Run &run) {
    Chain &chain = run.chain;

    run.session.history.begin(run.session.op, chain.setup().name + " final verification");
    verify_all(run);
    chain.detach();
    check_stores(run);
    {
        const OpenDevice bare(
            chain.setup().name + "-bare",
            linear_table(device_number(chain.setup().origin_path), {0, chain.setup().sectors}),
            Access::read_only);

        verify_device(run.session, bare, chain.content(), 1 << 20);
    }
    chain.attach();
    verify_all(run);
    chain.detach();
    check_stores(run);
}

} // namespace esmodel
