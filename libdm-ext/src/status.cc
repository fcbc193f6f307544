// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/status.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dm-ext/error.h"
#include "dm-ext/targets.h"
#include "words.h"

namespace dmext {

namespace {

constexpr std::array org_states{OrgState::ok,      OrgState::full,   OrgState::suspect,
                                OrgState::invalid, OrgState::failed, OrgState::inactive};
constexpr std::array area_states{AreaState::ok, AreaState::low, AreaState::full, AreaState::invalid,
                                 AreaState::failed};
constexpr std::array journal_states{JournalState::ok, JournalState::draining, JournalState::failed};

WordReader reader_of(const Target &line, std::initializer_list<std::string_view> types) {
    WordReader words("read the status line of", line.type, line.params);

    for (const std::string_view type : types)
        if (line.type == type)
            return words;
    words.fail(fmt::format("wanted a target of type {}", fmt::join(types, " or ")));
}

template <class States>
auto read_state(WordReader &words, const States &states) {
    const std::string text = words.word("state");

    for (const auto state : states)
        if (text == to_string(state))
            return state;
    words.fail(fmt::format("state '{}' is unknown", text));
}

std::optional<JournalStatus> read_journal(WordReader &words) {
    const std::string text = words.word("journal");
    const std::string state = words.word("state of the journal");

    if (text == "-" && state == "-")
        return std::nullopt;
    if (text == "-" && state == to_string(JournalState::failed))
        return JournalStatus{.state = JournalState::failed};
    if (text == "-" || state == "-")
        words.fail("the journal has a state or a size, but not both");
    JournalStatus s;
    WordReader usage("read the status line of", "esnapshot-org", text);
    std::tie(s.used, s.total) = usage.pair("journal");
    const auto known = std::ranges::find(
        journal_states, state, [](JournalState one) { return std::string_view(to_string(one)); });
    if (known == journal_states.end())
        words.fail(fmt::format("state of the journal '{}' is unknown", state));
    s.state = *known;
    if (words.left() == 0)
        return s;
    s.kept = words.number<Sectors>("kept sectors of the journal", s.used, s.total);
    s.oldest_kept_seconds = words.number<std::uint64_t>("oldest time kept in the journal");
    return s;
}

std::string journal_text(const JournalStatus &s) {
    if (s.total == 0)
        return fmt::format("- {}", to_string(s.state));
    std::string text = fmt::format("{}/{} {}", s.used, s.total, to_string(s.state));

    if (s.kept && s.oldest_kept_seconds)
        text += fmt::format(" {} {}", *s.kept, *s.oldest_kept_seconds);
    return text;
}

} // namespace

const char *to_string(OrgState state) {
    switch (state) {
    case OrgState::ok:
        return "ok";
    case OrgState::full:
        return "full";
    case OrgState::suspect:
        return "suspect";
    case OrgState::invalid:
        return "invalid";
    case OrgState::failed:
        return "failed";
    case OrgState::inactive:
        return "inactive";
    }
    return "?";
}

const char *to_string(AreaState state) {
    switch (state) {
    case AreaState::ok:
        return "ok";
    case AreaState::low:
        return "low";
    case AreaState::full:
        return "full";
    case AreaState::invalid:
        return "invalid";
    case AreaState::failed:
        return "failed";
    }
    return "?";
}

const char *to_string(JournalState state) {
    switch (state) {
    case JournalState::ok:
        return "ok";
    case JournalState::draining:
        return "draining";
    case JournalState::failed:
        return "failed";
    }
    return "?";
}

double AreaStatus::percent_used() const {
    return total == 0 ? 100.0 : 100.0 * static_cast<double>(used) / static_cast<double>(total);
}

std::string to_string(const OrgStatus &s) {
    return fmt::format("{} {} {} {}/{} {} {}", to_string(s.state), s.chunk_sectors, s.stores,
                       s.copied_chunks, s.chunks, s.queued_writes,
                       s.journal ? journal_text(*s.journal) : "- -");
}

std::string to_string(const AreaStatus &s) {
    const std::string low_water = s.low_water ? fmt::format(" {}", *s.low_water) : "";

    return fmt::format("{}/{} {} {}{}", s.used, s.total, s.metadata, to_string(s.state), low_water);
}

std::string to_string(const StripedStatus &s) {
    std::string text = fmt::format("{} {} 1 ", s.devices.size(), fmt::join(s.devices, " "));

    for (const bool alive : s.alive)
        text += alive ? 'A' : 'D';
    return text;
}

OrgStatus parse_org_status(const Target &line) {
    WordReader words = reader_of(line, {"esnapshot-org"});
    OrgStatus s;

    s.state = read_state(words, org_states);
    s.chunk_sectors =
        words.number<std::uint32_t>("chunk size", min_chunk_sectors, max_chunk_sectors);
    s.stores = words.number<std::uint32_t>("number of stores", 0, max_stores);
    std::tie(s.copied_chunks, s.chunks) = words.pair("copied chunks");
    s.queued_writes = words.number<std::uint64_t>("number of queued writes");
    s.journal = read_journal(words);
    return s;
}

AreaStatus parse_area_status(const Target &line) {
    WordReader words = reader_of(line, {"esnapshot", "esnapshot-view"});
    AreaStatus s;

    std::tie(s.used, s.total) = words.pair("used sectors");
    s.metadata = words.number<Sectors>("metadata sectors");
    if (s.metadata > s.used)
        words.fail(
            fmt::format("{} sectors of metadata are more than the {} used", s.metadata, s.used));
    s.state = read_state(words, area_states);
    if (words.left() > 0)
        s.low_water = words.number<std::uint32_t>("low-water mark", 1, 100);
    return s;
}

StripedStatus parse_striped_status(const Target &line) {
    WordReader words = reader_of(line, {"striped"});
    StripedStatus s;
    const auto stripes = words.number<std::uint32_t>("number of stripes", 1);

    if (words.left() != std::size_t{stripes} + 2)
        words.fail(fmt::format("{} stripes want {} words, there are {}", stripes,
                               std::size_t{stripes} + 2, words.left()));
    for (std::uint32_t i = 0; i < stripes; i++)
        s.devices.push_back(words.device("stripe"));
    words.number<std::uint32_t>("number of health groups", 1, 1);
    for (const char c : words.word("health")) {
        if (c != 'A' && c != 'D')
            words.fail(fmt::format("health '{}' is neither A nor D", c));
        s.alive.push_back(c == 'A');
    }
    if (s.alive.size() != stripes)
        words.fail(fmt::format("{} stripes, but the health of {}", stripes, s.alive.size()));
    return s;
}

void parse_empty_status(const Target &line) {
    reader_of(line, {"linear", "error", "zero"}).end();
}

} // namespace dmext
