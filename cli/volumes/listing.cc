// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/listing.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dm-ext/device.h"
#include "dm-ext/status.h"
#include "error.h"
#include "offline/superblock.h"
#include "volumes/autoextend.h"
#include "volumes/watching.h"

namespace esnap {

namespace {

constexpr const char *usual_fields = "lv_name,vg_name,lv_attr,lv_size,origin,data_percent,"
                                     "lv_serial,lv_time";

// --- rows ---

constexpr const char *inactive = "inactive";

struct Liveness {
    bool is_live = false;
    bool is_open = false;
    dmext::Table status = {};
};

/* A device that goes away meanwhile is not there; neither is one of another @uuid, if one is given.
 */
Liveness look_at(System &system, const std::string &name, const std::string &uuid = {}) {
    const dmext::Device device(system.dm, name);
    const dmext::Info info = device.info();

    if (!info.exists || (!uuid.empty() && info.uuid != uuid))
        return {};
    return {true, info.open_count > 0, device.status()};
}

std::string attributes(char type, char permission, const std::string &state, const Liveness &live) {
    char shown = live.is_live ? 'a' : '-';
    if (state == "invalid" || state == "failed")
        shown = 'I';
    if (state == "suspect")
        shown = 'S';
    const char full = state == "full" ? 'F' : '-';
    return fmt::format("{}{}i-{}{}e-{}-", type, permission, shown, live.is_open ? 'o' : '-', full);
}

Row origin_row(System &system, const Chain &chain) {
    const Liveness live = look_at(system, chain.device());
    Row row;

    row.name = chain.name;
    row.vg = chain.vg;
    row.kind = "origin";
    row.bytes = chain.origin.bytes;
    row.created = chain.origin.created;
    row.tags = fmt::format("{}", fmt::join(chain.origin.tags, ","));
    row.path = "/dev/" + chain.vg + "/" + chain.name;
    row.state = inactive;
    if (live.is_live && !live.status.empty())
        row.state = live.status[0].type == "esnapshot-org"
                        ? to_string(dmext::parse_org_status(live.status[0]).state)
                        : "bare";
    row.attr = attributes('o', 'w', row.state, live);
    return row;
}

std::string shown_origin(const Chain &chain, const Volume &volume) {
    if (volume.kind == Volume::Kind::snapshot)
        return chain.name;
    const auto snapshot = std::ranges::find(chain.snapshots, volume.of, &Volume::store_uuid);
    return snapshot == chain.snapshots.end() ? "?" : snapshot->name;
}

Row volume_row(System &system, const Chain &chain, const Volume &volume) {
    const Liveness live = look_at(system, volume.device(), volume.device_uuid());
    const bool is_view = volume.kind == Volume::Kind::view;
    Row row;

    row.name = volume.name;
    row.vg = volume.vg;
    row.kind = is_view ? "view" : "snapshot";
    row.bytes = chain.origin.bytes;
    row.room = volume.store.bytes;
    row.origin = shown_origin(chain, volume);
    row.serial = fmt::to_string(volume.serial);
    row.created = volume.store.created;
    row.path = "/dev/" + volume.vg + "/" + volume.name;
    row.chain = volume.chain_uuid;
    row.store = volume.store_uuid;
    row.tags = fmt::format("{}", fmt::join(volume.store.tags, ","));
    row.state = inactive;
    if (live.is_live && !live.status.empty()) {
        const dmext::AreaStatus status = dmext::parse_area_status(live.status[0]);
        row.state = to_string(status.state);
        row.data_percent = fmt::format("{:.2f}", status.percent_used());
        row.bytes = live.status[0].count * 512;
    }
    row.attr = attributes(is_view ? 'v' : 's', is_view ? 'w' : 'r', row.state, live);
    return row;
}

Row hidden_row(const std::string &vg, const Lv &lv, const std::string &above) {
    Row row;

    row.name = "[" + lv.name + "]";
    row.vg = vg;
    row.kind = "hidden";
    row.attr = fmt::format("-wi-{}{}----", lv.is_active ? 'a' : '-', lv.is_open ? 'o' : '-');
    row.bytes = lv.bytes;
    row.origin = above;
    row.created = lv.created;
    row.path = "/dev/" + vg + "/" + lv.name;
    row.tags = fmt::format("{}", fmt::join(lv.tags, ","));
    return row;
}

std::string percent_text(dmext::Sectors part, dmext::Sectors whole) {
    return whole == 0 ? std::string{}
                      : fmt::format("{:.2f}",
                                    100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

/* Nothing shows a journal: what is known of it is in the origin's status. */
Row journal_row(System &system, const Chain &chain) {
    const Journal &journal = *chain.journal;
    const Liveness live = look_at(system, chain.device());
    Row row = hidden_row(chain.vg, journal.lv, chain.name);

    row.kind = "journal";
    row.attr[0] = 'j';
    row.chain = journal.chain_uuid;
    row.store = journal.journal_uuid;
    row.state = inactive;
    if (!live.is_live || live.status.empty() || live.status[0].type != "esnapshot-org")
        return row;
    const auto status = dmext::parse_org_status(live.status[0]).journal;
    if (!status)
        return row;
    row.state = to_string(status->state);
    if (status->state == dmext::JournalState::failed)
        row.attr[4] = 'I';
    row.data_percent = percent_text(status->used, status->total);
    if (status->kept)
        row.kept_percent = percent_text(*status->kept, status->total);
    if (status->oldest_kept_seconds.value_or(0) > 0)
        row.kept_since = time_text(*status->oldest_kept_seconds);
    return row;
}

// --- fields ---

struct UnitStyle {
    char letter;
    double bytes;
};

constexpr std::array<UnitStyle, 8> units{{{'e', 0x1p60},
                                          {'p', 0x1p50},
                                          {'t', 0x1p40},
                                          {'g', 0x1p30},
                                          {'m', 0x1p20},
                                          {'k', 0x1p10},
                                          {'s', 512.0},
                                          {'b', 1.0}}};

UnitStyle unit_for(std::uint64_t bytes, char wanted) {
    for (const UnitStyle &unit : units) {
        if (wanted == unit.letter)
            return unit;
        if (wanted == 'h' && unit.letter != 's' && static_cast<double>(bytes) >= unit.bytes)
            return unit;
    }
    return units.back();
}

std::string room_or_size(const Row &row, const SizeStyle &style) {
    return size_text(row.room > 0 ? row.room : row.bytes, style);
}

std::uint64_t room_or_size_number(const Row &row) {
    return row.room > 0 ? row.room : row.bytes;
}

std::uint64_t serial_number(const Row &row) {
    return row.serial.empty() ? 0 : std::stoull(row.serial);
}

/* Hundredths, so that it is a whole number. */
std::uint64_t percent_number(const Row &row) {
    return row.data_percent.empty()
               ? 0
               : static_cast<std::uint64_t>(std::llround(std::stod(row.data_percent) * 100));
}

template <std::string Row::*member>
std::uint64_t whole_number(const Row &row) {
    return (row.*member).empty() ? 0 : std::stoull(row.*member);
}

template <std::string Row::*member>
std::string member_text(const Row &row, const SizeStyle &) {
    return row.*member;
}

const std::array<Field, 21> fields{{
    {"lv_name", "LV", "LV Name", false, "name", member_text<&Row::name>, nullptr},
    {"vg_name", "VG", "VG Name", false, "volume group", member_text<&Row::vg>, nullptr},
    {"lv_attr", "Attr", "Attributes", false,
     "type o s v j, permission, state a I S -, open, F full", member_text<&Row::attr>, nullptr},
    {"lv_size", "LSize", "LV Size", true, "size; of snapshots and views: of their room",
     room_or_size, room_or_size_number},
    {"origin", "Origin", "Snapshot of", false, "what it is a snapshot or view of",
     member_text<&Row::origin>, nullptr},
    {"data_percent", "Data%", "Room used %", true,
     "how full its room is; of a journal: of what is not in place yet",
     member_text<&Row::data_percent>, percent_number},
    {"lv_serial", "Serial", "Serial", true, "place among the origin's snapshots",
     member_text<&Row::serial>, serial_number},
    {"lv_time", "Created", "Created", false, "when it was created", member_text<&Row::created>,
     nullptr},
    {"origin_size", "OSize", "Size shown", true, "size as its users see it",
     [](const Row &row, const SizeStyle &style) { return size_text(row.bytes, style); },
     [](const Row &row) { return row.bytes; }},
    {"kind", "Kind", "Kind", false, "origin, snapshot, view, journal or hidden",
     member_text<&Row::kind>, nullptr},
    {"state", "State", "State", false, "what the kernel says of it", member_text<&Row::state>,
     nullptr},
    {"lv_path", "Path", "LV Path", false, "device node", member_text<&Row::path>, nullptr},
    {"chain_uuid", "Chain", "Chain UUID", false, "uuid of the chain", member_text<&Row::chain>,
     nullptr},
    {"store_uuid", "Store", "Store UUID", false, "uuid of the store", member_text<&Row::store>,
     nullptr},
    {"lv_tags", "Tags", "Tags", false, "tags of the LV beneath", member_text<&Row::tags>, nullptr},
    {"kept_percent", "Kept%", "Kept %", true, "of a journal: how full it is with its history",
     member_text<&Row::kept_percent>, nullptr},
    {"kept_since", "KeptSince", "Kept since", false,
     "of a journal: time of the oldest write that it holds", member_text<&Row::kept_since>,
     nullptr},
    {"monitor", "Monitor", "Monitor", false, "does somebody watch how full it is",
     member_text<&Row::monitor>, nullptr},
    {"threshold", "Thresh%", "Extended at %", true,
     "how full it is when it is extended; 100: never", member_text<&Row::threshold>,
     whole_number<&Row::threshold>},
    {"percent", "Grow%", "Grows by %", true, "by how much of its size it is extended",
     member_text<&Row::percent>, whole_number<&Row::percent>},
    {"extents", "GrowExt", "Grows by extents", true, "the same, where it is a number of extents",
     member_text<&Row::extents>, whole_number<&Row::extents>},
}};

} // namespace

std::vector<Row> list_volumes(System &system, const Vg &vg, bool hidden) {
    std::vector<Row> rows;

    for (const Chain &chain : read_chains(vg).sound) {
        rows.push_back(origin_row(system, chain));
        if (hidden && chain.is_stacked)
            rows.push_back(hidden_row(vg.name, chain.origin, chain.name));
        for (const Volume *volume : chain.volumes()) {
            rows.push_back(volume_row(system, chain, *volume));
            if (hidden)
                rows.push_back(hidden_row(vg.name, volume->store, volume->name));
        }
        if (hidden && chain.journal)
            rows.push_back(journal_row(system, chain));
    }
    return rows;
}

void add_policies(System &system, const Vg &vg, std::vector<Row> &rows) {
    for (const Chain &chain : read_chains(vg).sound) {
        for (const Volume *volume : chain.volumes()) {
            const auto row = std::ranges::find(rows, volume->name, &Row::name);
            if (row == rows.end() || row->vg != vg.name || !chain.can_fill(*volume))
                continue;
            const policy::Policy policy = policy_of(system, *volume);
            row->threshold = fmt::to_string(policy.threshold);
            if (policy.extents > 0)
                row->extents = fmt::to_string(policy.extents);
            else
                row->percent = fmt::to_string(policy.percent);
            if (system.monitor != nullptr)
                row->monitor = system.monitor->is_watched(volume->device_uuid()) ? "monitored"
                                                                                 : "not monitored";
        }
    }
}

std::span<const Field> all_fields() {
    return fields;
}

const Field &find_field(const std::string &name) {
    for (const Field &field : fields)
        if (name == field.name || "lv_" + name == field.name)
            return field;
    std::vector<std::string> names;
    for (const Field &field : fields)
        names.emplace_back(field.name);
    throw UsageError(
        fmt::format("there is no field '{}'; there are {}", name, fmt::join(names, ", ")));
}

std::vector<const Field *> choose_fields(const std::string &text) {
    const bool adds = text.starts_with('+');
    std::string names = adds || text.empty() ? usual_fields : "";
    std::vector<const Field *> chosen;
    std::size_t at = 0;

    if (!text.empty())
        names += (adds ? "," : "") + text.substr(adds ? 1 : 0);
    while (at <= names.size()) {
        const std::size_t end = std::min(names.find(',', at), names.size());
        chosen.push_back(&find_field(names.substr(at, end - at)));
        at = end + 1;
    }
    return chosen;
}

std::string size_text(std::uint64_t bytes, const SizeStyle &style) {
    const UnitStyle unit = unit_for(bytes, style.unit);
    const std::string suffix =
        style.has_suffix ? std::string(1, unit.letter == 'b' ? 'B' : unit.letter) : "";

    if (unit.bytes <= 512.0)
        return fmt::format("{}{}", bytes / static_cast<std::uint64_t>(unit.bytes),
                           style.has_suffix ? (unit.letter == 's' ? "S" : "B") : "");
    return fmt::format("{:.2f}{}", static_cast<double>(bytes) / unit.bytes, suffix);
}

} // namespace esnap
