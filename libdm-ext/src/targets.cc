// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/targets.h"

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dm-ext/error.h"
#include "words.h"

namespace dmext {

namespace {

constexpr std::string_view timeout_word = "queue_timeout=";

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

// --- printing ---

std::string params_of(const Linear &t) {
    return fmt::format("{} {}", t.device, t.offset);
}

std::string params_of(const Striped &t) {
    std::string text = fmt::format("{} {}", t.stripes.size(), t.chunk_sectors);

    for (const Linear &stripe : t.stripes)
        text += " " + params_of(stripe);
    return text;
}

std::string params_of(const ErrorTarget &) {
    return {};
}

std::string params_of(const Zero &) {
    return {};
}

/* Only what is not the default, in the order in which the kernel prints them. */
std::vector<std::string> features_of(const EsnapshotOrg &t) {
    std::vector<std::string> features;

    if (t.on_full == OnFull::error)
        features.emplace_back("on_full=error");
    if (t.queue_timeout_seconds != default_queue_timeout_seconds)
        features.push_back(fmt::format("{}{}", timeout_word, t.queue_timeout_seconds));
    if (t.discard == DiscardPolicy::copy)
        features.emplace_back("discard=copy");
    return features;
}

std::string params_of(const EsnapshotOrg &t) {
    const std::vector<std::string> features = features_of(t);
    std::string text = fmt::format("{} {} {} {}", t.origin, t.chunk_sectors,
                                   t.journal.empty() ? "-" : t.journal, t.stores.size());

    for (const std::string &store : t.stores)
        text += " " + store;
    if (!features.empty())
        text += fmt::format(" {} {}", features.size(), fmt::join(features, " "));
    return text;
}

std::string with_serial(std::string text, std::optional<std::uint32_t> serial) {
    if (serial)
        text += fmt::format(" {}", *serial);
    return text;
}

std::string params_of(const Esnapshot &t) {
    return with_serial(t.store, t.serial);
}

std::string params_of(const EsnapshotView &t) {
    return with_serial(fmt::format("{} {} {}", t.view_store, t.origin, t.snapshot_store), t.serial);
}

// --- reading ---

Linear read_linear(WordReader &words) {
    Linear t;

    t.device = words.device("device");
    t.offset = words.number<Sectors>("offset");
    return t;
}

Striped read_striped(WordReader &words, Sectors count) {
    Striped t;
    const auto stripes = words.number<std::uint32_t>("number of stripes", 1);

    t.chunk_sectors = words.number<std::uint32_t>("chunk size", 1);
    if (words.left() != std::size_t{stripes} * 2)
        words.fail(fmt::format("{} stripes want {} words, there are {}", stripes,
                               std::size_t{stripes} * 2, words.left()));
    for (std::uint32_t i = 0; i < stripes; i++)
        t.stripes.push_back(read_linear(words));
    if (count % stripes != 0 || count / stripes % t.chunk_sectors != 0)
        words.fail(fmt::format("{} sectors are not {} stripes of whole chunks", count, stripes));
    return t;
}

void read_feature(WordReader &words, EsnapshotOrg &t, std::set<std::string> &seen) {
    const std::string text = words.word("feature");
    const std::string key = text.substr(0, text.find('='));

    if (!seen.insert(key).second)
        words.fail(fmt::format("feature {} is given twice", key));
    if (text == "on_full=invalidate" || text == "on_full=error") {
        t.on_full = text == "on_full=error" ? OnFull::error : OnFull::invalidate;
    } else if (text == "discard=swallow" || text == "discard=copy") {
        t.discard = text == "discard=copy" ? DiscardPolicy::copy : DiscardPolicy::swallow;
    } else if (text.starts_with(timeout_word)) {
        const auto seconds = parse_number<std::uint32_t>(text.substr(timeout_word.size()));

        if (!seconds || *seconds > max_queue_timeout_seconds)
            words.fail(fmt::format("'{}' wants seconds, 0 (for ever) to {}", text,
                                   max_queue_timeout_seconds));
        t.queue_timeout_seconds = *seconds;
    } else {
        words.fail(
            fmt::format("feature '{}' is unknown: want on_full=, queue_timeout=, discard=", text));
    }
}

void read_features(WordReader &words, EsnapshotOrg &t) {
    std::set<std::string> seen;

    if (words.left() == 0)
        return;
    const auto features = words.number<std::uint32_t>("number of features");
    if (words.left() != features)
        words.fail(fmt::format("{} features are announced, {} are there", features, words.left()));
    while (words.left() > 0)
        read_feature(words, t, seen);
}

void check_org(WordReader &words, const EsnapshotOrg &t) {
    std::set<std::string> seen{t.origin};

    if (!std::has_single_bit(t.chunk_sectors))
        words.fail(fmt::format("chunk size {} is not a power of two", t.chunk_sectors));
    if (!t.journal.empty() && !seen.insert(t.journal).second)
        words.fail(fmt::format("device {} is given twice", t.journal));
    for (const std::string &store : t.stores)
        if (!seen.insert(store).second)
            words.fail(fmt::format("device {} is given twice", store));
}

EsnapshotOrg read_org(WordReader &words) {
    EsnapshotOrg t;

    t.origin = words.device("origin");
    t.chunk_sectors =
        words.number<std::uint32_t>("chunk size", min_chunk_sectors, max_chunk_sectors);
    t.journal = words.word("journal");
    if (t.journal == "-")
        t.journal.clear();
    else if (!is_device_word(t.journal))
        words.fail(fmt::format("journal '{}' is neither - nor a device", t.journal));
    const auto stores = words.number<std::uint32_t>("number of stores", 0, max_stores);
    if (words.left() < stores)
        words.fail(fmt::format("{} stores are announced, {} words are left", stores, words.left()));
    for (std::uint32_t i = 0; i < stores; i++)
        t.stores.push_back(words.device("store"));
    check_org(words, t);
    read_features(words, t);
    return t;
}

std::optional<std::uint32_t> read_serial(WordReader &words) {
    if (words.left() == 0)
        return std::nullopt;
    return words.number<std::uint32_t>("serial", 1);
}

Esnapshot read_image(WordReader &words) {
    Esnapshot t;

    t.store = words.device("store");
    t.serial = read_serial(words);
    return t;
}

EsnapshotView read_view(WordReader &words) {
    EsnapshotView t;

    t.view_store = words.device("view store");
    t.origin = words.device("origin");
    t.snapshot_store = words.device("snapshot store");
    t.serial = read_serial(words);
    if (t.view_store == t.origin || t.view_store == t.snapshot_store)
        words.fail(fmt::format("device {} is given twice", t.view_store));
    return t;
}

AnyTarget read_target(WordReader &words, const Target &line) {
    if (line.type == "linear")
        return read_linear(words);
    if (line.type == "striped")
        return read_striped(words, line.count);
    if (line.type == "error")
        return ErrorTarget{};
    if (line.type == "zero")
        return Zero{};
    if (line.first != 0 && line.type.starts_with("esnapshot"))
        words.fail(fmt::format("it must start at sector 0, not at {}", line.first));
    if (line.type == "esnapshot-org")
        return read_org(words);
    if (line.type == "esnapshot")
        return read_image(words);
    if (line.type == "esnapshot-view")
        return read_view(words);
    words.fail("this target type is not known here");
}

AnyTarget read_line(const Target &line, const char *operation) {
    WordReader words(operation, line.type, line.params);

    if (line.count == 0)
        words.fail("it has no sectors");
    const AnyTarget target = read_target(words, line);
    words.end();
    return target;
}

} // namespace

const char *type_name(const AnyTarget &target) {
    return std::visit(Overloaded{
                          [](const Linear &) { return "linear"; },
                          [](const Striped &) { return "striped"; },
                          [](const ErrorTarget &) { return "error"; },
                          [](const Zero &) { return "zero"; },
                          [](const EsnapshotOrg &) { return "esnapshot-org"; },
                          [](const Esnapshot &) { return "esnapshot"; },
                          [](const EsnapshotView &) { return "esnapshot-view"; },
                      },
                      target);
}

Target make_target(Sectors first, Sectors count, const AnyTarget &target) {
    Target line{first, count, type_name(target),
                std::visit([](const auto &t) { return params_of(t); }, target)};

    /* Reading it back finds whatever is wrong in it, a path with a blank as well. */
    if (read_line(line, "make a table line of") != target)
        throw Error("make a table line of", line.type, "a field does not survive being printed");
    return line;
}

Table make_table(Sectors count, const AnyTarget &target) {
    return {make_target(0, count, target)};
}

AnyTarget parse_target(const Target &line) {
    return read_line(line, "read the table line of");
}

template <class T>
T only_target(const Table &table, const std::string &device) {
    const char *wanted = type_name(T{});

    if (table.size() != 1 || table.front().type != wanted)
        throw Error(
            "read the table of", device,
            fmt::format("it is not one target of type {}, but:\n{}", wanted, to_string(table)));
    return std::get<T>(parse_target(table.front()));
}

template Linear only_target<Linear>(const Table &, const std::string &);
template Striped only_target<Striped>(const Table &, const std::string &);
template EsnapshotOrg only_target<EsnapshotOrg>(const Table &, const std::string &);
template Esnapshot only_target<Esnapshot>(const Table &, const std::string &);
template EsnapshotView only_target<EsnapshotView>(const Table &, const std::string &);

std::optional<DeviceNumber> parse_device_number(const std::string &word) {
    const std::size_t colon = word.find(':');

    if (colon == word.npos)
        return std::nullopt;
    const auto major = parse_number<std::uint32_t>(word.substr(0, colon));
    const auto minor = parse_number<std::uint32_t>(word.substr(colon + 1));
    if (!major || !minor)
        return std::nullopt;
    return DeviceNumber{*major, *minor};
}

bool is_device_word(const std::string &word) {
    /* The kernel splits at white space and takes a backslash for an escape. */
    const bool is_plain = std::none_of(word.begin(), word.end(), [](unsigned char c) {
        return c <= ' ' || c == '\\' || c == 0x7f;
    });

    return is_plain && ((word.size() > 1 && word.front() == '/') || parse_device_number(word));
}

} // namespace dmext
