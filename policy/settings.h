// SPDX-License-Identifier: GPL-2.0-only
//
// How an area is to be extended, and where that is said. Several sources may say something; the
// nearest to the volume wins:
//
//   1. tags of the volume itself (esnap lvchange)
//   2. /etc/esnap/esnap.conf (conf.h)
//   3. LVM's activation/snapshot_autoextend_*, where its threshold is below 100
//   4. the defaults below
//
// The threshold and the growth are looked for separately, each in this order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace esnap::policy {

inline constexpr unsigned default_threshold = 70;
inline constexpr unsigned default_percent = 20;
/** Below it, as in LVM, an area would be extended that is hardly used. */
inline constexpr unsigned min_threshold = 50;
/** An area is never extended. */
inline constexpr unsigned threshold_off = 100;
inline constexpr unsigned max_percent = 1000;
inline constexpr std::uint64_t max_extents = 1u << 30;

/** What one source says; it may say nothing. */
struct Wish {
    std::optional<unsigned> threshold = {};
    std::optional<unsigned> percent = {};
    /** So many extents instead of a percentage. */
    std::optional<std::uint64_t> extents = {};

    bool operator==(const Wish &) const = default;
};

enum class Source { volume, conf, lvm, built_in };

/** "the volume's tag", "esnap.conf", ...: for people. */
const char *to_string(Source source);

/** What holds for one volume. */
struct Policy {
    unsigned threshold = default_threshold;
    unsigned percent = default_percent;
    std::uint64_t extents = 0; /**< 0: by percent */
    Source threshold_from = Source::built_in;
    Source growth_from = Source::built_in;

    bool is_off() const { return threshold >= threshold_off; }
    bool operator==(const Policy &) const = default;
};

/** Which of the sources decides. LVM's is not looked at unless it has a threshold below 100. */
Policy choose_policy(const Wish &volume, const Wish &conf, const Wish &lvm);

/** The whole of @text as a number from @min to @max; nothing if it is none. */
std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t min, std::uint64_t max);

/** 50 to 100. Throws SettingError that begins with @where: "read the tags of vg/monday". */
unsigned parse_threshold(const std::string &where, const std::string &text);
/** 1 to 1000. Throws SettingError. */
unsigned parse_percent(const std::string &where, const std::string &text);
/** From 1. Throws SettingError. */
std::uint64_t parse_extents(const std::string &where, const std::string &text);

/** LVM's two settings in what lvmconfig printed, one KEY=NUMBER a line; others are ignored. */
Wish parse_lvmconfig(const std::string &text);

} // namespace esnap::policy
