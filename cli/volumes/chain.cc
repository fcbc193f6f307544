// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/chain.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "error.h"

namespace esnap {

namespace {

bool is_store(const Lv &lv) {
    return lv.has_tag(tag::snapshot_kind) || lv.has_tag(tag::view_kind);
}

std::string required_tag(const Vg &vg, const Lv &lv, const char *prefix) {
    std::string value = lv.tag_value(prefix);

    if (value.empty())
        throw Error(
            "read the tags of", vg.name + "/" + lv.name,
            fmt::format("the tag {}... is missing", prefix),
            "esnap dump shows what is in the store; put the tag back with lvchange --addtag");
    return value;
}

std::uint32_t serial_of(const Vg &vg, const Lv &lv) {
    const std::string text = required_tag(vg, lv, tag::serial);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);

    if (error != std::errc{} || end != text.data() + text.size() || value == 0)
        throw Error("read the tags of", vg.name + "/" + lv.name,
                    fmt::format("{}{} is not a serial number", tag::serial, text));
    return value;
}

Volume volume_from(const Vg &vg, const Lv &lv) {
    Volume volume;
    const bool is_view = lv.has_tag(tag::view_kind);

    volume.kind = is_view ? Volume::Kind::view : Volume::Kind::snapshot;
    volume.vg = vg.name;
    volume.name = without_suffix(lv.name, store_suffix);
    if (volume.name.empty())
        throw Error(
            "read the tags of", vg.name + "/" + lv.name,
            fmt::format("it is tagged as a store, but its name does not end in {}", store_suffix),
            fmt::format("rename it back with lvrename {0} {1} {1}{2}", vg.name, lv.name,
                        store_suffix));
    volume.store = lv;
    volume.chain_uuid = required_tag(vg, lv, tag::chain);
    volume.store_uuid = required_tag(vg, lv, tag::store);
    volume.serial = serial_of(vg, lv);
    if (is_view)
        volume.of = required_tag(vg, lv, tag::of);
    return volume;
}

void add_journal(const Vg &vg, const Lv &lv, Chain &chain) {
    if (chain.journal)
        throw Error("read the tags of", vg.name + "/" + lv.name,
                    fmt::format("{} has journal {} already", chain.name, chain.journal->lv.name),
                    "an origin has one journal: take the tag off the wrong one with lvchange "
                    "--deltag");
    chain.journal = {vg.name, lv, required_tag(vg, lv, tag::chain),
                     required_tag(vg, lv, tag::journal)};
}

Chain chain_from(const Vg &vg, const Lv &origin) {
    Chain chain;
    const std::string bare = without_suffix(origin.name, origin_suffix);

    chain.vg = vg.name;
    chain.origin = origin;
    chain.is_stacked = !bare.empty();
    chain.name = chain.is_stacked ? bare : origin.name;
    for (const Lv &lv : vg.lvs) {
        if (lv.has_tag(tag::journal_kind) && lv.tag_value(tag::origin) == origin.uuid)
            add_journal(vg, lv, chain);
        if (!is_store(lv) || lv.tag_value(tag::origin) != origin.uuid)
            continue;
        Volume volume = volume_from(vg, lv);
        auto &list = volume.kind == Volume::Kind::view ? chain.views : chain.snapshots;
        list.push_back(std::move(volume));
    }
    std::ranges::sort(chain.snapshots, {}, &Volume::serial);
    std::ranges::sort(chain.views, {}, &Volume::name);
    return chain;
}

} // namespace

std::string Volume::device_uuid() const {
    return fmt::format("ESNAP-{}-{}", kind == Kind::view ? "view" : "image", store_uuid);
}

std::string Chain::origin_node() const {
    return is_stacked ? node_of(vg, origin.name) : node_of(vg, name) + "-real";
}

std::vector<const Volume *> Chain::views_of(const Volume &snapshot) const {
    std::vector<const Volume *> found;

    for (const Volume &view : views)
        if (view.of == snapshot.store_uuid)
            found.push_back(&view);
    return found;
}

bool Chain::can_fill(const Volume &volume) const {
    return volume.kind == Volume::Kind::view ||
           (!snapshots.empty() && snapshots.back().store_uuid == volume.store_uuid);
}

std::vector<const Volume *> Chain::volumes() const {
    std::vector<const Volume *> all;

    for (const Volume &snapshot : snapshots)
        all.push_back(&snapshot);
    for (const Volume &view : views)
        all.push_back(&view);
    return all;
}

bool is_name_taken(const Vg &vg, const std::string &name) {
    return vg.find(name) != nullptr || vg.find(name + origin_suffix) != nullptr ||
           vg.find(name + store_suffix) != nullptr || vg.find(name + journal_suffix) != nullptr;
}

Chains read_chains(const Vg &vg) {
    Chains chains;

    for (const Lv &lv : vg.lvs) {
        if (!lv.has_tag(tag::origin_kind))
            continue;
        try {
            chains.sound.push_back(chain_from(vg, lv));
        } catch (const Error &error) {
            chains.bad.push_back(error);
        }
    }
    return chains;
}

std::vector<Chain> find_chains(const Vg &vg) {
    Chains chains = read_chains(vg);

    if (!chains.bad.empty())
        throw chains.bad.front();
    return std::move(chains.sound);
}

std::vector<Lv> find_orphans(const Vg &vg) {
    std::vector<Lv> orphans;

    for (const Lv &lv : vg.lvs) {
        const auto owns = [&](const Lv &other) {
            return other.has_tag(tag::origin_kind) && other.uuid == lv.tag_value(tag::origin);
        };
        if ((is_store(lv) || lv.has_tag(tag::journal_kind)) && std::ranges::none_of(vg.lvs, owns))
            orphans.push_back(lv);
    }
    return orphans;
}

std::optional<Chain> find_journal(const Vg &vg, const VolumeName &name) {
    const std::vector<Chain> chains = read_chains(vg).sound;
    const auto is_volume = [&](const Chain &chain) {
        return chain.name == name.lv ||
               std::ranges::any_of(chain.volumes(),
                                   [&](const Volume *volume) { return volume->name == name.lv; });
    };

    for (const Chain &chain : chains)
        if (chain.journal && (chain.journal->lv.name == name.lv ||
                              (chain.journal->lv.name == name.lv + journal_suffix &&
                               std::ranges::none_of(chains, is_volume))))
            return chain;
    return {};
}

Found find_volume(const Vg &vg, const VolumeName &name) {
    const Chains chains = read_chains(vg);

    for (const Chain &chain : chains.sound) {
        if (chain.name == name.lv)
            return {chain, {}};
        for (const Volume *volume : chain.volumes())
            if (volume->name == name.lv)
                return {chain, *volume};
    }
    if (!chains.bad.empty())
        throw chains.bad.front();
    if (is_hidden_name(name.lv) && vg.find(name.lv) != nullptr)
        throw Error("find", name.text(), "it is an LV beneath a volume of esnap",
                    "name the volume without the suffix; esnap lvs -a lists both");
    if (vg.find(name.lv) != nullptr)
        throw Error("find", name.text(), "it has no snapshots and is none: LVM alone manages it",
                    "use LVM's own command");
    throw Error("find", name.text(), "there is no such volume", "esnap lvs lists those there are");
}

} // namespace esnap
