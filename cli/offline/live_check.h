// SPDX-License-Identifier: GPL-2.0-only
//
// Checking what is in use: it may change while it is read, which can look like damage.
#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "offline/findings.h"

namespace esnap {

inline std::vector<Finding> faults_of(const FindingList &findings) {
    std::vector<Finding> faults;
    std::ranges::copy_if(findings.all(), std::back_inserter(faults),
                         [](const Finding &f) { return f.severity == Severity::fault; });
    return faults;
}

/**
 * The last result of several runs of @check, with the faults that each of them found: something
 * with findings, of what @holders have in use.
 */
template <typename Check>
auto check_live(const Check &check, const std::vector<std::string> &holders) {
    constexpr int runs = 3;
    constexpr std::chrono::milliseconds pause{50};
    auto result = check();
    std::vector<Finding> persistent = faults_of(result.findings);
    const std::size_t at_first = persistent.size();
    for (int run = 1; run < runs && !persistent.empty(); ++run) {
        std::this_thread::sleep_for(pause);
        result = check();
        const std::vector<Finding> again = faults_of(result.findings);
        std::erase_if(persistent, [&](const Finding &fault) {
            return std::ranges::find(again, fault) == again.end();
        });
    }
    FindingList kept;
    kept.note(Area::device, {},
              fmt::format("in use by {}: it may have changed while it was checked",
                          fmt::join(holders, ", ")));
    if (persistent.size() < at_first)
        kept.note(Area::device, {},
                  fmt::format("{} findings were gone when it was checked again",
                              at_first - persistent.size()));
    for (const Finding &finding : result.findings.all())
        if (finding.severity == Severity::note)
            kept.add(finding);
    for (Finding &fault : persistent)
        kept.add(std::move(fault));
    result.findings = std::move(kept);
    return result;
}

} // namespace esnap
