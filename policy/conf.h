// SPDX-License-Identifier: GPL-2.0-only
//
// /etc/esnap/esnap.conf: lines "key = value", empty lines, and comments after a "#". Everything
// in it must be known and right: a setting that is misspelled would do nothing, silently.
//
// A parser of its own, because those of Boost say in which line only for syntax errors, not for
// keys and values that are wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "policy/settings.h"

namespace esnap::policy {

inline constexpr const char *conf_path = "/etc/esnap/esnap.conf";
inline constexpr std::uint32_t max_queue_timeout = 604800;

/** What the file says; everything has a default. */
struct Conf {
    Wish wish = {};                                  /**< autoextend_* */
    bool monitoring = true;                          /**< watch new snapshots and views */
    bool on_full_error = false;                      /**< on_full = error */
    std::optional<std::uint32_t> queue_timeout = {}; /**< seconds; empty: the kernel's default */

    bool operator==(const Conf &) const = default;
};

/** Throws SettingError that names @path, the line, the key and what would be right. */
Conf parse_conf(const std::string &path, const std::string &text);

/** A file that is not there says nothing. Throws SettingError. */
Conf read_conf(const std::string &path = conf_path);

} // namespace esnap::policy
