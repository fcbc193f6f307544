// SPDX-License-Identifier: GPL-2.0-only
#include "offline/formatter.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid.hpp>
#include <fmt/format.h>

#include "error.h"
#include "es_rules.h"
#include "offline/device.h"
#include "offline/probe.h"
#include "offline/superblock.h"

namespace esnap {

namespace {

constexpr const char *operation = "format";

/** Below this many segments the segment size shrinks, so that an index finds room. */
constexpr std::uint64_t few_segments = 8;
/** Above this many they grow, up to @most_blocks: attaching reads something for each. */
constexpr std::uint64_t many_segments = 512;
constexpr std::uint64_t most_blocks = 4096; // 16 MiB

void copy_uuid(std::uint8_t *to, const std::uint8_t *from) {
    std::copy_n(from, ES_UUID_SIZE, to);
}

void set_uuid(std::uint8_t *to, const std::optional<Uuid> &wanted) {
    copy_uuid(to, wanted.value_or(random_uuid()).data());
}

std::uint64_t now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

// --- the device to be formatted ---

void require_distinct(const std::string &store, const Device &other, const char *role) {
    if (Device::open_to_read(store).is_same_as(other))
        throw Error(operation, store, fmt::format("it is the {} itself", role),
                    "give the store a device of its own");
}

std::uint32_t segment_blocks_from(const FormatTarget &target, std::uint32_t chunk_sectors,
                                  std::uint64_t device_blocks) {
    if (!target.segment_bytes)
        return choose_segment_blocks(chunk_sectors, device_blocks);
    const std::uint64_t blocks = *target.segment_bytes / ES_BLOCK_SIZE;
    const std::uint64_t least = 2 * es_chunk_blocks(chunk_sectors) + 2;
    if (*target.segment_bytes % ES_BLOCK_SIZE || blocks < least || blocks > ES_MAX_SEGMENT_BLOCKS)
        throw Error(
            operation, target.store,
            fmt::format("segment size {} is not possible", bytes_text(*target.segment_bytes)),
            fmt::format("with chunks of {} it is a multiple of 4 KiB from {} to {}",
                        size_text(byte_offset(es_chunk_blocks(chunk_sectors))),
                        size_text(byte_offset(least)),
                        size_text(byte_offset(ES_MAX_SEGMENT_BLOCKS))));
    return static_cast<std::uint32_t>(blocks);
}

void set_geometry(es_sb &sb, const FormatTarget &target, const Device &device) {
    const std::uint64_t least = es_min_device_blocks(sb.chunk_sectors);
    if (device.blocks() < least)
        throw Error(operation, target.store,
                    fmt::format("its {} are too few: chunks of {} need at least {}",
                                bytes_text(device.bytes()),
                                size_text(byte_offset(es_chunk_blocks(sb.chunk_sectors))),
                                bytes_text(byte_offset(least))),
                    "give a larger device");
    if (es_sb_chunks(&sb) > ES_MAX_CHUNKS)
        throw Error(operation, target.store,
                    fmt::format("an origin of {} has more than {} chunks of {}",
                                size_text(sb.origin_sectors << ES_SECTOR_SHIFT), ES_MAX_CHUNKS,
                                size_text(byte_offset(es_chunk_blocks(sb.chunk_sectors)))),
                    "choose larger chunks (-c)");
    sb.device_blocks = std::min<std::uint64_t>(device.blocks(), ES_MAX_DEVICE_BLOCKS);
    sb.segment_blocks = segment_blocks_from(target, sb.chunk_sectors, sb.device_blocks);
}

void require_blank(const FormatTarget &target, const Device &device) {
    if (target.force)
        return;
    if (const auto content = find_content(device))
        throw Error(operation, target.store, fmt::format("it is not blank: {}", *content),
                    "--force overwrites it");
}

/** Encodes a superblock with this generation into a block. */
using EncodeCopy = std::function<void(std::uint64_t generation, void *block)>;

void write_copy(Device &device, const EncodeCopy &encode, std::uint64_t generation) {
    BlockBuffer block(1);
    encode(generation, block.data());
    device.write(es_sb_addr(generation), block.bytes());
    device.flush();
}

void verify_copy(const Device &device, const EncodeCopy &encode, std::uint64_t generation) {
    BlockBuffer wanted(1), found(1);
    encode(generation, wanted.data());
    device.read(es_sb_addr(generation), found.bytes());
    if (!std::ranges::equal(wanted.bytes(), found.bytes()))
        throw Error("verify the superblock of", device.name(),
                    fmt::format("byte {} does not read back as it was written",
                                byte_offset(es_sb_addr(generation))),
                    "the device is faulty");
}

/*
 * 1. Both copies are cleared and flushed. An old store there has high generations: a copy
 *    of it next to a new one would win.
 * 2. Unless the device was found blank, signatures of all else are wiped and flushed. Where
 *    they lay an old store may have had data.
 * 3. Copy B, generation 1, is written and flushed.
 * 4. Copy A, generation 2, is written and flushed.
 *
 * A crash before 1 is done leaves what was there, and of an old store both copies or one; before 3
 * is done no store; after it the new store stands. At no time do copies of both lie side by side,
 * or a store beside another's signature.
 */
void write_superblocks(Device &device, const EncodeCopy &encode, bool force) {
    const BlockBuffer zero(1);
    device.write(ES_SB_A_BLOCK, zero.bytes());
    device.write(ES_SB_B_BLOCK, zero.bytes());
    device.flush();
    if (force)
        wipe_signatures(device);
    write_copy(device, encode, 1);
    write_copy(device, encode, 2);
    verify_copy(device, encode, 1);
    verify_copy(device, encode, 2);
}

// What is encoded must decode: a wrong superblock is refused here, not by the kernel.
void require_valid(const es_sb &sb, const std::string &store) {
    BlockBuffer block(1);
    es_sb decoded{};
    es_sb_encode(&sb, block.data());
    const es_fault fault = es_sb_decode(&decoded, block.data(), block.bytes().size());
    if (fault != ES_OK)
        throw Error(operation, store, es_fault_text(fault));
}

es_sb format_store(es_sb sb, const FormatTarget &target) {
    Device device = Device::open_exclusively(target.store);
    sb.state = ES_STATE_ACTIVE;
    sb.created = now();
    sb.nr_snapshots = 1;
    sb.generation = 2;
    set_uuid(sb.store_uuid, target.store_uuid);
    set_geometry(sb, target, device);
    require_valid(sb, target.store);
    require_blank(target, device);
    if (!target.test)
        write_superblocks(
            device,
            [sb](std::uint64_t generation, void *block) mutable {
                sb.generation = generation;
                es_sb_encode(&sb, block);
            },
            target.force);
    return sb;
}

// --- a snapshot's store ---

std::uint32_t chunk_sectors_from(const SnapshotFormat &request, const es_sb *previous) {
    if (!request.chunk_bytes && previous)
        return previous->chunk_sectors;
    const std::uint64_t bytes = request.chunk_bytes.value_or(default_chunk_bytes);
    const std::uint64_t sectors = bytes >> ES_SECTOR_SHIFT;
    if (bytes % (1u << ES_SECTOR_SHIFT) || !es_chunk_size_ok(sectors))
        throw Error(operation, request.target.store,
                    fmt::format("chunk size {} is not possible", bytes_text(bytes)),
                    "it is a power of two from 4 KiB to 1 MiB");
    return static_cast<std::uint32_t>(sectors);
}

// Why @previous cannot have a successor, and what to do.
void require_can_follow(const SnapshotFormat &request, const es_sb &previous,
                        std::uint64_t origin_sectors, std::uint32_t chunk_sectors) {
    const auto refuse = [&](const std::string &cause, const std::string &advice) {
        throw Error(operation, request.target.store,
                    fmt::format("previous store {}: {}", request.after, cause), advice);
    };
    const es_fault member = es_rules_member(&previous, origin_sectors, chunk_sectors);
    switch (member) {
    case ES_OK:
        break;
    case ES_FAULT_KIND:
        refuse(fmt::format("it is the store of a {}, not of a snapshot", kind_text(previous.kind)),
               "give the store of the chain's newest snapshot");
        break;
    case ES_FAULT_CHUNK_DIFFERS:
        refuse(fmt::format("its chunk size is {}, not {}",
                           size_text(byte_offset(es_chunk_blocks(previous.chunk_sectors))),
                           size_text(byte_offset(es_chunk_blocks(chunk_sectors)))),
               "one chain has one chunk size: leave out -c");
        break;
    case ES_FAULT_ORIGIN_SHRANK:
        refuse(fmt::format("it was made for an origin of {} sectors, {} has {}",
                           previous.origin_sectors, request.origin, origin_sectors),
               "give the origin of the same chain; it cannot have shrunk");
        break;
    default:
        refuse(es_fault_text(member), "start a new chain, without --after");
    }
    if (es_rules_newest(&previous) != ES_OK)
        refuse(es_uuid_is_null(previous.next_uuid)
                   ? "it is sealed: a newer store has succeeded it"
                   : fmt::format("store {} has succeeded it", uuid_text(previous.next_uuid)),
               "give the newest store of the chain");
    if (previous.serial == UINT32_MAX)
        refuse("its serial number is the last one possible", "start a new chain");
}

es_sb load_previous(const SnapshotFormat &request) {
    const Device device = Device::open_to_read(request.after);
    require_distinct(request.target.store, device, "previous store");
    return load_superblock(device);
}

} // namespace

Uuid random_uuid() {
    const boost::uuids::uuid id = boost::uuids::random_generator_pure()(); // getrandom(2)
    Uuid uuid;

    std::ranges::copy(id, uuid.begin());
    return uuid;
}

std::uint32_t choose_segment_blocks(std::uint32_t chunk_sectors, std::uint64_t device_blocks) {
    const std::uint64_t data = device_blocks - ES_DATA_BLOCK;
    const std::uint64_t usual = es_default_segment_blocks(chunk_sectors);
    const std::uint64_t least = 2 * es_chunk_blocks(chunk_sectors) + 2;
    const std::uint64_t share = (data + few_segments - 1) / few_segments;
    const std::uint64_t most = std::max(usual, std::min(data / many_segments, most_blocks));
    return static_cast<std::uint32_t>(std::clamp(share, least, most));
}

es_sb format_snapshot_store(const SnapshotFormat &request) {
    const Device origin = Device::open_to_read(request.origin);
    require_distinct(request.target.store, origin, "origin");
    es_sb sb{};
    sb.kind = ES_KIND_SNAPSHOT;
    sb.origin_sectors = origin.bytes() >> ES_SECTOR_SHIFT;
    sb.origin_lbs = origin.logical_block_bytes();
    if (request.after.empty()) {
        sb.chunk_sectors = chunk_sectors_from(request, nullptr);
        sb.serial = 1;
        set_uuid(sb.chain_uuid, request.chain_uuid);
    } else {
        const es_sb previous = load_previous(request);
        sb.chunk_sectors = chunk_sectors_from(request, &previous);
        require_can_follow(request, previous, sb.origin_sectors, sb.chunk_sectors);
        sb.serial = previous.serial + 1;
        copy_uuid(sb.chain_uuid, previous.chain_uuid);
        copy_uuid(sb.link_uuid, previous.store_uuid);
    }
    set_uuid(sb.snapshot_uuid, {});
    return format_store(sb, request.target);
}

es_sb format_view_store(const ViewFormat &request) {
    const auto refuse = [&](const std::string &cause, const char *advice) {
        throw Error(operation, request.target.store,
                    fmt::format("snapshot store {}: {}", request.snapshot_store, cause), advice);
    };
    const Device snapshot = Device::open_to_read(request.snapshot_store);
    require_distinct(request.target.store, snapshot, "snapshot's store");
    const es_sb base = load_superblock(snapshot);
    if (base.kind != ES_KIND_SNAPSHOT)
        refuse(fmt::format("it is the store of a {}, not of a snapshot", kind_text(base.kind)),
               "a view's own snapshot is taken with the view as its origin");
    if (base.state == ES_STATE_INVALID || base.state == ES_STATE_REMOVED)
        refuse(fmt::format("its state is {}", state_text(base.state)),
               "there is nothing left to view");
    es_sb sb{};
    sb.kind = ES_KIND_VIEW;
    sb.serial = base.serial;
    sb.chunk_sectors = base.chunk_sectors;
    sb.origin_sectors = base.origin_sectors;
    sb.origin_lbs = base.origin_lbs;
    copy_uuid(sb.chain_uuid, base.chain_uuid);
    copy_uuid(sb.link_uuid, base.store_uuid);
    copy_uuid(sb.snapshot_uuid, base.snapshot_uuid);
    return format_store(sb, request.target);
}

namespace {

// The store of which a journal is to stand before the origin.
es_sb load_newest(const JournalFormat &request) {
    const auto refuse = [&](const std::string &cause, const char *advice) {
        throw Error(operation, request.target.store,
                    fmt::format("newest store {}: {}", request.newest_store, cause), advice);
    };
    const Device store = Device::open_to_read(request.newest_store);
    require_distinct(request.target.store, store, "newest store");
    const es_sb sb = load_superblock(store);
    if (sb.kind != ES_KIND_SNAPSHOT)
        refuse(fmt::format("it is the store of a {}, not of a snapshot", kind_text(sb.kind)),
               "only an origin can have a journal");
    if (sb.state == ES_STATE_INVALID || sb.state == ES_STATE_REMOVED)
        refuse(fmt::format("its state is {}", state_text(sb.state)),
               "take a new snapshot first: a journal needs one");
    if (es_rules_newest(&sb) != ES_OK)
        refuse(es_uuid_is_null(sb.next_uuid)
                   ? "it is sealed: a newer store has succeeded it"
                   : fmt::format("store {} has succeeded it", uuid_text(sb.next_uuid)),
               "give the newest store of the chain");
    if (!es_uuid_is_null(sb.journal_uuid))
        refuse(fmt::format("it has journal {} already", uuid_text(sb.journal_uuid)),
               "an origin has one journal: remove that one first");
    return sb;
}

es_jsb fresh_journal(const JournalFormat &request, const es_sb &newest,
                     std::uint64_t device_blocks) {
    es_jsb sb{};
    sb.state = ES_JOURNAL_ACTIVE;
    sb.generation = 2;
    set_uuid(sb.journal_uuid, request.target.store_uuid);
    copy_uuid(sb.chain_uuid, newest.chain_uuid);
    sb.created = now();
    sb.device_blocks = std::min<std::uint64_t>(device_blocks, ES_MAX_DEVICE_BLOCKS);
    sb.origin_lbs = newest.origin_lbs;
    sb.tail_seq = 1;
    sb.needed = {.addr = ES_DATA_BLOCK, .seq = 1, .prev_crc = 0};
    sb.next_lsn = 1;
    sb.time = sb.created * 1'000'000'000;
    sb.nr_marks = 1;
    sb.mark[0] = {sb.needed, sb.time};
    return sb;
}

} // namespace

es_jsb format_journal(const JournalFormat &request) {
    const FormatTarget &target = request.target;
    const es_sb newest = load_newest(request);
    Device device = Device::open_exclusively(target.store);
    if (device.blocks() < ES_JOURNAL_MIN_BLOCKS)
        throw Error(operation, target.store,
                    fmt::format("its {} are too few: a journal needs at least {}",
                                bytes_text(device.bytes()),
                                size_text(byte_offset(ES_JOURNAL_MIN_BLOCKS))),
                    "give a larger device");
    es_jsb sb = fresh_journal(request, newest, device.blocks());
    const EncodeCopy encode = [sb](std::uint64_t generation, void *block) mutable {
        sb.generation = generation;
        es_jsb_encode(&sb, block);
    };
    BlockBuffer block(1);
    es_jsb decoded{};
    encode(sb.generation, block.data());
    const es_fault fault = es_jsb_decode(&decoded, block.data(), block.bytes().size());
    if (fault != ES_OK)
        throw Error(operation, target.store, es_fault_text(fault));
    require_blank(target, device);
    if (!target.test)
        write_superblocks(device, encode, target.force);
    return sb;
}

} // namespace esnap
