// SPDX-License-Identifier: GPL-2.0-only
//
// Volumes as rows of named fields, for esnap lvs and lvdisplay.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/** One volume, its numbers not yet rendered. */
struct Row {
    std::string name;
    std::string vg;
    std::string kind;         /**< origin, snapshot, view, journal, or hidden */
    std::string attr;         /**< as LVM's: type, permission, -, -, state, open, ... */
    std::uint64_t bytes = 0;  /**< of the volume as its users see it */
    std::uint64_t room = 0;   /**< of the store, in bytes; 0: it has none */
    std::string origin;       /**< what it is a snapshot or view of */
    std::string data_percent; /**< how full the store is; empty: not known */
    std::string serial;
    std::string created;
    std::string state; /**< the target's word; "inactive" where there is none */
    std::string path;
    std::string chain;
    std::string store;
    std::string tags;
    std::string
        kept_percent;       /**< of a journal: what it holds, with the history; empty: not known */
    std::string kept_since; /**< of a journal: time of the oldest write that it holds */
    std::string monitor;    /**< monitored, not monitored, or empty: there is nothing to watch */
    std::string threshold;  /**< of the policy, in percent */
    std::string percent;    /**< by how much it grows; empty: by extents */
    std::string extents;    /**< the same; empty: by percent */
};

/** Every volume of the group that is ours; with @hidden also the LVs beneath. */
std::vector<Row> list_volumes(System &system, const Vg &vg, bool hidden);

/** Fills in the fields about watching and policy: they cost questions to LVM and dmeventd. */
void add_policies(System &system, const Vg &vg, std::vector<Row> &rows);

/** How sizes are printed: b s k m g t p e, or h for what fits. */
struct SizeStyle {
    char unit = 'h';
    bool has_suffix = true;
};

struct Field {
    const char *name;
    const char *heading; /**< of a column */
    const char *label;   /**< in a paragraph */
    bool is_right;
    const char *help;
    std::string (*text)(const Row &, const SizeStyle &);
    /** For selections; null: compared as text. */
    std::uint64_t (*number)(const Row &);
};

std::span<const Field> all_fields();
/** Throws UsageError. */
const Field &find_field(const std::string &name);
/**
 * Fields named in "a,b,c"; a "+" in front adds them to the usual ones. Throws UsageError.
 */
std::vector<const Field *> choose_fields(const std::string &text);

std::string size_text(std::uint64_t bytes, const SizeStyle &style);

} // namespace esnap
