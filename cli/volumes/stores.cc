// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/stores.h"

#include <fmt/format.h>

#include "error.h"
#include "es_rules.h"
#include "offline/device.h"
#include "offline/superblock.h"

namespace esnap {

namespace {

constexpr const char *operation = "activate";

void require_equal(const Volume &volume, const char *what, const std::string &in_tag,
                   const std::string &in_store) {
    if (in_tag != in_store)
        throw Error(operation, volume.volume_name().text(),
                    fmt::format("the tag of LV {} says {} {}, the store in it says {}",
                                volume.store.name, what, in_tag, in_store),
                    "one of them comes from elsewhere: put back what belongs there, or remove the "
                    "LV if the snapshots may go");
}

void require_own(const Volume &volume, const es_sb &sb) {
    const bool is_view = volume.kind == Volume::Kind::view;

    require_equal(volume, "kind", is_view ? "view" : "snapshot",
                  sb.kind == ES_KIND_VIEW ? "view" : "snapshot");
    require_equal(volume, "chain", volume.chain_uuid, uuid_text(sb.chain_uuid));
    require_equal(volume, "store", volume.store_uuid, uuid_text(sb.store_uuid));
    require_equal(volume, "serial", fmt::to_string(volume.serial), fmt::to_string(sb.serial));
    if (is_view)
        require_equal(volume, "snapshot", volume.of, uuid_text(sb.link_uuid));
}

/* No two stores have the same uuid. */
bool is_own(const Volume &volume, const es_sb &sb) {
    return volume.store_uuid == uuid_text(sb.store_uuid);
}

void require_ok(const Chain &chain, const Volume &volume, es_fault fault) {
    if (fault != ES_OK)
        throw Error(operation, chain.volume_name().text(),
                    fmt::format("snapshot {}: {}", volume.name, es_fault_text(fault)),
                    "nothing was activated, so that no snapshot can go wrong");
}

/*
 * Was it taken? The store before it names its successor first, then it is attached; where that went
 * wrong, the successor is taken back, and it does not count that it had been attached.
 */
bool was_taken(const OpenedStore &store, const OpenedStore *older) {
    if (!store.volume.is_pending())
        return true;
    return older != nullptr ? es_uuid_equal(older->sb.next_uuid, store.sb.store_uuid)
                            : store.was_attached();
}

} // namespace

OpenedStore open_store(const Volume &volume) {
    const es_sb sb = load_superblock(Device::open_to_read(volume.store_node()));

    require_own(volume, sb);
    return {volume, sb};
}

bool is_unformatted(const Volume &volume) {
    if (!volume.is_pending())
        return false;
    const Device device = Device::open_to_read(volume.store_node());
    const Superblocks both = read_superblocks(device);
    if (both.valid() && is_own(volume, both.sb))
        return false;
    require_readable(device, both);
    return true;
}

void require_whole_chain(const Chain &chain, const std::vector<OpenedStore> &stores) {
    const es_sb *older = nullptr;

    for (const OpenedStore &store : stores) {
        require_ok(chain, store.volume,
                   es_rules_member(&store.sb, chain.origin.bytes / 512, store.sb.chunk_sectors));
        if (older != nullptr)
            require_ok(chain, store.volume, es_rules_follows(&store.sb, older));
        older = &store.sb;
    }
    if (older != nullptr)
        require_ok(chain, stores.back().volume, es_rules_newest(older));
}

void forget_volume(System &system, const Volume &volume) {
    run_lvm(system.lvm, "take back", volume.volume_name().text(),
            {"lvremove", "-y", "-f", lvm_path(volume.vg, volume.store.name)});
}

std::vector<OpenedStore> choose_stores(System &system, const Chain &chain, const Tell &tell) {
    std::vector<OpenedStore> stores;

    for (const Volume &snapshot : chain.snapshots) {
        const bool is_blank = is_unformatted(snapshot);
        if (!is_blank)
            stores.push_back(open_store(snapshot));
        const OpenedStore *older = stores.size() > 1 ? &stores[stores.size() - 2] : nullptr;
        const bool is_gone =
            snapshot.is_being_removed() && !is_blank && stores.back().sb.state == ES_STATE_REMOVED;
        if (is_blank || is_gone || !was_taken(stores.back(), older)) {
            tell(News::mended, fmt::format("{}: what a killed command had left of it is removed",
                                           snapshot.volume_name().text()));
            forget_volume(system, snapshot);
            if (!is_blank)
                stores.pop_back();
        } else if (stores.back().sb.state == ES_STATE_INVALID) {
            tell(News::missing,
                 fmt::format("{}: it is invalid, and so are the snapshots before it; remove them",
                             snapshot.volume_name().text()));
            stores.clear();
        }
    }
    return stores;
}

} // namespace esnap
