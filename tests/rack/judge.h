// SPDX-License-Identifier: GPL-2.0-only
//
// Is what a power cut left what was promised?
#pragma once

#include <optional>
#include <string>

#include "oracle.h"
#include "recovery.h"

namespace rack {

/** A violation is said in words; nothing: all is well. */
using Verdict = std::optional<std::string>;

/** Compares images, sector by sector, with what the oracle allows. */
class ImageJudge {
public:
    ImageJudge(const Oracle &oracle, const SectorPool &pool) : oracle_(oracle), pool_(pool) {}

    Verdict origin(std::span<const ContentId> image) const;
    Verdict snapshot(const Snapshot &snapshot, std::span<const ContentId> image) const;
    Verdict view(const View &view, std::span<const ContentId> image) const;

private:
    template <typename Allows>
    Verdict compare(const std::string &name, std::span<const ContentId> image, Allows allows) const;

    const Oracle &oracle_;
    const SectorPool &pool_;
};

/** Judges states of the disk by recovering in user space. */
class Judge {
public:
    Judge(const Oracle &oracle, const Disk &disk, const SectorPool &pool)
        : oracle_(oracle), disk_(disk), pool_(pool), loader_(disk, pool, oracle.layout()),
          images_(oracle, pool) {}

    Verdict judge();
    /** esnap check on every store that the oracle knows: no fault. */
    Verdict check_stores() const;

    const StoreLoader &loader() const { return loader_; }

private:
    Verdict judge_candidate(Oracle::Range range, bool &attaches);
    Verdict judge_snapshots(Oracle::Range range, const LoadedChain &chain);
    Verdict judge_views(Oracle::Range range, const LoadedChain &chain);
    Verdict judge_view(const View &view, const LoadedChain &chain, std::size_t index);
    Verdict check_store(std::uint32_t slot) const;
    void fill(const LoadedChain &chain, std::size_t from, Oracle::Range range);
    void overlay(const LoadedStore &store, std::uint32_t slot);
    void start_with_origin();

    const Oracle &oracle_;
    const Disk &disk_;
    const SectorPool &pool_;
    StoreLoader loader_;
    ImageJudge images_;
    std::vector<ContentId> image_;
};

} // namespace rack
