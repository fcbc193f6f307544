// SPDX-License-Identifier: GPL-2.0-only
#include "lines.h"

#include <cstring>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace attach {

namespace {

using esmodel::Access;
using esmodel::BlockFile;
using esmodel::Buffer;
using esmodel::DmDevice;
using esmodel::DmError;
using esmodel::Rng;
using esmodel::Table;

using Words = std::vector<std::string>;

class Grammar {
public:
    Grammar(const Lab &lab, const Base &base, Rng &rng) : lab_(lab), base_(base), rng_(rng) {}

    Table table() {
        const auto which = rng_.below(10);
        Words words = which < 6 ? org() : which < 8 ? image() : shown();
        const char *type = which < 6 ? "esnapshot-org" : which < 8 ? "esnapshot" : "esnapshot-view";
        for (std::uint64_t n = rng_.below(4); n > 0; --n)
            spoil(words);
        std::uint64_t first = 0, sectors = origin_sectors;
        if (rng_.percent(10))
            sectors = rng_.percent(50) ? rng_.below(2 * origin_sectors) + 1
                                       : std::uint64_t{1} << rng_.below(52);
        if (rng_.percent(3))
            first = rng_.below(100);
        Table table{{first, sectors, type, fmt::format("{}", fmt::join(words, " "))}};
        if (rng_.percent(3))
            table.push_back({first + sectors, sectors, type, table.front().params});
        return table;
    }

    std::string message() {
        static const Words known{"accept_origin", "drain", "grown", "low_water 50", "low_water"};
        std::string text = rng_.percent(70) ? rng_.pick(known) : noise();
        if (rng_.percent(40))
            text += " " + (rng_.percent(50) ? number() : noise());
        if (rng_.percent(10))
            text[rng_.below(text.size())] = printable();
        return text;
    }

private:
    Words org() {
        Words words{lab_.number(origin), fmt::format("{}", chunk_sectors),
                    base_.has_journal ? lab_.number(journal) : "-"};
        const std::uint64_t leave_out = rng_.percent(70) ? 0 : rng_.below(nr_stores + 1);
        words.push_back(fmt::format("{}", nr_stores - leave_out));
        for (std::uint64_t i = leave_out; i < nr_stores; ++i)
            words.push_back(lab_.number(store + i));
        if (rng_.percent(50)) {
            Words features;
            for (std::uint64_t n = rng_.below(5); n > 0; --n)
                features.push_back(feature());
            words.push_back(rng_.percent(80) ? fmt::format("{}", features.size()) : number());
            words.insert(words.end(), features.begin(), features.end());
        }
        return words;
    }

    Words image() {
        Words words{lab_.number(store + rng_.below(nr_stores))};
        if (rng_.percent(40))
            words.push_back(rng_.percent(50) ? fmt::format("{}", rng_.below(5)) : number());
        return words;
    }

    Words shown() {
        Words words{lab_.number(view), lab_.number(origin), lab_.number(store + viewed)};
        if (rng_.percent(40))
            words.push_back(rng_.percent(50) ? fmt::format("{}", rng_.below(5)) : number());
        return words;
    }

    std::string feature() {
        static const Words known{"on_full=invalidate", "on_full=error",   "queue_timeout=1",
                                 "queue_timeout=0",    "discard=swallow", "discard=copy",
                                 "on_full=",           "queue_timeout=",  "discard",
                                 "queue_timeout=-1",   "on_full=error=1"};
        if (rng_.percent(20))
            return "queue_timeout=" + number();
        return rng_.percent(90) ? rng_.pick(known) : noise();
    }

    std::string number() {
        static const Words odd{
            "0",   "-1", "1",  "4294967296", "4294967295", "18446744073709551616",
            "0x8", "08", "+3", "1e3",        "65537",      "2147483648",
            "3.",  "９"};
        return rng_.percent(70) ? rng_.pick(odd) : fmt::format("{}", rng_.next() >> rng_.below(64));
    }

    std::string device() {
        static const Words odd{
            "/dev/null", "/dev/does-not-exist", "255:255", "0:0", "1:", ":", "/dev", "/", "7:0:1",
            "../ram0",   "4294967295:1048575"};
        return rng_.percent(60) ? rng_.pick(odd) : lab_.number(rng_.below(nr_parts));
    }

    char printable() { return static_cast<char>(rng_.between(' ', '~')); }

    std::string noise() {
        std::string text;
        const std::uint64_t length =
            rng_.percent(10) ? rng_.between(100, 6000) : rng_.between(1, 20);
        for (std::uint64_t i = 0; i < length; ++i)
            text += rng_.percent(3) ? static_cast<char>(rng_.between(1, 255)) : printable();
        return text;
    }

    void spoil(Words &words) {
        const std::size_t at = words.empty() ? 0 : rng_.below(words.size());
        const auto place = words.begin() + static_cast<std::ptrdiff_t>(at);
        switch (rng_.below(8)) {
        case 0:
            words.insert(place, noise());
            break;
        case 1:
            words.insert(place, number());
            break;
        case 2:
            if (!words.empty())
                words.erase(place);
            break;
        case 3:
            if (!words.empty())
                words.resize(at);
            break;
        case 4:
            if (!words.empty())
                words[at] = number();
            break;
        case 5:
            if (!words.empty())
                words[at] = device();
            break;
        case 6:
            if (!words.empty())
                std::swap(words[at], words[rng_.below(words.size())]);
            break;
        default:
            for (std::uint64_t n = rng_.percent(5) ? 1500 : 3; n > 0 && !words.empty(); --n)
                words.push_back(words[at]);
        }
    }

    const Lab &lab_;
    const Base &base_;
    Rng &rng_;
};

/** What can be read must be like @right; returns how many blocks could be. */
std::uint64_t require_right(const DmDevice &device, const Content &right, const std::string &what) {
    const BlockFile file(device.path(), BlockFile::Mode::read);
    Buffer buffer(block_bytes);
    std::uint64_t read = 0;
    for (std::uint64_t i = 0; i < std::min(file.sectors(), origin_sectors) / block_sectors; ++i) {
        try {
            file.read(i * block_sectors, buffer.bytes());
        } catch (const esmodel::IoError &) {
            continue;
        }
        ++read;
        if (std::memcmp(buffer.data(), right.data() + i * block_bytes, block_bytes) != 0)
            throw std::runtime_error(fmt::format("{}: block {} is wrong", what, i));
    }
    return read;
}

/** The content that an accepted line must show; none: another device than its own was named. */
const Content *right_for(const Lab &lab, const Base &base, const esmodel::Target &line) {
    const std::string first = line.params.substr(0, line.params.find(' '));
    if (line.type == "esnapshot-org")
        return first == lab.number(origin) ? &base.origin : nullptr;
    if (line.type == "esnapshot-view")
        return first == lab.number(view) ? &base.view : nullptr;
    for (std::size_t i = 0; i < nr_stores; ++i)
        if (first == lab.number(store + i))
            return &base.snapshots[i];
    return nullptr;
}

void bring_up(const Lab &lab, const Base &base, const Table &table, LineCounts &counts) {
    DmDevice device("atk-line");
    device.load(table, table.front().type == "esnapshot" ? Access::read_only : Access::read_write);
    ++counts.accepted;
    device.resume();
    ++counts.resumed;
    if (const Content *right = right_for(lab, base, table.front()))
        require_right(device, *right, table.front().type);
    device.remove();
}

} // namespace

void try_line(Lab &lab, const Base &base, Rng &rng, LineCounts &counts, std::string &line) {
    const Table table = Grammar(lab, base, rng).table();
    const std::uint64_t before = counts.accepted;
    // Images and views need their chain, or give errors.
    std::optional<DmDevice> org;
    line = esmodel::to_string(table);
    ++counts.lines;
    if (table.front().type != "esnapshot-org" && rng.percent(50))
        org.emplace("atk-org", org_table(lab, nr_stores, base.has_journal));
    const bool has_chain = org.has_value();
    try {
        bring_up(lab, base, table, counts);
    } catch (const DmError &) {
        // Refused.
    }
    if (org)
        org->remove();
    if (counts.accepted != before || has_chain)
        lab.restore(base.disks, {});
}

void try_messages(Lab &lab, const Base &base, Rng &rng, unsigned messages, LineCounts &counts,
                  std::string &line) {
    lab.restore(base.disks, {});
    DmDevice org("atk-org", org_table(lab, nr_stores, base.has_journal));
    std::vector<DmDevice> devices;
    for (std::size_t i = 0; i < nr_stores; ++i)
        devices.emplace_back(fmt::format("atk-image{}", i), image_table(lab, i), Access::read_only);
    devices.emplace_back("atk-show", view_table(lab));
    Grammar grammar(lab, base, rng);
    for (unsigned i = 0; i < messages; ++i) {
        const std::uint64_t to = rng.below(devices.size() + 1);
        line = grammar.message();
        ++counts.messages;
        try {
            (to < devices.size() ? devices[to] : org).message(line);
            ++counts.understood;
        } catch (const DmError &) {
            // Refused.
        }
    }
    line += " (and those before it)";
    std::uint64_t read = require_right(org, base.origin, "the origin");
    for (std::size_t i = 0; i < nr_stores; ++i)
        read += require_right(devices[i], base.snapshots[i], fmt::format("image {}", i));
    read += require_right(devices.back(), base.view, "the view");
    if (read != (nr_stores + 2) * origin_blocks)
        throw std::runtime_error("after messages not everything can be read");
    while (!devices.empty()) {
        devices.back().remove();
        devices.pop_back();
    }
    org.remove();
    lab.restore(base.disks, {});
}

} // namespace attach
