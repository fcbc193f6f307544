// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/selection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <regex>

#include <fmt/format.h>

#include "error.h"
#include "options.h"

namespace esnap {

namespace {

/* Longer ones first: "<=" begins with "<". */
constexpr std::array<const char *, 8> operators{"!=", "=~", "!~", "<=", ">=", "=", "<", ">"};

std::string trimmed(const std::string &text) {
    const std::size_t first = text.find_first_not_of(" \"'");
    const std::size_t last = text.find_last_not_of(" \"'");

    return first == std::string::npos ? std::string{} : text.substr(first, last - first + 1);
}

std::vector<std::string> split(const std::string &text, const std::string &separator) {
    std::vector<std::string> parts;
    std::size_t at = 0;

    for (;;) {
        const std::size_t end = text.find(separator, at);
        parts.push_back(text.substr(at, end == std::string::npos ? end : end - at));
        if (end == std::string::npos)
            return parts;
        at = end + separator.size();
    }
}

std::uint64_t number_for(const Field &field, const std::string &value) {
    if (std::string_view(field.name) == "data_percent") {
        std::size_t end = 0;
        try {
            const double percent = std::stod(value, &end);
            if (end == value.size() && percent >= 0 && percent <= 100)
                return static_cast<std::uint64_t>(std::llround(percent * 100));
        } catch (const std::logic_error &) {
        }
        throw UsageError(fmt::format("--select: '{}' is no percentage", value));
    }
    const bool is_size = std::string_view(field.name).ends_with("size");
    return parse_size("--select " + std::string(field.name), value,
                      is_size ? Unit::mib : Unit::byte);
}

template <class T>
bool compare(const T &a, const std::string &op, const T &b) {
    if (op == "=")
        return a == b;
    if (op == "!=")
        return a != b;
    if (op == "<")
        return a < b;
    if (op == "<=")
        return a <= b;
    return op == ">" ? a > b : a >= b;
}

} // namespace

Selection::Selection(const std::string &text) {
    if (trimmed(text).empty())
        return;
    if (text.find_first_of("()") != std::string::npos)
        throw UsageError("--select: parentheses are not supported; && binds more than ||");
    for (const std::string &part : split(text, "||")) {
        std::vector<Condition> conditions;
        for (const std::string &piece : split(part, "&&"))
            for (const std::string &one : split(piece, ","))
                conditions.push_back(parse(one));
        any_of_.push_back(std::move(conditions));
    }
}

Selection::Condition Selection::parse(const std::string &text) {
    for (const char *op : operators) {
        const std::size_t at = text.find(op);
        if (at == std::string::npos)
            continue;
        Condition condition{&find_field(trimmed(text.substr(0, at))), op,
                            trimmed(text.substr(at + std::string_view(op).size()))};
        const bool is_pattern = condition.op.ends_with('~');
        try {
            if (is_pattern)
                std::regex check(condition.value);
        } catch (const std::regex_error &) {
            throw UsageError(
                fmt::format("--select: '{}' is no regular expression", condition.value));
        }
        if (!is_pattern && condition.field->number != nullptr)
            condition.number = number_for(*condition.field, condition.value);
        return condition;
    }
    throw UsageError(fmt::format("--select: '{}' is no condition, as name=monday is", text));
}

bool Selection::Condition::holds(const Row &row) const {
    const std::string text = field->text(row, {});

    if (op.ends_with('~'))
        return std::regex_search(text, std::regex(value)) == (op == "=~");
    if (field->number != nullptr)
        return compare(field->number(row), op, number);
    return compare(text, op, value);
}

bool Selection::selects(const Row &row) const {
    const auto holds = [&](const Condition &condition) { return condition.holds(row); };

    return any_of_.empty() || std::ranges::any_of(any_of_, [&](const auto &conditions) {
               return std::ranges::all_of(conditions, holds);
           });
}

} // namespace esnap
