// SPDX-License-Identifier: GPL-2.0-only
//
// Rows and fields of LVM's JSON reports, in which every value is a string.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace esnap {

/** All rows of one kind ("lv", "pv", ...), of every part of the report. */
std::vector<nlohmann::json> report_rows(const nlohmann::json &report, const char *kind);

/** Throw Error, which names @field, for what is missing or is no number. */
std::string text_in(const nlohmann::json &row, const char *field);
std::uint64_t number_in(const nlohmann::json &row, const char *field);
std::uint64_t to_number(const char *field, const std::string &text);

/** Binary fields: 1, 0, and -1 for what cannot be told. */
bool flag_in(const nlohmann::json &row, const char *field);
/** What is between commas. */
std::vector<std::string> list_in(const nlohmann::json &row, const char *field);

} // namespace esnap
