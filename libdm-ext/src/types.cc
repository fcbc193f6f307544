// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/types.h"

#include <limits>

#include <fmt/format.h>

#include "dm-ext/api.h"
#include "dm-ext/error.h"
#include "words.h"

namespace dmext {

namespace {

Target parse_line(const std::string &line, Sectors expected_first) {
    const std::string operation = "read the table line";
    WordReader words(operation, fmt::format("'{}'", line), line);
    Target target;

    target.first = words.number<Sectors>("first sector");
    if (target.first != expected_first)
        words.fail(fmt::format("it starts at sector {}, the targets before it end at {}",
                               target.first, expected_first));
    target.count =
        words.number<Sectors>("length", 1, std::numeric_limits<Sectors>::max() - target.first);
    target.type = words.word("target type");
    while (words.left() > 0)
        target.params += (target.params.empty() ? "" : " ") + words.word("parameter");
    return target;
}

} // namespace

std::string to_string(DeviceNumber number) {
    return fmt::format("{}:{}", number.major, number.minor);
}

std::string to_string(const Table &table) {
    std::string text;

    for (const Target &target : table)
        text += fmt::format("{}{} {} {}{}{}", text.empty() ? "" : "\n", target.first, target.count,
                            target.type, target.params.empty() ? "" : " ", target.params);
    return text;
}

Table parse_table(const std::string &text) {
    Table table;

    for (const std::string &line : split_words(text, '\n'))
        table.push_back(parse_line(line, size_of(table)));
    return table;
}

Sectors size_of(const Table &table) {
    return table.empty() ? 0 : table.back().first + table.back().count;
}

const char *to_string(Op op) {
    switch (op) {
    case Op::create:
        return "create";
    case Op::load:
        return "load a table into";
    case Op::clear:
        return "clear the inactive table of";
    case Op::resume:
        return "resume";
    case Op::suspend:
        return "suspend";
    case Op::remove:
        return "remove";
    case Op::rename:
        return "rename";
    case Op::table:
        return "read the table of";
    case Op::status:
        return "read the status of";
    case Op::info:
        return "look at";
    case Op::deps:
        return "read the dependencies of";
    case Op::list:
        return "list";
    case Op::message:
        return "send a message to";
    case Op::mknodes:
        return "make the nodes of";
    case Op::versions:
        return "list the target types of";
    }
    return "?";
}

} // namespace dmext
