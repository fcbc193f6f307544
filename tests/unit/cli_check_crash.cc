// SPDX-License-Identifier: GPL-2.0-only
//
// esnap check after power cuts: whatever a cut leaves of unflushed writes, in several lives
// of a store that also grows, the check finds nothing that it calls a fault.

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "support/findings.h"
#include "support/store_image.h"

using namespace esnap;
using namespace esnap::test;

namespace {

/** Appends until the power fails, or a while. */
void append_at_random(StoreImage &image, Rng &rng, std::uint64_t &chunk) {
    for (std::uint64_t n = rng.below(40); n > 0; --n) {
        std::vector<es_extent> extents;
        for (std::uint64_t i = rng.between(1, 4); i > 0; --i) {
            const auto nr = static_cast<std::uint32_t>(rng.between(1, 6));
            const unsigned flags = image.sb().kind == ES_KIND_VIEW ? ES_EXT_NO_CRC : 0;
            extents.push_back(make_extent(chunk, nr, 0, 0, rng.chance(20) ? ES_EXT_ZERO : flags));
            chunk += nr + rng.below(2);
        }
        if (image.writer().append(extents, 0) == 0)
            return;
    }
}

bool is_older_copy(const Finding &f) {
    return f.area == Area::superblock && f.cause.starts_with("copy ");
}

} // namespace

TEST_CASE("check: nothing that a power cut leaves is called a fault", "[cli][check]") {
    const auto seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{150}));
    CAPTURE(seed);
    Rng rng(seed);
    es_sb sb = rng.chance(80) ? sample_sb() : sample_view_sb();
    sb.device_blocks = rng.between(100, 400);
    StoreImage image(sb);
    std::uint64_t chunk = 0;
    for (int life = 0; life < 4; ++life) {
        bool detached = false;
        image.device().cut_power_at(rng.chance(70) ? rng.between(1, 40) : 0);
        try {
            image.attach();
            append_at_random(image, rng, chunk);
            if (rng.chance(40)) {
                image.grow(image.blocks() + rng.between(1, 100));
                append_at_random(image, rng, chunk);
            }
            image.detach();
            detached = true;
        } catch (const PowerCut &) {
            image.device().lose_power(rng);
        }
        image.device().cut_power_at(0);
        auto faults = findings(image, Severity::fault);
        // A cut during an attach tears the other copy while this one still says "detached".
        if (!detached)
            std::erase_if(faults, is_older_copy);
        INFO(text(faults));
        REQUIRE(faults.empty());
    }
}
