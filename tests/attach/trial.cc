// SPDX-License-Identifier: GPL-2.0-only
#include "trial.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace attach {

namespace {

using esmodel::Access;
using esmodel::BlockFile;
using esmodel::Buffer;
using esmodel::DmDevice;
using esmodel::DmError;
using esmodel::IoError;
using esmodel::Rng;

constexpr std::uint64_t piece_blocks = 16;

/** What a device must read; no value: it may be anything, a write failed there. */
using Expected = std::vector<std::optional<Block>>;

Expected expected_of(const Content &content) {
    Expected all;
    for (std::uint64_t i = 0; i < content.size() / block_bytes; ++i)
        all.emplace_back(block_of(content, i));
    return all;
}

class Trial {
public:
    Trial(Lab &lab, const Base &base, const Truth &truth, const Mutant &mutant, Rng &rng)
        : lab_(lab), base_(base), truth_(truth), mutant_(mutant), rng_(rng),
          origin_(expected_of(base.origin)), view_(expected_of(base.view)) {
        for (std::size_t i = 0; i < nr_stores; ++i)
            snapshots_.push_back(expected_of(base.snapshots[i]));
    }

    Outcome run() {
        lab_.restore(base_.disks, mutant_.changes);
        if (mutant_.cut)
            lab_.shrink(mutant_.cut->part, mutant_.cut->sectors);
        attach_and_use();
        if (!out_.is_refused && rng_.percent(20))
            attach_and_use();
        return std::move(out_);
    }

private:
    void attach_and_use() {
        std::optional<DmDevice> org;
        try {
            org.emplace("atk-org", org_table(lab_, nr_stores, base_.has_journal));
        } catch (const DmError &) {
            out_.is_refused = true;
            return;
        }
        use(*org);
        org->remove();
        // What was acknowledged is in its place now, or the ring that had it is damaged.
        if (!origin_may_fail() && !mutant_.cut)
            compare("the device below", lab_.part(origin), origin_);
    }

    void use(const DmDevice &org) {
        std::optional<DmDevice> images[nr_stores], shown;
        compare("the origin", org, origin_, !origin_may_fail());
        const std::size_t always = rng_.below(nr_stores);
        for (std::size_t i = 0; i < nr_stores; ++i)
            if (i == always || rng_.percent(35))
                open(images[i], fmt::format("atk-image{}", i), image_table(lab_, i),
                     Access::read_only);
        if (rng_.percent(40))
            open(shown, "atk-show", view_table(lab_), Access::read_write);
        compare_images(images, shown);
        for (std::uint64_t n = rng_.between(2, 8); n > 0; --n)
            write(org, origin_, !origin_may_fail());
        for (std::uint64_t n = shown && mutant_.is_judged ? 4 : 0; n > 0; --n)
            write(*shown, view_, false);
        compare_images(images, shown);
        compare("the origin", org, origin_, !origin_may_fail());
        if (shown)
            shown->remove();
        for (auto &image : images)
            if (image)
                image->remove();
    }

    /** Only what was in a ring that is damaged is ever lost. */
    bool origin_may_fail() const {
        return base_.has_journal || (mutant_.cut && mutant_.cut->part == origin);
    }

    void open(std::optional<DmDevice> &device, const std::string &name, const esmodel::Table &table,
              Access access) {
        ++out_.images;
        try {
            device.emplace(name, table, access);
        } catch (const DmError &) {
            ++out_.refused_images;
        }
    }

    void compare_images(std::optional<DmDevice> (&images)[nr_stores],
                        const std::optional<DmDevice> &shown) {
        for (std::size_t i = 0; i < nr_stores; ++i)
            if (images[i])
                compare(fmt::format("the image of store {}", i), *images[i], snapshots_[i]);
        if (shown)
            compare("the view", *shown, view_);
    }

    // --- reading ---

    void compare(const std::string &what, const DmDevice &device, const Expected &expected,
                 bool must_be_readable = false) {
        const BlockFile file(device.path(), BlockFile::Mode::read);
        Buffer buffer(piece_blocks * block_bytes);
        for (std::uint64_t at = 0; at < expected.size(); at += piece_blocks) {
            if (read(file, at, buffer.bytes())) {
                for (std::uint64_t i = 0; i < piece_blocks; ++i)
                    judge(what, at + i, buffer.data() + i * block_bytes, expected[at + i]);
                continue;
            }
            for (std::uint64_t i = at; i < at + piece_blocks; ++i) {
                if (read(file, i, buffer.bytes().first(block_bytes)))
                    judge(what, i, buffer.data(), expected[i]);
                else
                    fail(what, i, must_be_readable && expected[i]);
            }
        }
    }

    static bool read(const BlockFile &file, std::uint64_t block, esmodel::Bytes out) {
        try {
            file.read(block * block_sectors, out);
        } catch (const IoError &) {
            return false;
        }
        return true;
    }

    void fail(const std::string &what, std::uint64_t block, bool is_wrong) {
        ++out_.failed_blocks;
        if (is_wrong)
            complain(fmt::format("{}: block {} cannot be read", what, block));
    }

    void judge(const std::string &what, std::uint64_t number, const std::byte *bytes,
               const std::optional<Block> &expected) {
        Block got;
        std::memcpy(got.data(), bytes, block_bytes);
        if (!expected)
            return;
        if (got == *expected) {
            ++out_.right_blocks;
            return;
        }
        ++out_.damaged_blocks;
        if (mutant_.is_judged && !truth_.allows(mutant_, number, *expected, got))
            complain(fmt::format("{}: block {} is wrong: it has what was in {}, not in {}", what,
                                 number, truth_.places_of(got), truth_.places_of(*expected)));
    }

    void complain(std::string text) {
        if (mutant_.is_judged && out_.wrong.size() < 5)
            out_.wrong.push_back(std::move(text));
    }

    // --- writing ---

    void write(const DmDevice &device, Expected &expected, bool must_succeed) {
        const std::uint64_t blocks = rng_.between(1, 3), first = rng_.below(origin_blocks - blocks);
        Buffer buffer(blocks * block_bytes);
        for (std::byte &byte : buffer.bytes())
            byte = static_cast<std::byte>(rng_.next());
        bool written = true;
        try {
            BlockFile(device.path(), BlockFile::Mode::write)
                .write(first * block_sectors, buffer.bytes());
        } catch (const IoError &e) {
            written = false;
            if (must_succeed)
                complain(fmt::format("{}: a write failed: {}", device.name(), e.what()));
        }
        for (std::uint64_t i = 0; i < blocks; ++i) {
            Block block;
            std::memcpy(block.data(), buffer.data() + i * block_bytes, block_bytes);
            expected[first + i] = written ? std::optional(block) : std::nullopt;
        }
    }

    Lab &lab_;
    const Base &base_;
    const Truth &truth_;
    const Mutant &mutant_;
    Rng &rng_;
    Expected origin_, view_;
    std::vector<Expected> snapshots_;
    Outcome out_;
};

} // namespace

Outcome run_trial(Lab &lab, const Base &base, const Truth &truth, const Mutant &mutant, Rng &rng) {
    return Trial(lab, base, truth, mutant, rng).run();
}

} // namespace attach
