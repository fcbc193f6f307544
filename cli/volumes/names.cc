// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/names.h"

#include <fmt/format.h>

#include "error.h"

namespace esnap {

namespace {

constexpr const char *allowed =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-";
/* LVM has 127 with all its suffixes, and a device 127 with the group's name. */
constexpr std::size_t max_name = 110;

bool is_good(const std::string &name) {
    return !name.empty() && name.find_first_not_of(allowed) == std::string::npos &&
           name.front() != '-' && name != "." && name != "..";
}

std::string doubled(const std::string &name) {
    std::string out;

    for (const char c : name)
        out.append(c == '-' ? 2 : 1, c);
    return out;
}

} // namespace

VolumeName parse_name(const std::string &word) {
    constexpr std::string_view dev = "/dev/";
    const std::string rest = word.starts_with(dev) ? word.substr(dev.size()) : word;
    const std::size_t slash = rest.find('/');
    VolumeName name{rest.substr(0, slash), {}};

    if (slash != std::string::npos)
        name.lv = rest.substr(slash + 1);
    if (!is_good(name.vg) || (slash != std::string::npos && !is_good(name.lv)))
        throw UsageError(fmt::format("'{}' is no volume: want VG/LV or /dev/VG/LV", word));
    return name;
}

VolumeName parse_volume(const std::string &word) {
    VolumeName name = parse_name(word);

    if (name.lv.empty())
        throw UsageError(fmt::format("'{}' names no volume: want VG/LV or /dev/VG/LV", word));
    return name;
}

void require_good_name(const std::string &lv) {
    if (!is_good(lv))
        throw UsageError(fmt::format("'{}' cannot be a name: letters, digits and + _ . - are "
                                     "possible, and no dash at the beginning",
                                     lv));
    if (lv.size() > max_name)
        throw UsageError(fmt::format("'{}' is longer than {} characters", lv, max_name));
    if (is_hidden_name(lv))
        throw UsageError(fmt::format("'{}' cannot be a name: {}, {} and {} mark the volumes that "
                                     "esnap itself makes",
                                     lv, origin_suffix, store_suffix, journal_suffix));
}

bool is_hidden_name(const std::string &lv) {
    return lv.ends_with(origin_suffix) || lv.ends_with(store_suffix) ||
           lv.ends_with(journal_suffix);
}

std::string without_suffix(const std::string &name, const std::string &suffix) {
    return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : std::string{};
}

std::string dm_name(const std::string &vg, const std::string &lv) {
    return doubled(vg) + "-" + doubled(lv);
}

std::string node_of(const std::string &vg, const std::string &lv) {
    return "/dev/mapper/" + dm_name(vg, lv);
}

} // namespace esnap
