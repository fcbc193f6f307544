// SPDX-License-Identifier: GPL-2.0-only
#include "policy/settings.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <fmt/format.h>

#include "policy/error.h"

namespace esnap::policy {

namespace {

std::uint64_t require_number(const std::string &where, const std::string &text, std::uint64_t min,
                             std::uint64_t max, const char *what) {
    const auto value = number_in(text, min, max);

    if (!value)
        throw SettingError(fmt::format("{}: '{}' is no {} (want a whole number, {} to {})", where,
                                       text, what, min, max));
    return *value;
}

bool has_growth(const Wish &wish) {
    return wish.percent || wish.extents;
}

void take_growth(Policy &policy, const Wish &wish, Source source) {
    policy.growth_from = source;
    policy.extents = wish.extents.value_or(0);
    policy.percent = wish.percent.value_or(default_percent);
}

} // namespace

const char *to_string(Source source) {
    switch (source) {
    case Source::volume:
        return "the volume's tag";
    case Source::conf:
        return "esnap.conf";
    case Source::lvm:
        return "lvm.conf";
    case Source::built_in:
        return "default";
    }
    return "?";
}

Policy choose_policy(const Wish &volume, const Wish &conf, const Wish &lvm) {
    const bool lvm_counts = lvm.threshold && *lvm.threshold < threshold_off;
    Policy policy;

    const auto take = [&](const Wish &wish, Source source) {
        if (wish.threshold) {
            policy.threshold = *wish.threshold;
            policy.threshold_from = source;
        }
        if (has_growth(wish))
            take_growth(policy, wish, source);
    };
    if (lvm_counts)
        take(lvm, Source::lvm);
    take(conf, Source::conf);
    take(volume, Source::volume);
    return policy;
}

std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t min,
                                       std::uint64_t max) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);

    if (error != std::errc{} || end != text.data() + text.size() || value < min || value > max)
        return {};
    return value;
}

unsigned parse_threshold(const std::string &where, const std::string &text) {
    return static_cast<unsigned>(
        require_number(where, text, min_threshold, threshold_off, "threshold in percent"));
}

unsigned parse_percent(const std::string &where, const std::string &text) {
    return static_cast<unsigned>(require_number(where, text, 1, max_percent, "growth in percent"));
}

std::uint64_t parse_extents(const std::string &where, const std::string &text) {
    return require_number(where, text, 1, max_extents, "number of extents");
}

Wish parse_lvmconfig(const std::string &text) {
    std::istringstream lines(text);
    std::string line;
    Wish wish;

    while (std::getline(lines, line)) {
        const std::size_t equals = line.find('=');
        if (equals == std::string::npos)
            continue;
        const std::string key = line.substr(0, equals);
        const auto value = number_in(std::string_view(line).substr(equals + 1), 0, max_percent);
        if (!value)
            continue;
        /* LVM itself takes less than 50 for 50. */
        if (key.ends_with("snapshot_autoextend_threshold"))
            wish.threshold = std::max(min_threshold, static_cast<unsigned>(*value));
        else if (key.ends_with("snapshot_autoextend_percent") && *value > 0)
            wish.percent = static_cast<unsigned>(*value);
    }
    return wish;
}

} // namespace esnap::policy
