// SPDX-License-Identifier: GPL-2.0-only
#include "policy/conf.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "policy/error.h"

namespace esnap::policy {

namespace {

constexpr std::string_view blanks = " \t\r\f\v";

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);

    if (first == std::string_view::npos)
        return {};
    return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

bool parse_choice(const std::string &where, const std::string &text, const char *no,
                  const char *yes) {
    if (text != no && text != yes)
        throw SettingError(fmt::format("{}: '{}' is neither {} nor {}", where, text, no, yes));
    return text == yes;
}

std::uint32_t parse_timeout(const std::string &where, const std::string &text) {
    const auto seconds = number_in(text, 0, max_queue_timeout);

    if (!seconds)
        throw SettingError(fmt::format("{}: '{}' is no time-out (want seconds, 0 to {}; 0: for "
                                       "ever)",
                                       where, text, max_queue_timeout));
    return static_cast<std::uint32_t>(*seconds);
}

struct Key {
    const char *name;
    void (*set)(Conf &, const std::string &where, const std::string &value);
};

constexpr std::array<Key, 6> keys{{
    {"autoextend_threshold",
     [](Conf &c, const std::string &where, const std::string &value) {
         c.wish.threshold = parse_threshold(where, value);
     }},
    {"autoextend_percent",
     [](Conf &c, const std::string &where, const std::string &value) {
         c.wish.percent = parse_percent(where, value);
     }},
    {"autoextend_extents",
     [](Conf &c, const std::string &where, const std::string &value) {
         c.wish.extents = parse_extents(where, value);
     }},
    {"monitoring",
     [](Conf &c, const std::string &where, const std::string &value) {
         c.monitoring = parse_choice(where, value, "0", "1");
     }},
    {"on_full",
     [](Conf &c, const std::string &where, const std::string &value) {
         c.on_full_error = parse_choice(where, value, "invalidate", "error");
     }},
    {"queue_timeout",
     [](Conf &c, const std::string &where, const std::string &value) {
         c.queue_timeout = parse_timeout(where, value);
     }},
}};

std::string known_keys() {
    std::string names;

    for (const Key &key : keys)
        names += (names.empty() ? "" : ", ") + std::string(key.name);
    return names;
}

const Key &find_key(const std::string &where, const std::string &name) {
    for (const Key &key : keys)
        if (name == key.name)
            return key;
    throw SettingError(
        fmt::format("{}: there is no setting '{}' (there are {})", where, name, known_keys()));
}

using Seen = std::map<std::string, std::size_t>;

void parse_line(Conf &conf, Seen &seen, const std::string &where, std::size_t number,
                const std::string &line) {
    const std::size_t equals = line.find('=');
    const std::string name = trimmed(line.substr(0, equals));

    if (equals == std::string::npos)
        throw SettingError(fmt::format("{}: '{}' is no setting (want KEY = VALUE)", where, line));
    const Key &key = find_key(where, name);
    const auto [before, is_new] = seen.emplace(name, number);
    if (!is_new)
        throw SettingError(fmt::format("{}: {} is set in line {} already (remove one of them)",
                                       where, name, before->second));
    key.set(conf, fmt::format("{}: {}", where, name), trimmed(line.substr(equals + 1)));
    if (conf.wish.percent && conf.wish.extents)
        throw SettingError(fmt::format("{}: autoextend_percent and autoextend_extents are both "
                                       "set (remove one of them)",
                                       where));
}

} // namespace

Conf parse_conf(const std::string &path, const std::string &text) {
    std::istringstream lines(text);
    std::string line;
    Conf conf;
    Seen seen;

    for (std::size_t number = 1; std::getline(lines, line); number++) {
        const std::string setting = trimmed(line.substr(0, line.find('#')));
        if (!setting.empty())
            parse_line(conf, seen, fmt::format("read settings {}: line {}", path, number), number,
                       setting);
    }
    return conf;
}

Conf read_conf(const std::string &path) {
    std::error_code ignored; // opening the file says what is wrong
    if (std::filesystem::is_directory(path, ignored))
        throw SettingError(fmt::format("read settings {}: it is a directory", path));
    std::ifstream file(path);
    std::ostringstream text;

    if (!file.is_open()) {
        if (errno == ENOENT || errno == ENOTDIR)
            return {};
        throw SettingError(
            fmt::format("read settings {}: {}", path, std::generic_category().message(errno)));
    }
    text << file.rdbuf();
    if (file.bad())
        throw SettingError(fmt::format("read settings {}: it cannot be read", path));
    return parse_conf(path, text.str());
}

} // namespace esnap::policy
