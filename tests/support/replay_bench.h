// SPDX-License-Identifier: GPL-2.0-only
//
// A small store for tests of replay that set up one situation each.
#pragma once

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "support/core_values.h"
#include "support/crash_device.h"
#include "support/log_writer.h"

namespace esnap::test {

/** A store with 4 KiB chunks in segments of 10 blocks, attached, with a model of its content. */
class Bench {
public:
    explicit Bench(std::uint64_t blocks = ES_DATA_BLOCK + 40, es_kind kind = ES_KIND_SNAPSHOT)
        : device_(blocks), writer_(device_) {
        es_sb sb = sample_sb();
        sb.kind = kind;
        sb.segment_blocks = 10;
        sb.device_blocks = blocks;
        LogWriter::format(device_, sb);
        REQUIRE(writer_.attach().fault == ES_OK);
        device_.flush();
    }

    /** Append one record with an extent of @nr chunks; false: full. */
    bool append(std::uint32_t nr) {
        const unsigned flags = writer_.sb().kind == ES_KIND_VIEW ? ES_EXT_NO_CRC : 0;
        return append({make_extent(next_chunk_, nr, 0, 0, flags)});
    }

    bool append(std::vector<es_extent> batch) {
        next_chunk_ = batch.back().chunk + batch.back().nr;
        if (writer_.append(batch, 0) != batch.size())
            return false;
        extents_.insert(extents_.end(), batch.begin(), batch.end());
        return true;
    }

    /** A record that did not become durable: its header did, its payload did not. */
    void torn_append(std::uint32_t nr) {
        std::vector<es_extent> batch{make_extent(next_chunk_, nr)};
        REQUIRE(writer_.append(batch, 99) == 1);
        device_.zero(batch[0].addr + nr - 1);
    }

    void crash_and_attach() {
        Replayed found = writer_.attach();
        CHECK(found.fault == ES_OK);
        CHECK(same(found.extents, extents_));
    }

    Replayed replayed(std::uint64_t stop_seq = 0) const {
        es_sb sb{};
        REQUIRE(read_superblock(device_, sb) == ES_OK);
        return replay(sb, device_, stop_seq);
    }

    void check_complete() const {
        const Replayed found = replayed();
        CHECK(found.fault == ES_OK);
        CHECK(same(found.extents, extents_));
        CHECK(found.log.seq == writer_.log().seq);
    }

    /** The last block of segment @s, where its summary ends. */
    std::uint64_t footer(std::uint64_t s) const { return start(s + 1) - 1; }
    static std::uint64_t start(std::uint64_t s) { return ES_DATA_BLOCK + 10 * s; }

    CrashDevice &device() { return device_; }
    LogWriter &writer() { return writer_; }
    const std::vector<es_extent> &extents() const { return extents_; }

private:
    CrashDevice device_;
    LogWriter writer_;
    std::vector<es_extent> extents_;
    std::uint64_t next_chunk_ = 0;
};

} // namespace esnap::test
