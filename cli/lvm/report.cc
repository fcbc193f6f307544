// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/report.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "error.h"
#include "lvm/json_fields.h"

namespace esnap {

namespace {

constexpr const char *operation = "read LVM's report";
/* Of the kinds that are not needed as little as possible: none cannot be asked for. */
constexpr std::array<std::pair<const char *, const char *>, 5> reports{{
    {"vg", "vg_name,vg_uuid,vg_extent_size,vg_extent_count,vg_free_count,vg_shared,vg_exported,vg_"
           "partial"},
    {"lv", "vg_name,lv_name,lv_uuid,lv_size,lv_layout,lv_tags,lv_active_locally,lv_device_open,"
           "lv_skip_activation,lv_autoactivation,lv_time"},
    {"pv", "pv_name"},
    {"pvseg", "pvseg_start"},
    {"seg", "seg_start"},
}};

Vg vg_from(const nlohmann::json &row) {
    return {.name = text_in(row, "vg_name"),
            .uuid = text_in(row, "vg_uuid"),
            .extent_bytes = number_in(row, "vg_extent_size"),
            .extents = number_in(row, "vg_extent_count"),
            .free_extents = number_in(row, "vg_free_count"),
            .is_shared = flag_in(row, "vg_shared"),
            .is_exported = flag_in(row, "vg_exported"),
            .is_partial = flag_in(row, "vg_partial"),
            .lvs = {}};
}

/* Volumes that are parts of others are printed in brackets. */
std::string bare(const std::string &name) {
    return name.size() > 2 && name.front() == '[' ? name.substr(1, name.size() - 2) : name;
}

/* LVM-, the group's uuid, the LV's, both without dashes. */
std::string device_uuid(const std::string &vg, const std::string &lv) {
    std::string both = vg + lv;

    std::erase(both, '-');
    return "LVM-" + both;
}

Lv lv_from(const nlohmann::json &row, const Vg &vg) {
    const std::string name = text_in(row, "lv_name"), uuid = text_in(row, "lv_uuid");

    return {.name = bare(name),
            .uuid = uuid,
            .device_uuid = device_uuid(vg.uuid, uuid),
            .bytes = number_in(row, "lv_size"),
            .layout = text_in(row, "lv_layout"),
            .tags = list_in(row, "lv_tags"),
            .is_internal = bare(name) != name,
            .is_active = flag_in(row, "lv_active_locally"),
            .is_open = flag_in(row, "lv_device_open"),
            .is_skipped = flag_in(row, "lv_skip_activation"),
            .is_autoactivated = flag_in(row, "lv_autoactivation"),
            .created = text_in(row, "lv_time")};
}

} // namespace

bool Lv::has_tag(const std::string &tag) const {
    return std::ranges::find(tags, tag) != tags.end();
}

std::string Lv::tag_value(const std::string &prefix) const {
    for (const std::string &tag : tags)
        if (tag.starts_with(prefix))
            return tag.substr(prefix.size());
    return {};
}

const Lv *Vg::find(const std::string &lv_name) const {
    const auto found = std::ranges::find(lvs, lv_name, &Lv::name);

    return found == lvs.end() ? nullptr : &*found;
}

std::vector<Vg> parse_vgs(const std::string &json) try {
    const nlohmann::json report = nlohmann::json::parse(json);
    std::vector<Vg> vgs;

    for (const nlohmann::json &row : report_rows(report, "vg"))
        vgs.push_back(vg_from(row));
    for (const nlohmann::json &row : report_rows(report, "lv")) {
        const auto vg = std::ranges::find(vgs, text_in(row, "vg_name"), &Vg::name);
        if (vg == vgs.end())
            throw Error(operation, text_in(row, "lv_name"),
                        "its volume group is not in the report");
        vg->lvs.push_back(lv_from(row, *vg));
    }
    return vgs;
} catch (const nlohmann::json::exception &error) {
    throw Error(operation, "(JSON)", error.what());
}

std::vector<Vg> read_vgs(LvmApi &lvm, const std::string &vg) {
    Words words{"fullreport", "--reportformat", "json",     "--units",
                "b",          "--nosuffix",     "--binary", "--all"};

    for (const auto &[kind, fields] : reports) {
        words.insert(words.end(), {"--configreport", kind, "--options", fields});
    }
    if (!vg.empty())
        words.push_back(vg);
    return parse_vgs(run_lvm(lvm, "find volume group", vg.empty() ? "(all)" : vg, words));
}

Vg read_vg(LvmApi &lvm, const std::string &name) {
    std::vector<Vg> vgs = read_vgs(lvm, name);

    if (vgs.size() != 1)
        throw Error("find volume group", name, "there is none");
    Vg &vg = vgs.front();
    if (vg.is_shared)
        throw Error("use volume group", name, "it is shared with other machines (lvmlockd)",
                    "esnap works with volume groups of one machine only");
    if (vg.is_exported)
        throw Error("use volume group", name, "it is exported", "run vgimport");
    return std::move(vg);
}

} // namespace esnap
