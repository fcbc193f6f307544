// SPDX-License-Identifier: GPL-2.0-only
#include "offline/findings.h"

#include <algorithm>

namespace esnap {

const char *area_text(Area area) {
    switch (area) {
    case Area::device:
        return "device";
    case Area::superblock:
        return "superblock";
    case Area::log:
        return "log";
    case Area::record:
        return "record";
    case Area::payload:
        return "payload";
    case Area::summary:
        return "summary";
    case Area::extent:
        return "extent";
    case Area::index:
        return "index";
    case Area::map:
        return "chunk map";
    }
    return "unknown";
}

std::size_t FindingList::count(Severity severity) const {
    return static_cast<std::size_t>(std::ranges::count(all_, severity, &Finding::severity));
}

} // namespace esnap
