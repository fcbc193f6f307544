// SPDX-License-Identifier: GPL-2.0-only
#include "mutant.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "support/journal_values.h"

namespace attach {

namespace {

using esmodel::Rng;
using esnap::test::Field;
using esnap::test::get;

class Mutator {
public:
    Mutator(const Base &base, const Catalogue &catalogue, Rng &rng)
        : base_(base), catalogue_(catalogue), rng_(rng) {}

    Mutant make() {
        const bool sealed = rng_.percent(25);
        for (std::uint64_t n = rng_.percent(60) ? 1 : rng_.between(2, 4); n > 0; --n)
            sealed ? change_and_seal() : damage();
        if (sealed || is_end_lost())
            mutant_.is_judged = false;
        return std::move(mutant_);
    }

private:
    // --- what is changed ---

    Block now(const Place &place) const {
        const auto change = mutant_.changes.find(place);
        return change != mutant_.changes.end() ? change->second
                                               : block_of(base_.disks[place.first], place.second);
    }

    void set(const Place &place, const Block &block, const std::string &how) {
        mutant_.changes[place] = block;
        mutant_.noise.insert(place);
        tell(place, how);
    }

    void tell(const Place &place, const std::string &how) {
        const auto kind = catalogue_.kinds.find(place);
        mutant_.what.push_back(
            fmt::format("{} block {} ({}): {}", name_of(place.first), place.second,
                        kind == catalogue_.kinds.end() ? "unused" : name_of(kind->second), how));
    }

    /** Mostly metadata; superblocks and the ends of logs more often than their number says. */
    Place choose() {
        const auto dice = rng_.below(100);
        if (dice < 15)
            return superblock();
        if (dice < 30)
            return near_end();
        if (dice < 80)
            return rng_.pick(catalogue_.metadata);
        if (dice < 93)
            return rng_.pick(catalogue_.payload);
        return anywhere();
    }

    std::size_t any_part() { return rng_.between(store, base_.has_journal ? journal : view); }

    Place superblock() { return {any_part(), rng_.percent(50) ? ES_SB_A_BLOCK : ES_SB_B_BLOCK}; }

    Place near_end() {
        const auto &log = catalogue_.logs.at(any_part());
        const Record &record =
            log[log.size() - 1 - rng_.below(std::min<std::size_t>(3, log.size()))];
        return {record.header.first,
                record.header.second + (rng_.percent(50) ? 0 : rng_.below(record.blocks + 2))};
    }

    Place anywhere() {
        const std::size_t part = rng_.percent(10) ? std::size_t{origin} : any_part();
        return {part, rng_.below(Lab::blocks_of(part))};
    }

    // --- as a disk does it ---

    void damage() {
        switch (rng_.below(10)) {
        case 0:
        case 1:
            return flip();
        case 2:
            return scribble();
        case 3:
            return fill();
        case 4:
            return lose_sectors();
        case 5:
            return misplace(choose(), choose());
        case 6:
            return misplace(from_other_part(), choose());
        case 7:
            return swap();
        case 8:
            return rng_.percent(30) ? cut() : lose_run();
        default:
            return rng_.percent(15) ? replace_part() : flip();
        }
    }

    void flip() {
        const Place place = choose();
        Block block = now(place);
        for (std::uint64_t n = rng_.percent(70) ? 1 : rng_.between(2, 8); n > 0; --n)
            block.bytes[offset(place)] ^= static_cast<std::uint8_t>(1u << rng_.below(8));
        set(place, block, "bits flipped");
    }

    /** In a superblock or header mostly where something is. */
    std::size_t offset(const Place &place) {
        const auto kind = catalogue_.kinds.find(place);
        if (kind == catalogue_.kinds.end() || kind->second == Kind::payload || rng_.percent(30))
            return rng_.below(block_bytes);
        return rng_.below(256);
    }

    void scribble() {
        const Place place = choose();
        Block block = now(place);
        const std::size_t first = offset(place);
        const std::size_t end = std::min(block_bytes, first + rng_.between(1, 600));
        for (std::size_t i = first; i < end; ++i)
            block.bytes[i] = static_cast<std::uint8_t>(rng_.next());
        set(place, block, "bytes overwritten");
    }

    void fill() {
        const Place place = choose();
        Block block;
        block.bytes.fill(rng_.percent(70) ? std::uint8_t{0} : std::uint8_t{0xff});
        set(place, block, "filled with one byte");
    }

    void lose_sectors() {
        const Place place = choose();
        Block block = now(place);
        const std::size_t first = rng_.below(block_sectors);
        const std::size_t end = rng_.between(first + 1, block_sectors);
        std::memset(block.data() + first * esmodel::sector_bytes, 0,
                    (end - first) * esmodel::sector_bytes);
        set(place, block, "sectors zero");
    }

    void misplace(const Place &from, const Place &to) {
        set(to, now(from),
            fmt::format("overwritten by {} block {}", name_of(from.first), from.second));
    }

    Place from_other_part() {
        const Place place = choose();
        const std::size_t part = any_part();
        return {part, place.second % Lab::blocks_of(part)};
    }

    void swap() {
        const Place a = choose(), b = choose();
        const Block was = now(a);
        misplace(b, a);
        set(b, was, fmt::format("overwritten by {} block {}", name_of(a.first), a.second));
    }

    void lose_run() {
        const Place place = choose();
        const std::uint64_t end =
            std::min(Lab::blocks_of(place.first), place.second + rng_.between(2, 20));
        for (std::uint64_t i = place.second; i < end; ++i)
            set({place.first, i}, Block{}, "zero");
    }

    void cut() {
        const std::size_t part = rng_.percent(10) ? std::size_t{origin} : any_part();
        mutant_.cut = {part, rng_.between(1, Lab::blocks_of(part) * block_sectors - 1)};
        mutant_.what.push_back(
            fmt::format("{}: only {} sectors", name_of(part), mutant_.cut->sectors));
    }

    void replace_part() {
        const std::size_t to = any_part(), from = any_part();
        const std::uint64_t blocks = std::min(Lab::blocks_of(to), Lab::blocks_of(from));
        if (to == from)
            return;
        for (std::uint64_t i = 0; i < blocks; ++i) {
            const Place place{to, i};
            mutant_.changes[place] = now({from, i});
            mutant_.noise.insert(place);
        }
        mutant_.what.push_back(fmt::format("{}: overwritten by {}", name_of(to), name_of(from)));
    }

    // --- with the checksum made right again ---

    void change_and_seal() {
        const Place place = rng_.percent(25) ? superblock() : rng_.pick(catalogue_.metadata);
        const Kind kind =
            catalogue_.kinds.contains(place) ? catalogue_.kinds.at(place) : Kind::superblock;
        Block block = now(place);
        const std::uint64_t was = get(block, crc_of(kind));
        for (std::uint64_t n = rng_.percent(70) ? 1 : rng_.between(2, 4); n > 0; --n)
            change_field(block, kind, place);
        esnap::test::fix_crc(block, crc_of(kind));
        mutant_.changes[place] = block;
        if (rng_.percent(50) && kind != Kind::superblock && kind != Kind::journal_superblock)
            rename(place.first, was, get(block, crc_of(kind)));
    }

    void change_field(Block &block, Kind kind, const Place &place) {
        const Field field = rng_.pick(fields_of(kind));
        const std::uint64_t old = get(block, field);
        const std::uint64_t value = interesting(old, field.width * 8);
        esnap::test::put(block, field, value);
        tell(place, fmt::format("sealed with {:#x} for {:#x} at byte {}", get(block, field), old,
                                field.offset));
    }

    std::uint64_t interesting(std::uint64_t old, unsigned bits) {
        switch (rng_.below(9)) {
        case 0:
            return 0;
        case 1:
            return ~std::uint64_t{0};
        case 2:
            return old + 1;
        case 3:
            return old - 1;
        case 4:
            return old ^ (std::uint64_t{1} << rng_.below(bits));
        case 5:
            return std::uint64_t{1} << rng_.below(bits);
        case 6:
            return rng_.below(400);
        case 7:
            return old * 2 + rng_.below(2);
        default:
            return rng_.next();
        }
    }

    /** Everybody who names the header with the checksum @was names @is instead. */
    void rename(std::size_t part, std::uint64_t was, std::uint64_t is) {
        std::map<std::uint64_t, std::uint64_t> names{{was, is}};
        for (const Record &record : catalogue_.logs.at(part))
            rename_in(record.header, names);
        for (const Place &place : catalogue_.metadata)
            if (place.first == part && catalogue_.kinds.at(place) != Kind::record &&
                catalogue_.kinds.at(place) != Kind::ring_record)
                rename_in(place, names);
    }

    void rename_in(const Place &place, std::map<std::uint64_t, std::uint64_t> &names) {
        const Kind kind = catalogue_.kinds.at(place);
        if (kind == Kind::superblock)
            return;
        const Field field = kind == Kind::journal_superblock ? esnap::test::jsb_field::needed_crc
                                                             : esnap::test::block_field::prev_crc;
        Block block = now(place);
        const auto name = names.find(get(block, field));
        if (name == names.end())
            return;
        const std::uint64_t was = get(block, crc_of(kind));
        esnap::test::put(block, field, name->second);
        esnap::test::fix_crc(block, crc_of(kind));
        mutant_.changes[place] = block;
        names[was] = get(block, crc_of(kind));
    }

    // --- what can be judged ---

    /**
     * Damage to the last two records of a log looks like one that was torn, with none behind
     * it: nothing can tell, and only the very last one repeats what is there. Neither can more
     * be missed in a store than replay looks at behind the end: a segment or two.
     */
    bool is_end_lost() {
        for (const auto &[part, log] : catalogue_.logs) {
            if (part != store + nr_stores - 1 && part != view && part != journal)
                continue;
            unsigned in_a_row = 0;
            for (const Record &record : log) {
                in_a_row = is_damaged(record) ? in_a_row + 1 : 0;
                if (in_a_row >= most_in_a_row && part != journal)
                    return true;
            }
            if (in_a_row > 1)
                return true;
        }
        return false;
    }

    static constexpr unsigned most_in_a_row = 4; // a segment has six to seven

    bool is_damaged(const Record &record) {
        return std::ranges::any_of(mutant_.noise,
                                   [&](const Place &place) { return record.has(place); });
    }

    const Base &base_;
    const Catalogue &catalogue_;
    Rng &rng_;
    Mutant mutant_;
};

} // namespace

Mutant make_mutant(const Base &base, const Catalogue &catalogue, Rng &rng) {
    return Mutator(base, catalogue, rng).make();
}

} // namespace attach
