// SPDX-License-Identifier: GPL-2.0-only
#include "catalogue.h"

#include <algorithm>
#include <cstring>

#include "support/journal_values.h"

namespace attach {

using esnap::test::Field;
using esnap::test::get;

namespace {

bool begins_with(const Block &block, const char *magic) {
    return std::memcmp(block.data(), magic, std::strlen(magic)) == 0;
}

Kind kind_of(const Block &block) {
    if (begins_with(block, "ESNAPSB\n"))
        return get(block, esnap::test::sb_field::kind) == ES_KIND_JOURNAL ? Kind::journal_superblock
                                                                          : Kind::superblock;
    if (begins_with(block, "ESrc"))
        return Kind::record;
    if (begins_with(block, "ESsm"))
        return Kind::summary;
    if (begins_with(block, "ESix"))
        return Kind::index;
    if (begins_with(block, "ESjr"))
        return Kind::ring_record;
    return Kind::payload;
}

std::vector<Field> superblock_fields() {
    namespace f = esnap::test::sb_field;
    return {f::magic,          f::version,       f::kind,
            f::incompat,       f::generation,    f::store_uuid,
            f::chain_uuid,     f::link_uuid,     f::next_uuid,
            f::serial,         f::nr_snapshots,  f::chunk_sectors,
            f::segment_blocks, f::device_blocks, f::origin_sectors,
            f::state,          f::flags,         f::epoch,
            f::index_blocks,   f::index_addr,    f::index_extents,
            f::tail_seq,       f::fp_sectors,    f::fp_nr,
            f::origin_lbs,     f::fp_block0,     f::fp_crc0,
            f::map_addr,       f::map_blocks,    f::map_crc,
            f::map_segment,    f::map_extents,   f::map_payload_blocks,
            f::journal_uuid};
}

std::vector<Field> journal_superblock_fields() {
    namespace f = esnap::test::jsb_field;
    std::vector<Field> fields{f::magic,       f::version,      f::kind,       f::incompat,
                              f::generation,  f::journal_uuid, f::chain_uuid, f::device_blocks,
                              f::state,       f::flags,        f::epoch,      f::nr_marks,
                              f::needed_addr, f::needed_seq,   f::needed_crc, f::next_lsn,
                              f::origin_lbs,  f::tail_seq,     f::time};
    for (std::size_t i = 0; i < 2; ++i)
        fields.insert(fields.end(),
                      {f::mark_addr(i), f::mark_seq(i), f::mark_crc(i), f::mark_time(i)});
    return fields;
}

std::vector<Field> block_fields() {
    namespace f = esnap::test::block_field;
    std::vector<Field> fields{f::magic,      f::version,   f::nr_extents, f::serial,
                              f::store_uuid, f::seq,       f::epoch,      f::prev_crc,
                              f::pos,        f::nr_blocks, f::addr};
    for (std::size_t i = 0; i < 6; ++i)
        fields.insert(fields.end(), {f::chunk(i), f::nr(i), f::extent_crc(i), f::extent_addr(i),
                                     f::extent_flags(i)});
    return fields;
}

std::vector<Field> ring_fields() {
    namespace f = esnap::test::jrec_field;
    std::vector<Field> fields{f::magic, f::version, f::nr_entries,  f::type,       f::journal_uuid,
                              f::seq,   f::epoch,   f::prev_crc,    f::nr_blocks,  f::addr,
                              f::lsn,   f::time,    f::needed_addr, f::needed_seq, f::needed_crc};
    for (std::size_t i = 0; i < 2; ++i)
        fields.insert(fields.end(), {f::sector(i), f::nr(i), f::entry_crc(i), f::entry_time(i),
                                     f::op(i), f::entry_flags(i)});
    return fields;
}

} // namespace

const char *name_of(Kind kind) {
    switch (kind) {
    case Kind::superblock:
        return "superblock";
    case Kind::journal_superblock:
        return "journal superblock";
    case Kind::record:
        return "record";
    case Kind::summary:
        return "summary";
    case Kind::index:
        return "index";
    case Kind::ring_record:
        return "ring record";
    case Kind::payload:
        return "payload";
    }
    return "?";
}

Field crc_of(Kind kind) {
    return kind == Kind::superblock || kind == Kind::journal_superblock
               ? esnap::test::sb_field::crc
               : esnap::test::block_field::crc;
}

const std::vector<Field> &fields_of(Kind kind) {
    static const std::vector<Field> of_superblock = superblock_fields(),
                                    of_journal = journal_superblock_fields(),
                                    of_block = block_fields(), of_ring = ring_fields();
    switch (kind) {
    case Kind::superblock:
        return of_superblock;
    case Kind::journal_superblock:
        return of_journal;
    case Kind::ring_record:
        return of_ring;
    default:
        return of_block;
    }
}

Catalogue::Catalogue(const Base &base) {
    for (std::size_t part = store; part < nr_parts; ++part)
        if (part != journal || base.has_journal)
            look_at(base, part);
}

void Catalogue::look_at(const Base &base, std::size_t part) {
    std::uint64_t payload_left = 0;
    for (std::uint64_t i = 0; i < Lab::blocks_of(part); ++i) {
        const Place place{part, i};
        const Block block = block_of(base.disks[part], i);
        const bool follows = payload_left > 0;
        if (follows)
            --payload_left;
        if (es_is_zero(block.data(), block_bytes))
            continue;
        const Kind kind = follows ? Kind::payload : kind_of(block);
        kinds[place] = kind;
        (kind == Kind::payload ? payload : metadata).push_back(place);
        if (kind != Kind::record && kind != Kind::ring_record)
            continue;
        const bool ring = kind == Kind::ring_record;
        namespace f = esnap::test;
        const Record record{
            place, get(block, ring ? f::jrec_field::seq : f::block_field::seq),
            get(block, ring ? f::jrec_field::nr_blocks : f::block_field::nr_blocks)};
        payload_left = record.blocks;
        logs[part].push_back(record);
    }
    std::ranges::sort(logs[part], {}, &Record::seq);
}

} // namespace attach
