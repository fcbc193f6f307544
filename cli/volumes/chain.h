// SPDX-License-Identifier: GPL-2.0-only
//
// Chains as the tags of LVs tell them. What is in the stores and what is live may differ:
// assembling compares (assemble.h).
//
// Tags, on the LV of ...
//   the origin   esnap.kind=origin
//                esnap.had=skip, esnap.had=no-autoactivation: what its user had set (protect.h)
//   a store      esnap.kind=snapshot|view  esnap.origin=<uuid of the origin's LV>
//                esnap.chain=<uuid>  esnap.store=<uuid>  esnap.serial=<number>
//                a view's also: esnap.of=<uuid of the snapshot's store>
//   a write journal   esnap.kind=journal  esnap.origin=<uuid of the origin's LV>
//                esnap.chain=<uuid>  esnap.journal=<uuid>
//   a store or journal that is being made or removed: esnap.pending, esnap.removing
//   a store whose volume has settings of its own (esnap lvchange):
//                esnap.monitor=y|n  esnap.threshold=<percent>  esnap.percent=<percent>
//
// An LV's uuid stays when it is renamed. The origin's layout is in its name: NAME_eorig is
// stacked, NAME is live (taken over while it was in use).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "error.h"
#include "lvm/report.h"
#include "volumes/names.h"

namespace esnap {

namespace tag {
inline constexpr const char *kind = "esnap.kind=";
inline constexpr const char *origin_kind = "esnap.kind=origin";
inline constexpr const char *had_skip = "esnap.had=skip";
inline constexpr const char *had_no_autoactivation = "esnap.had=no-autoactivation";
inline constexpr const char *snapshot_kind = "esnap.kind=snapshot";
inline constexpr const char *view_kind = "esnap.kind=view";
inline constexpr const char *journal_kind = "esnap.kind=journal";
inline constexpr const char *origin = "esnap.origin=";
inline constexpr const char *chain = "esnap.chain=";
inline constexpr const char *store = "esnap.store=";
inline constexpr const char *journal = "esnap.journal=";
inline constexpr const char *serial = "esnap.serial=";
inline constexpr const char *of = "esnap.of=";
inline constexpr const char *pending = "esnap.pending";
inline constexpr const char *removing = "esnap.removing";
inline constexpr const char *monitor = "esnap.monitor=";
inline constexpr const char *threshold = "esnap.threshold=";
inline constexpr const char *percent = "esnap.percent=";
} // namespace tag

/** A snapshot or a view: a store and the device that shows it. */
struct Volume {
    enum class Kind { snapshot, view };

    Kind kind = Kind::snapshot;
    std::string vg;
    std::string name; /**< as users see it */
    Lv store;
    std::string chain_uuid;
    std::string store_uuid;
    std::string of; /**< of a view: the uuid of its snapshot's store */
    std::uint32_t serial = 0;

    bool is_pending() const { return store.has_tag(tag::pending); }
    bool is_being_removed() const { return store.has_tag(tag::removing); }
    std::string store_node() const { return node_of(vg, store.name); }
    std::string device() const { return dm_name(vg, name); }
    /** Of the device that shows it. */
    std::string device_uuid() const;
    VolumeName volume_name() const { return {vg, name}; }
};

/** A write journal: an LV that nothing shows. */
struct Journal {
    std::string vg;
    Lv lv;
    std::string chain_uuid;
    std::string journal_uuid;

    bool is_pending() const { return lv.has_tag(tag::pending); }
    bool is_being_removed() const { return lv.has_tag(tag::removing); }
    std::string node() const { return node_of(vg, lv.name); }
};

struct Chain {
    std::string vg;
    std::string name; /**< the origin's, as users see it */
    Lv origin;
    bool is_stacked = false;
    std::vector<Volume> snapshots; /**< oldest first */
    std::vector<Volume> views;
    std::optional<Journal> journal = {};

    std::string device() const { return dm_name(vg, name); }
    /** Of the device users see, if the chain is stacked; a live one has the LV's. */
    std::string device_uuid() const { return "ESNAP-origin-" + origin.uuid; }
    /** What esnapshot-org stands on. */
    std::string origin_node() const;
    VolumeName volume_name() const { return {vg, name}; }
    std::vector<const Volume *> views_of(const Volume &snapshot) const;
    /** Can its area still fill? Older snapshots take no copies any more. */
    bool can_fill(const Volume &volume) const;
    /** Every snapshot and view. */
    std::vector<const Volume *> volumes() const;
};

/** Is there a volume of this name, ours or LVM's? */
bool is_name_taken(const Vg &vg, const std::string &name);

/** The chains of a group, and of those whose tags contradict each other what is wrong. */
struct Chains {
    std::vector<Chain> sound;
    std::vector<Error> bad;
};

Chains read_chains(const Vg &vg);
/** All chains of a group. Throws Error for tags that contradict each other. */
std::vector<Chain> find_chains(const Vg &vg);
/** Stores and journals whose origin is not in the group. */
std::vector<Lv> find_orphans(const Vg &vg);

/** What a name stands for. */
struct Found {
    Chain chain;
    std::optional<Volume> volume; /**< empty: the origin */
};

/** The chain whose journal @name is: its LV, or that without the ending, if that is nothing else.
 */
std::optional<Chain> find_journal(const Vg &vg, const VolumeName &name);

/**
 * Throws Error, which says what it is instead, unless the name is one of ours; what is wrong with a
 * chain only if the name is in no other.
 */
Found find_volume(const Vg &vg, const VolumeName &name);

} // namespace esnap
