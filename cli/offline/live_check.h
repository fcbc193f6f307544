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

inline bool has_finding(const std::vector<Finding> &list, const Finding &finding) {
    return std::ranges::find(list, finding) != list.end();
}

/**
 * The last of several runs of @check, which returns something with findings, of what @holders
 * have in use. A fault is what each of them found. What else the last one found lies where it
 * could not verify anything, unless @is_newer(result of the run before, fault): it was not there
 * yet when that run ended.
 */
template <typename Check, typename IsNewer>
auto check_live(const Check &check, const std::vector<std::string> &holders,
                const IsNewer &is_newer) {
    constexpr int runs = 3;
    constexpr std::chrono::milliseconds pause{50};
    auto result = check();
    auto before = result;
    std::vector<Finding> lasting = faults_of(result.findings);
    const std::size_t at_first = lasting.size();
    for (int run = 1; run < runs && !result.findings.clean(); ++run) {
        std::this_thread::sleep_for(pause);
        before = std::exchange(result, check());
        const std::vector<Finding> again = faults_of(result.findings);
        std::erase_if(lasting, [&](const Finding &f) { return !has_finding(again, f); });
    }
    FindingList kept;
    kept.note(Area::device, {},
              fmt::format("in use by {}: it may have changed while it was checked",
                          fmt::join(holders, ", ")));
    if (lasting.size() < at_first)
        kept.note(Area::device, {},
                  fmt::format("{} findings were gone when it was checked again",
                              at_first - lasting.size()));
    for (Finding finding : result.findings.all()) {
        if (finding.severity == Severity::fault && !has_finding(lasting, finding)) {
            if (is_newer(before, finding))
                continue;
            finding.severity = Severity::unverified;
        }
        kept.add(std::move(finding));
    }
    result.findings = std::move(kept);
    return result;
}

} // namespace esnap
