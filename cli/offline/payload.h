// SPDX-License-Identifier: GPL-2.0-only
//
// The data in a store: does it match what its extent says?
#pragma once

#include <optional>
#include <string>

#include "es_format.h"
#include "offline/device.h"

namespace esnap {

class PayloadVerifier {
public:
    PayloadVerifier(const BlockSource &source, const es_sb &sb);

    /**
     * What is wrong with the payload of @extent: unreadable, checksum, or data behind the
     * origin's end that should be zero. Of one without a checksum (a view's) only whether it
     * can be read.
     */
    std::optional<std::string> find_fault(const es_extent &extent);

    /** Only what the kernel asks when it attaches: does the checksum match? Throws Error if it
     * cannot be read. */
    bool checksum_matches(const es_extent &extent);

private:
    struct Content {
        std::uint32_t crc = 0;
        bool is_zero_behind_origin = true;
    };

    Content read_content(const es_extent &extent);
    std::uint64_t bytes_in_origin(const es_extent &extent) const;

    const BlockSource &source_;
    const es_sb &sb_;
    BlockBuffer buffer_;
};

} // namespace esnap
