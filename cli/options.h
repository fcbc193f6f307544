// SPDX-License-Identifier: GPL-2.0-only
//
// What several commands' options have in common: sizes, and groups of options that are
// declared once for all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

namespace esnap {

namespace po = boost::program_options;

/** What a size without a unit is counted in. */
enum class Unit : std::uint64_t { byte = 1, sector = 512, kib = 1024, mib = 1024 * 1024 };

/**
 * A size as LVM takes it: a number, a fraction if one likes, and a unit of either case:
 * b bytes, s sectors of 512 bytes, k m g t p e powers of 1024. Returns bytes; throws
 * UsageError naming @option if it is none, or too large, or no whole number of bytes.
 */
std::uint64_t parse_size(std::string_view option, std::string_view text, Unit without_unit);

/** -h, -v, -q, --version: every command has them. */
po::options_description global_options();

/** -t: for commands that change something. */
void add_test_option(po::options_description &options);

/** --json: for commands that print data. */
void add_json_option(po::options_description &options);

/** The text of an option or positional argument; empty if it was not given. */
std::string text_of(const po::variables_map &arguments, const std::string &name);

/** The words of a repeated argument; none if it was not given. */
std::vector<std::string> words_of(const po::variables_map &arguments, const std::string &name);

/** The size given with an option, if any. */
std::optional<std::uint64_t> size_of(const po::variables_map &arguments, const std::string &name,
                                     Unit without_unit);

} // namespace esnap
