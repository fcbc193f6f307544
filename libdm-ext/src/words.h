// SPDX-License-Identifier: GPL-2.0-only
//
// Reading a line word by word; for the parsers of tables and status lines.
#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dmext {

std::vector<std::string> split_words(std::string_view text, char separator = ' ');

/** Decimal digits and nothing else, not too large for T. */
template <class T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);

    if (text.empty() || text.front() == '-' || error != std::errc{} ||
        end != text.data() + text.size())
        return std::nullopt;
    return value;
}

/** Takes words off a line; what is wrong is thrown as Error with operation and object. */
class WordReader {
public:
    WordReader(std::string operation, std::string object, std::string_view text);

    std::size_t left() const { return words_.size() - next_; }
    /** @what names the field in the error. */
    std::string word(std::string_view what);
    std::string device(std::string_view what);
    /** An amount/total pair, both numbers, the first not above the second. */
    std::pair<std::uint64_t, std::uint64_t> pair(std::string_view what);
    /** Nothing may be left. */
    void end() const;
    [[noreturn]] void fail(const std::string &cause) const;

    template <class T>
    T number(std::string_view what, T least = 0, T most = std::numeric_limits<T>::max()) {
        const std::string text = word(what);
        const std::optional<T> value = parse_number<T>(text);

        if (!value)
            not_a_number(what, text);
        if (*value < least || *value > most)
            out_of_range(what, text, least, most);
        return *value;
    }

private:
    [[noreturn]] void not_a_number(std::string_view what, const std::string &text) const;
    [[noreturn]] void out_of_range(std::string_view what, const std::string &text,
                                   std::uint64_t least, std::uint64_t most) const;

    std::string operation_;
    std::string object_;
    std::vector<std::string> words_;
    std::size_t next_ = 0;
};

} // namespace dmext
