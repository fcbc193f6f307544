// SPDX-License-Identifier: GPL-2.0-only
#include "words.h"

#include <fmt/format.h>

#include "dm-ext/error.h"
#include "dm-ext/targets.h"

namespace dmext {

std::vector<std::string> split_words(std::string_view text, char separator) {
    std::vector<std::string> words;
    std::size_t from = 0;

    while (from < text.size()) {
        const std::size_t to = std::min(text.find(separator, from), text.size());

        if (to > from)
            words.emplace_back(text.substr(from, to - from));
        from = to + 1;
    }
    return words;
}

WordReader::WordReader(std::string operation, std::string object, std::string_view text)
    : operation_(std::move(operation)), object_(std::move(object)), words_(split_words(text)) {}

std::string WordReader::word(std::string_view what) {
    if (next_ == words_.size())
        fail(fmt::format("the line ends before the {}", what));
    return words_[next_++];
}

std::string WordReader::device(std::string_view what) {
    std::string text = word(what);

    if (!is_device_word(text))
        fail(fmt::format("{} '{}' is neither a path nor major:minor", what, text));
    return text;
}

std::pair<std::uint64_t, std::uint64_t> WordReader::pair(std::string_view what) {
    const std::string text = word(what);
    const std::size_t slash = text.find('/');
    const auto amount = parse_number<std::uint64_t>(text.substr(0, slash));
    const auto total =
        slash == text.npos ? std::nullopt : parse_number<std::uint64_t>(text.substr(slash + 1));

    if (!amount || !total)
        fail(fmt::format("{} '{}' is not of the form NUMBER/NUMBER", what, text));
    if (*amount > *total)
        fail(fmt::format("{} '{}': the first number is the larger one", what, text));
    return {*amount, *total};
}

void WordReader::end() const {
    if (next_ != words_.size())
        fail(fmt::format("'{}' is one word too many", words_[next_]));
}

void WordReader::fail(const std::string &cause) const {
    throw Error(operation_, object_, cause);
}

void WordReader::not_a_number(std::string_view what, const std::string &text) const {
    fail(fmt::format("{} '{}' is not a number, or too large", what, text));
}

void WordReader::out_of_range(std::string_view what, const std::string &text, std::uint64_t least,
                              std::uint64_t most) const {
    fail(fmt::format("{} {} is not from {} to {}", what, text, least, most));
}

} // namespace dmext
