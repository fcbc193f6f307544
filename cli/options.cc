// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <cctype>
#include <charconv>
#include <limits>

#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "error.h"

namespace esnap {

namespace {

// Wide enough for every product below, so that overflow is seen and not computed.
__extension__ using Wide = unsigned __int128;

constexpr Wide max_bytes = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t max_digits = 18;

std::optional<std::uint64_t> unit_bytes(char letter) {
    static constexpr std::string_view powers = "kmgtpe";
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    if (lower == 'b')
        return 1;
    if (lower == 's')
        return 512;
    const std::size_t power = powers.find(lower);
    if (power == std::string_view::npos)
        return {};
    return std::uint64_t{1} << (10 * (power + 1));
}

bool is_number(std::string_view text) {
    return text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::uint64_t number(std::string_view digits) {
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

} // namespace

std::uint64_t parse_size(std::string_view option, std::string_view text, Unit without_unit) {
    const auto refuse = [&](std::string_view why) -> UsageError {
        return UsageError(
            fmt::format("{} {}: {} (for example 64k, 128s, 1.5m)", option, text, why));
    };
    std::string_view digits = text;
    auto unit = static_cast<std::uint64_t>(without_unit);
    if (!digits.empty() && std::isalpha(static_cast<unsigned char>(digits.back()))) {
        const auto named = unit_bytes(digits.back());
        if (!named)
            throw refuse("the unit is none of b s k m g t p e");
        unit = *named;
        digits.remove_suffix(1);
    }
    const std::size_t point = digits.find('.');
    const std::string_view whole = digits.substr(0, point);
    const std::string_view fraction =
        point == std::string_view::npos ? std::string_view{} : digits.substr(point + 1);
    if ((whole.empty() && fraction.empty()) || !is_number(whole) || !is_number(fraction))
        throw refuse("not a size");
    if (whole.size() > max_digits || fraction.size() > max_digits)
        throw refuse("too many digits");

    Wide scale = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i)
        scale *= 10;
    const Wide part = Wide{number(fraction)} * unit;
    const Wide bytes = Wide{number(whole)} * unit + part / scale;
    if (part % scale != 0)
        throw refuse("no whole number of bytes");
    if (bytes > max_bytes)
        throw refuse("too large");
    return static_cast<std::uint64_t>(bytes);
}

po::options_description global_options() {
    po::options_description options("Options of every command");
    options.add_options()("help,h", po::bool_switch(), "print this help")(
        "verbose,v", po::bool_switch(), "say more; may be repeated")(
        "quiet,q", po::bool_switch(), "say nothing but errors and the data asked for")(
        "version", po::bool_switch(), "print the version");
    return options;
}

void add_test_option(po::options_description &options) {
    options.add_options()("test,t", po::bool_switch(), "verify everything, change nothing");
}

void add_json_option(po::options_description &options) {
    options.add_options()("json", po::bool_switch(), "print JSON");
}

std::string text_of(const po::variables_map &arguments, const std::string &name) {
    const auto &value = arguments[name];
    return value.empty() ? std::string{} : value.as<std::string>();
}

std::vector<std::string> words_of(const po::variables_map &arguments, const std::string &name) {
    const auto &value = arguments[name];
    return value.empty() ? std::vector<std::string>{} : value.as<std::vector<std::string>>();
}

std::optional<std::uint64_t> size_of(const po::variables_map &arguments, const std::string &name,
                                     Unit without_unit) {
    if (arguments[name].empty())
        return {};
    return parse_size("--" + name, arguments[name].as<std::string>(), without_unit);
}

} // namespace esnap
