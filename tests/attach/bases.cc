// SPDX-License-Identifier: GPL-2.0-only
#include "bases.h"

#include <chrono>
#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command.h"

namespace attach {

namespace {

using esmodel::Access;
using esmodel::BlockFile;
using esmodel::Buffer;
using esmodel::DmDevice;
using esmodel::Rng;

void run_esnap(const std::vector<std::string> &words) {
    std::ostringstream text;
    if (esnap::run_command_line(words, text, text) != 0)
        throw std::runtime_error(fmt::format("esnap {}: {}", fmt::join(words, " "), text.str()));
}

/** A device that is written to, and what it must hold. */
struct Written {
    Content content;
    std::set<std::uint64_t> copied{}; /**< blocks its store has, since that began */
};

class Builder {
public:
    Builder(Lab &lab, std::uint64_t seed) : lab_(lab), rng_(seed) {}

    std::vector<Base> build() {
        fill_origin();
        first_snapshot();
        add_snapshot(1);
        work(25);
        reattach();
        work(12);
        add_snapshot(2);
        work(25);
        make_view();
        end_of_work();
        keep("young");
        detach();
        keep("clean");
        attach();
        work(15);
        work_on_view(8);
        end_of_work();
        keep("cut");
        with_journal();
        return std::move(bases_);
    }

private:
    void fill_origin() {
        data_.content.resize(origin_blocks * block_bytes);
        for (std::byte &byte : data_.content)
            byte = static_cast<std::byte>(rng_.next());
        for (std::uint64_t i = 0; i < origin_blocks / 12; ++i)
            std::memset(data_.content.data() + rng_.below(origin_blocks) * block_bytes, 0,
                        block_bytes);
        lab_.write(origin, data_.content);
    }

    void format_store(std::size_t number) {
        std::vector<std::string> words{"format", "--origin", lab_.part(origin).path()};
        if (number)
            words.insert(words.end(), {"--after", lab_.part(store + number - 1).path()});
        words.insert(words.end(),
                     {"-c", "4k", "--segment", "64k", lab_.part(store + number).path()});
        run_esnap(words);
    }

    void first_snapshot() {
        format_store(0);
        stores_ = 1;
        snapshots_[0] = data_.content;
        attach();
        work(25);
    }

    void add_snapshot(std::size_t number) {
        format_store(number);
        stores_ = number + 1;
        org_->load(org_table(lab_, stores_, has_journal_));
        org_->suspend();
        org_->resume();
        snapshots_[number] = data_.content;
        data_.copied.clear();
    }

    void attach() {
        org_.emplace("atk-org", org_table(lab_, stores_, has_journal_));
        if (has_view_)
            view_.emplace("atk-show", view_table(lab_));
    }

    void detach() {
        view_.reset();
        org_.reset();
    }

    void reattach() {
        detach();
        attach();
    }

    void make_view() {
        run_esnap(
            {"format", "--view-of", lab_.part(store + viewed).path(), lab_.part(view).path()});
        has_view_ = true;
        shown_.content = snapshots_[viewed];
        view_.emplace("atk-show", view_table(lab_));
        work_on_view(15);
    }

    /** New content for @sectors from @sector on, zeros now and then. */
    void write(const DmDevice &device, Written &to, std::uint64_t sector, std::uint64_t sectors) {
        const bool zeros = sectors >= block_sectors && rng_.percent(6);
        std::byte *at = to.content.data() + sector * esmodel::sector_bytes;
        for (std::size_t i = 0; i < sectors * esmodel::sector_bytes; ++i)
            at[i] = zeros ? std::byte{0} : static_cast<std::byte>(rng_.next());
        put(device, to, sector, sectors);
    }

    /** The content that is wanted there. */
    void put(const DmDevice &device, Written &to, std::uint64_t sector, std::uint64_t sectors) {
        const BlockFile file(device.path(), BlockFile::Mode::write);
        Buffer buffer(sectors * esmodel::sector_bytes);
        std::memcpy(buffer.data(), to.content.data() + sector * esmodel::sector_bytes,
                    buffer.bytes().size());
        file.write(sector, buffer.bytes());
        for (std::uint64_t s = sector; s < sector + sectors; ++s)
            to.copied.insert(s / block_sectors);
    }

    void write_somewhere(const DmDevice &device, Written &to) {
        std::uint64_t sectors = block_sectors;
        if (rng_.percent(15))
            sectors *= rng_.between(2, 6);
        else if (rng_.percent(15))
            sectors = rng_.between(1, block_sectors - 1);
        const std::uint64_t block = rng_.below(origin_blocks - 8);
        write(device, to, block * block_sectors + (sectors < block_sectors ? 1 : 0), sectors);
    }

    void work(unsigned writes) {
        while (writes--)
            write_somewhere(*org_, data_);
    }

    void work_on_view(unsigned writes) {
        while (writes--)
            write_somewhere(*view_, shown_);
    }

    /** A block is written as it is: its record may be forgotten. */
    void repeat(const DmDevice &device, Written &to) {
        std::uint64_t block;
        do
            block = rng_.below(origin_blocks);
        while (to.copied.contains(block) ||
               es_is_zero(to.content.data() + block * block_bytes, block_bytes));
        put(device, to, block * block_sectors, block_sectors);
    }

    void end_of_work() {
        repeat(*org_, data_);
        if (view_)
            repeat(*view_, shown_);
        wait_for_seal();
    }

    void wait_for_seal() {
        for (std::size_t i = 0; i + 1 < stores_; ++i)
            for (unsigned tries = 0; state_of(i) != ES_STATE_SEALED; ++tries) {
                if (tries > 1000)
                    throw std::runtime_error("an older store is not sealed");
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            }
    }

    unsigned state_of(std::size_t number) const {
        const Content all = lab_.content(store + number);
        const Block a = block_of(all, ES_SB_A_BLOCK), b = block_of(all, ES_SB_B_BLOCK);
        es_sb sb{};
        if (es_sb_pick(&sb, a.data(), b.data(), nullptr) != ES_OK)
            throw std::runtime_error("no superblock");
        return sb.state;
    }

    void keep(const std::string &name) {
        Base base{.name = name,
                  .has_journal = has_journal_,
                  .is_clean = !org_,
                  .disks = lab_.save(),
                  .origin = data_.content,
                  .snapshots = snapshots_,
                  .view = shown_.content};
        bases_.push_back(std::move(base));
    }

    /** With the origin suspended, nothing of the ring gets to its place. */
    void with_journal() {
        detach();
        run_esnap({"format", "--journal-for", lab_.part(store + stores_ - 1).path(),
                   lab_.part(journal).path()});
        has_journal_ = true;
        attach();
        work(10);
        org_->message("drain");
        repeat(*org_, data_);
        org_->message("drain");
        lab_.part(origin).suspend();
        work(25);
        repeat_last();
        keep("journal");
        lab_.part(origin).resume();
        org_->message("drain");
        repeat(*org_, data_);
        org_->message("drain");
        detach();
        keep("drained");
    }

    /** The ring may have any block twice. */
    void repeat_last() {
        put(*org_, data_, rng_.below(origin_blocks) * block_sectors, block_sectors);
    }

    Lab &lab_;
    Rng rng_;
    std::size_t stores_ = 0;
    bool has_journal_ = false, has_view_ = false;
    Written data_{}, shown_{};
    std::array<Content, nr_stores> snapshots_;
    std::optional<DmDevice> org_, view_;
    std::vector<Base> bases_;
};

} // namespace

std::vector<Base> make_bases(Lab &lab, std::uint64_t seed) {
    return Builder(lab, seed).build();
}

} // namespace attach
