// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/json_fields.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "error.h"

namespace esnap {

namespace {

[[noreturn]] void refuse(const std::string &what, const std::string &cause) {
    throw Error("read LVM's report", what, cause);
}

} // namespace

std::string text_in(const nlohmann::json &row, const char *field) {
    const auto found = row.find(field);

    if (found == row.end() || !found->is_string())
        refuse(field, "it is missing");
    return found->get<std::string>();
}

std::uint64_t to_number(const char *field, const std::string &text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);

    if (error != std::errc{} || end != text.data() + text.size())
        refuse(field, fmt::format("'{}' is not a number", text));
    return value;
}

std::uint64_t number_in(const nlohmann::json &row, const char *field) {
    return to_number(field, text_in(row, field));
}

bool flag_in(const nlohmann::json &row, const char *field) {
    return text_in(row, field) == "1";
}

std::vector<std::string> list_in(const nlohmann::json &row, const char *field) {
    const std::string text = text_in(row, field);
    std::vector<std::string> words;
    std::size_t at = 0;

    while (at < text.size()) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

std::vector<nlohmann::json> report_rows(const nlohmann::json &report, const char *kind) {
    std::vector<nlohmann::json> rows;

    for (const nlohmann::json &part : report.at("report"))
        if (const auto found = part.find(kind); found != part.end())
            rows.insert(rows.end(), found->begin(), found->end());
    return rows;
}

} // namespace esnap
