// SPDX-License-Identifier: GPL-2.0-only
#include "offline/journal.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "error.h"
#include "offline/device.h"
#include "offline/window.h"

namespace esnap {

namespace {

JournalCopy read_copy(const BlockSource &source, char letter, std::uint64_t addr,
                      BlockBuffer &buffer) {
    JournalCopy copy{.letter = letter, .addr = addr};
    try {
        source.read(addr, buffer.bytes());
        copy.fault = es_jsb_decode(&copy.sb, buffer.data(), buffer.bytes().size());
        copy.claim = Claim::of(copy.fault, buffer.bytes());
    } catch (const Error &error) {
        copy.read_error = error.cause();
        std::ranges::fill(buffer.bytes(), std::byte{0});
    }
    return copy;
}

class Walk {
public:
    Walk(const BlockSource &source, const es_jsb &sb, const es_jpos &from)
        : window_(source), walk_(std::make_unique<es_jwalk>()) {
        es_jwalk_init(walk_.get(), &sb, &from);
    }

    JournalEnd run(const std::function<void(const ReadRecord &)> &take);

private:
    ReadRecord record();
    ReadEntry entry(const es_jentry &entry);

    BlockWindow window_;
    std::unique_ptr<es_jwalk> walk_;
};

ReadEntry Walk::entry(const es_jentry &entry) {
    ReadEntry found{.entry = entry};
    const std::uint32_t blocks = es_jentry_blocks(&entry);
    if (blocks == 0)
        return found;
    std::uint32_t crc = ~std::uint32_t{0};
    try {
        for (std::uint32_t i = 0; i < blocks; ++i)
            crc = es_data_crc(crc, window_.block(entry.addr + i).data());
        found.payload = ~crc == entry.crc ? PayloadState::ok : PayloadState::bad;
    } catch (const Error &error) {
        found.payload = PayloadState::bad;
        found.read_error = error.cause();
    }
    return found;
}

ReadRecord Walk::record() {
    ReadRecord found{.rec = walk_->rec};
    for (std::uint32_t i = 0; i < walk_->rec.nr_entries; ++i)
        found.entries.push_back(entry(walk_->entries[i]));
    return found;
}

JournalEnd Walk::run(const std::function<void(const ReadRecord &)> &take) {
    for (;;) {
        const es_jwalk_event event = es_jwalk_step(walk_.get());
        if (event == ES_JWALK_READ) {
            try {
                const ConstBytes block = window_.block(walk_->read_addr);
                std::ranges::copy(block, reinterpret_cast<std::byte *>(walk_->block));
            } catch (const Error &error) {
                return {.ring = walk_->ring,
                        .fault_addr = walk_->read_addr,
                        .read_error = "cannot be read: " + error.cause()};
            }
            continue;
        }
        if (event == ES_JWALK_DONE || event == ES_JWALK_FAULT)
            return {.done = event == ES_JWALK_DONE,
                    .ring = walk_->ring,
                    .fault = walk_->fault,
                    .fault_addr = walk_->fault_addr};
        ReadRecord found = record();
        if (event == ES_JWALK_CHECK) {
            /* What cannot be read is not torn: the kernel refuses to attach, too. */
            const auto lost = std::ranges::find_if(
                found.entries, [](const ReadEntry &e) { return !e.read_error.empty(); });
            if (lost != found.entries.end())
                return {.ring = walk_->ring,
                        .fault_addr = lost->entry.addr,
                        .read_error = "cannot be read: " + lost->read_error};
            walk_->payload_ok = found.payload_ok();
            found.torn = !walk_->payload_ok;
        }
        take(found);
    }
}

} // namespace

std::string JournalCopy::why_invalid() const {
    return read_error.empty() ? es_fault_text(fault) : "cannot be read: " + read_error;
}

bool ReadRecord::payload_ok() const {
    return std::ranges::none_of(entries,
                                [](const ReadEntry &e) { return e.payload == PayloadState::bad; });
}

bool is_journal(const Superblocks &both) {
    return !both.valid() && (both.a.fault == ES_FAULT_JOURNAL || both.b.fault == ES_FAULT_JOURNAL);
}

bool is_journal(const BlockSource &source) {
    return is_journal(read_superblocks(source));
}

JournalSuperblocks read_journal_superblocks(const BlockSource &source) {
    BlockBuffer block_a(1), block_b(1);
    JournalSuperblocks both;
    both.a = read_copy(source, 'A', ES_SB_A_BLOCK, block_a);
    both.b = read_copy(source, 'B', ES_SB_B_BLOCK, block_b);
    both.fault = es_jsb_pick(&both.sb, block_a.data(), block_b.data(), &both.from);
    return both;
}

es_jsb load_journal_superblock(const BlockSource &source) {
    const JournalSuperblocks both = read_journal_superblocks(source);
    if (both.valid())
        return both.sb;
    for (const auto *copy : {&both.a, &both.b})
        if (!copy->read_error.empty())
            throw Error("read the superblock of", source.name(), copy->read_error);
    throw Error("read the superblock of", source.name(), es_fault_text(both.fault));
}

JournalEnd walk_journal(const BlockSource &source, const es_jsb &sb, const es_jpos &from,
                        const std::function<void(const ReadRecord &)> &take) {
    return Walk(source, sb, from).run(take);
}

std::string journal_state_text(std::uint16_t state) {
    switch (state) {
    case ES_JOURNAL_ACTIVE:
        return "active";
    case ES_JOURNAL_FAILED:
        return "failed";
    default:
        return fmt::format("unknown ({})", state);
    }
}

std::string op_text(std::uint16_t op) {
    switch (op) {
    case ES_JOP_WRITE:
        return "write";
    case ES_JOP_ZEROES:
        return "zeroes";
    case ES_JOP_DISCARD:
        return "discard";
    case ES_JOP_FLUSH:
        return "flush";
    default:
        return fmt::format("unknown ({})", op);
    }
}

std::string payload_text(PayloadState state) {
    switch (state) {
    case PayloadState::ok:
        return "ok";
    case PayloadState::bad:
        return "bad";
    case PayloadState::none:
        break;
    }
    return "none";
}

std::string nanoseconds_text(std::uint64_t time) {
    constexpr std::uint64_t second = 1'000'000'000;
    std::string text = time_text(time / second);
    if (text.ends_with('Z'))
        text.insert(text.size() - 1, fmt::format(".{:09}", time % second));
    return text;
}

} // namespace esnap
