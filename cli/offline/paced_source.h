// SPDX-License-Identifier: GPL-2.0-only
//
// A device that is read at a limited rate, and says how far it is.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "offline/block_source.h"

namespace esnap {

class PacedSource final : public BlockSource {
public:
    using Clock = std::chrono::steady_clock;

    /** The world: its time, and what is done in it. */
    struct World {
        std::function<Clock::time_point()> now;
        std::function<void(Clock::duration)> sleep;
        /** How much was read, about every half second. */
        std::function<void(std::uint64_t bytes)> progress;
    };

    /** @rate: bytes per second, 0: as fast as it goes */
    PacedSource(const BlockSource &source, std::uint64_t rate, World world)
        : source_(source), rate_(rate), world_(std::move(world)), began_(world_.now()),
          told_(began_) {}

    const std::string &name() const override { return source_.name(); }
    std::uint64_t bytes() const override { return source_.bytes(); }

    void read(std::uint64_t block, Bytes out) const override {
        source_.read(block, out);
        read_ += out.size();
        Clock::time_point now = world_.now();
        if (rate_ > 0) {
            const std::chrono::duration<double> due(static_cast<double>(read_) /
                                                    static_cast<double>(rate_));
            const auto wait = began_ + std::chrono::duration_cast<Clock::duration>(due) - now;
            if (wait > Clock::duration::zero()) {
                world_.sleep(wait);
                now += wait;
            }
        }
        if (now - told_ >= std::chrono::milliseconds(500)) {
            told_ = now;
            world_.progress(read_);
        }
    }

private:
    const BlockSource &source_;
    std::uint64_t rate_;
    World world_;
    Clock::time_point began_;
    mutable Clock::time_point told_;
    mutable std::uint64_t read_ = 0;
};

} // namespace esnap
