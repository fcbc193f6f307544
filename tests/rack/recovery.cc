// SPDX-License-Identifier: GPL-2.0-only
#include "recovery.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

namespace rack {

namespace {

using Block = std::array<std::uint64_t, ES_BLOCK_SIZE / sizeof(std::uint64_t)>;

Block read_block(const RegionSource &source, std::uint64_t addr) {
    Block block;
    source.read(addr, std::as_writable_bytes(std::span(block)));
    return block;
}

bool payload_matches(const RegionSource &source, const es_sb &sb, const es_extent &e) {
    std::uint32_t crc = ~0u;
    const std::uint64_t blocks = es_extent_blocks(&e, sb.chunk_sectors);
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const Block block = read_block(source, e.addr + i);
        crc = es_data_crc(crc, block.data());
    }
    return blocks == 0 || ~crc == e.crc;
}

} // namespace

void RegionSource::read(std::uint64_t block, esnap::Bytes out) const {
    const Sector first = block * ES_BLOCK_SECTORS;
    const Sector count = out.size() / sector_bytes;
    if (first + count > region_.sectors)
        throw std::out_of_range(fmt::format("block {} is behind the end of the store", block));
    for (Sector s = 0; s < count; ++s) {
        const auto content = pool_.bytes(disk_.at(region_.first + first + s));
        std::memcpy(out.data() + s * sector_bytes, content.data(), sector_bytes);
    }
}

void StoreLoader::take(LoadedStore &store, std::span<const es_extent> extents) const {
    for (const es_extent &e : extents) {
        const auto kind = e.flags & ES_EXT_ZERO  ? Place::Kind::zero
                          : e.flags & ES_EXT_BAD ? Place::Kind::bad
                                                 : Place::Kind::payload;
        for (std::uint32_t i = 0; i < e.nr; ++i)
            store.places.at(e.chunk + i) = {
                kind, kind == Place::Kind::payload
                          ? e.addr + std::uint64_t{i} * es_chunk_blocks(store.sb.chunk_sectors)
                          : 0};
    }
}

void StoreLoader::read_log(LoadedStore &store, const RegionSource &source) {
    es_replay &r = *machine_;
    es_replay_init(&r, &store.sb);
    ++replays_;
    for (;;) {
        switch (es_replay_step(&r)) {
        case ES_REPLAY_READ: {
            const Block block = read_block(source, r.read_addr);
            std::memcpy(r.block, block.data(), sizeof(r.block));
            break;
        }
        case ES_REPLAY_EXTENTS:
            take(store, {r.extents, r.nr_extents});
            break;
        case ES_REPLAY_SEGMENT:
            break;
        case ES_REPLAY_VERIFY:
            r.payload_ok = true;
            for (std::uint32_t i = 0; i < r.nr_extents; ++i)
                if (!payload_matches(source, store.sb, r.extents[i]))
                    r.payload_ok = false;
            break;
        case ES_REPLAY_DONE:
            return;
        case ES_REPLAY_FAULT:
            store.refused =
                fmt::format("log: {} at block {}", es_fault_text(r.fault), r.fault_addr);
            return;
        }
    }
}

void StoreLoader::read_index(LoadedStore &store, const RegionSource &source) const {
    std::array<es_extent, ES_BLOCK_EXTENTS> extents;
    std::uint64_t end = 0;
    std::uint32_t nr = 0;
    for (std::uint32_t pos = 0; pos < store.sb.index_blocks; ++pos) {
        const Block block = read_block(source, store.sb.index_addr + pos);
        const es_fault fault =
            es_index_check(&store.sb, pos, block.data(), &end, extents.data(), &nr);
        if (fault != ES_OK) {
            store.refused = fmt::format("index block {}: {}", pos, es_fault_text(fault));
            return;
        }
        take(store, {extents.data(), nr});
    }
}

/** The module would set its bits by the map: it must say what the log says. */
void StoreLoader::compare_chunk_map(LoadedStore &store, const RegionSource &source) const {
    std::array<std::uint64_t, ES_CHUNKMAP_CHUNKS / 64> words;
    std::uint32_t crc = ~0u;
    for (std::uint32_t pos = 0; pos < store.sb.map.blocks; ++pos) {
        const Block block = read_block(source, store.sb.map.addr + pos);
        crc = es_crc32c(crc, block.data(), ES_BLOCK_SIZE);
        const std::uint32_t nr = es_chunkmap_chunks(&store.sb, pos);
        words.fill(0);
        if (!es_chunkmap_decode(block.data(), words.data(), nr))
            store.refused = "chunk map: bits behind its end";
        for (std::uint32_t i = 0; i < nr; ++i) {
            const bool in_map = words[i / 64] >> (i % 64) & 1;
            const std::uint64_t chunk = std::uint64_t{pos} * ES_CHUNKMAP_CHUNKS + i;
            if (in_map != (store.places[chunk].kind != Place::Kind::absent))
                store.refused = fmt::format("chunk map: wrong about chunk {}", chunk);
        }
    }
    if (~crc != store.sb.map.crc)
        store.refused = "chunk map: not what the superblock says";
}

std::shared_ptr<const LoadedStore> StoreLoader::load_now(std::uint32_t slot, Sector sectors) {
    auto store = std::make_shared<LoadedStore>();
    const RegionSource source(disk_, pool_, layout_.slot(slot, sectors));
    const Block a = read_block(source, ES_SB_A_BLOCK), b = read_block(source, ES_SB_B_BLOCK);
    es_fault fault = es_sb_pick(&store->sb, a.data(), b.data(), nullptr);
    if (fault == ES_OK)
        fault = es_sb_check_device(&store->sb, source.blocks());
    if (fault != ES_OK) {
        store->refused = es_fault_text(fault);
        return store;
    }
    store->places.resize(es_sb_chunks(&store->sb));
    if (store->sb.state == ES_STATE_SEALED)
        read_index(*store, source);
    else
        read_log(*store, source);
    if (store->refused.empty() && store->sb.map.addr)
        compare_chunk_map(*store, source);
    return store;
}

std::shared_ptr<const LoadedStore> StoreLoader::load(std::uint32_t slot, Sector sectors) {
    constexpr std::size_t keep = 4;
    auto &kept = kept_[slot];
    const ContentHash hash = disk_.hash(slot + 1);
    for (const Kept &k : kept)
        if (k.hash == hash && k.sectors == sectors) {
            ++reused_;
            return k.store;
        }
    if (kept.size() == keep)
        kept.erase(kept.begin());
    kept.push_back({hash, sectors, load_now(slot, sectors)});
    return kept.back().store;
}

namespace {

/** Whether the origin is what the clean detach of @sb left. */
bool fingerprint_matches(const es_sb &sb, const Disk &disk, const SectorPool &pool,
                         const Layout &layout) {
    for (std::uint32_t i = 0; i < sb.fp.nr; ++i) {
        Block block{};
        auto *out = reinterpret_cast<std::byte *>(block.data());
        for (Sector s = 0; s < ES_BLOCK_SECTORS; ++s) {
            const Sector sector = sb.fp.sample[i].block * ES_BLOCK_SECTORS + s;
            if (sector < layout.origin_sectors)
                std::memcpy(out + s * sector_bytes, pool.bytes(disk.at(sector)).data(),
                            sector_bytes);
        }
        if (es_data_checksum(block.data(), 1) != sb.fp.sample[i].crc)
            return false;
    }
    return true;
}

std::string refusal_by_rules(const LoadedChain &chain, const Layout &layout) {
    for (std::size_t i = 0; i < chain.stores.size(); ++i) {
        const LoadedStore &store = *chain.stores[i];
        if (!store.refused.empty())
            return fmt::format("store {} of the list: {}", i, store.refused);
        es_fault fault = es_rules_member(&store.sb, layout.origin_sectors, layout.chunk_sectors);
        if (fault == ES_OK && i > 0)
            fault = es_rules_follows(&store.sb, &chain.stores[i - 1]->sb);
        if (fault == ES_OK && i + 1 == chain.stores.size())
            fault = es_rules_newest(&store.sb);
        if (fault != ES_OK)
            return fmt::format("store {} of the list: {}", i, es_fault_text(fault));
    }
    return {};
}

/** As the module finds out whether the origin was written behind its back. */
bool is_suspect(const LoadedChain &chain, const Disk &disk, const SectorPool &pool,
                const Layout &layout) {
    const es_sb *last = nullptr;
    for (const auto &store : chain.stores) {
        if (store->sb.epoch)
            last = &store->sb;
        if (store->sb.flags & ES_SB_SUSPECT)
            return true;
    }
    return last && !(last->flags & ES_SB_ATTACHED) && last->fp.nr &&
           es_uuid_is_null(last->next_uuid) && !fingerprint_matches(*last, disk, pool, layout);
}

} // namespace

namespace {

bool payload_matches(const RegionSource &source, const es_jentry &e) {
    std::uint32_t crc = ~0u;
    const std::uint32_t blocks = es_jentry_blocks(&e);
    for (std::uint32_t i = 0; i < blocks; ++i) {
        const Block block = read_block(source, e.addr + i);
        crc = es_data_crc(crc, block.data());
    }
    return blocks == 0 || ~crc == e.crc;
}

/** A walk from what is needed: the records, or why there are none. */
struct WalkedRing {
    std::string refused{};
    std::uint64_t needed = 0;
    std::vector<std::pair<es_jrec, std::vector<es_jentry>>> records{};
};

WalkedRing walk_ring(const RegionSource &source, const es_jsb &sb) {
    const auto w = std::make_unique<es_jwalk>();
    WalkedRing found;
    const auto is_whole = [&] {
        return std::all_of(w->entries, w->entries + w->rec.nr_entries,
                           [&](const es_jentry &e) { return payload_matches(source, e); });
    };
    es_jwalk_init(w.get(), &sb, &sb.needed);
    for (;;) {
        const es_jwalk_event event = es_jwalk_step(w.get());
        if (event == ES_JWALK_READ) {
            const Block block = read_block(source, w->read_addr);
            std::memcpy(w->block, block.data(), sizeof(w->block));
            continue;
        }
        if (event == ES_JWALK_FAULT)
            found.refused =
                fmt::format("journal: {} at block {}", es_fault_text(w->fault), w->fault_addr);
        found.needed = w->ring.needed.seq;
        if (event == ES_JWALK_FAULT || event == ES_JWALK_DONE)
            return found;
        if (event == ES_JWALK_CHECK)
            w->payload_ok = is_whole();
        if (event == ES_JWALK_RECORD || w->payload_ok)
            found.records.emplace_back(
                w->rec, std::vector<es_jentry>(w->entries, w->entries + w->rec.nr_entries));
    }
}

/** The store whose word counts: the newest that was ever in use. */
const es_sb *naming_store(const LoadedChain &chain) {
    for (auto store = chain.stores.rbegin(); store != chain.stores.rend(); ++store)
        if ((*store)->sb.epoch)
            return &(*store)->sb;
    return nullptr;
}

void lay_over(const es_jentry &e, const Disk &disk, Sector ring, std::vector<ContentId> &image) {
    for (Sector s = 0; s < e.nr; ++s)
        if (e.op == ES_JOP_WRITE)
            image.at(e.sector + s) = disk.at(ring + e.addr * ES_BLOCK_SECTORS + s);
        else if (e.op == ES_JOP_ZEROES)
            image.at(e.sector + s) = zeros;
}

} // namespace

std::string replay_journal(const LoadedChain &chain, const Disk &disk, const SectorPool &pool,
                           const Layout &layout, std::vector<ContentId> &image) {
    const es_sb *naming = naming_store(chain);
    if (!naming || es_uuid_is_null(naming->journal_uuid))
        return {};
    if (!layout.has_journal)
        return "a journal is named, and there is none";
    const RegionSource source(disk, pool, layout.journal());
    const Block a = read_block(source, ES_SB_A_BLOCK), b = read_block(source, ES_SB_B_BLOCK);
    es_jsb sb{};
    const es_fault fault = es_jsb_pick(&sb, a.data(), b.data(), nullptr);
    if (fault != ES_OK)
        return fmt::format("journal: {}", es_fault_text(fault));
    if (!es_uuid_equal(sb.journal_uuid, naming->journal_uuid) ||
        !es_uuid_equal(sb.chain_uuid, naming->chain_uuid))
        return "another journal is named than is there";
    const WalkedRing ring = walk_ring(source, sb);
    if (!ring.refused.empty())
        return ring.refused;
    for (const auto &[rec, entries] : ring.records) {
        if (rec.seq < ring.needed)
            continue;
        for (const es_jentry &e : entries) {
            if (!payload_matches(source, e))
                return fmt::format("journal: record {} is damaged", rec.seq);
            lay_over(e, disk, layout.journal().first, image);
        }
    }
    return {};
}

LoadedChain load_chain(StoreLoader &loader, const Disk &disk, const SectorPool &pool,
                       const Layout &layout,
                       std::span<const std::pair<std::uint32_t, Sector>> slots) {
    LoadedChain chain;
    for (const auto &[slot, sectors] : slots)
        chain.stores.push_back(loader.load(slot, sectors));
    chain.refused = refusal_by_rules(chain, layout);
    if (chain.refused.empty())
        chain.suspect = is_suspect(chain, disk, pool, layout);
    return chain;
}

} // namespace rack
