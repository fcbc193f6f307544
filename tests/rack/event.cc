// SPDX-License-Identifier: GPL-2.0-only
#include "event.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

namespace rack {

namespace {

constexpr std::array names{"begin",      "plain",    "fua",        "flush_begin", "flush_end",
                           "snap_begin", "snap_end", "drop_begin", "drop_end",    "view_begin",
                           "view_end",   "unview",   "grow_begin", "journal_on",  "end"};
static_assert(names.size() == static_cast<std::size_t>(EventKind::end) + 1);

} // namespace

std::string to_text(const Event &e) {
    return fmt::format("rack:{}:{}:{}:{}:{}:{}", names[static_cast<std::size_t>(e.kind)], e.v[0],
                       e.v[1], e.v[2], e.v[3], e.v[4]);
}

std::optional<Event> parse_event(const std::string &text) {
    std::string spaced = text;
    std::ranges::replace(spaced, ':', ' ');
    std::istringstream in(spaced);
    std::string who, name;
    Event event;
    if (!(in >> who >> name) || who != "rack")
        return std::nullopt;
    for (std::uint64_t &value : event.v)
        if (!(in >> value))
            return std::nullopt;
    for (std::size_t i = 0; i < names.size(); ++i)
        if (name == names[i]) {
            event.kind = static_cast<EventKind>(i);
            return event;
        }
    return std::nullopt;
}

} // namespace rack
