// SPDX-License-Identifier: GPL-2.0-only
//
// Looking at what a check of a StoreImage found.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "offline/checker.h"
#include "support/store_image.h"

namespace esnap::test {

inline std::vector<Finding> findings(const StoreImage &image, Severity severity) {
    std::vector<Finding> list;
    const CheckResult result = check_store(image);
    std::ranges::copy_if(result.findings.all(), std::back_inserter(list),
                         [&](const Finding &f) { return f.severity == severity; });
    return list;
}

/** For the message of a failed test. */
inline std::string text(const std::vector<Finding> &list) {
    std::string all;
    for (const Finding &f : list)
        all += std::string(area_text(f.area)) + " @" +
               (f.offset ? std::to_string(*f.offset) : "-") + ": " + f.cause + "\n";
    return all;
}

inline bool has(const std::vector<Finding> &list, Area area, std::optional<std::uint64_t> offset,
                const std::string &words) {
    return std::ranges::any_of(list, [&](const Finding &f) {
        return f.area == area && f.offset == offset && f.cause.find(words) != std::string::npos;
    });
}

} // namespace esnap::test
