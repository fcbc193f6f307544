// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/segments.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "dm-ext/targets.h"
#include "error.h"
#include "lvm/json_fields.h"

namespace esnap {

namespace {

/** A disk of the group: LVM's extents begin at @data. */
struct Disk {
    std::string number; // major:minor
    dmext::Sectors data = 0;
    dmext::Sectors extent = 0;
};

/* Of a device node; a word that is a number already stays as it is. */
std::string number_of(const std::string &path) {
    struct stat info = {};

    if (dmext::parse_device_number(path))
        return path;
    if (::stat(path.c_str(), &info) != 0)
        throw Error("look at", path, std::generic_category().message(errno));
    if (!S_ISBLK(info.st_mode))
        throw Error("look at", path, "it is no block device");
    return fmt::format("{}:{}", major(info.st_rdev), minor(info.st_rdev));
}

std::map<std::string, Disk> disks_from(const nlohmann::json &report) {
    std::map<std::string, Disk> disks;

    for (const nlohmann::json &row : report_rows(report, "pv")) {
        const std::string name = text_in(row, "pv_name");
        disks[name] = {number_of(name), number_in(row, "pe_start"),
                       number_in(row, "vg_extent_size")};
    }
    return disks;
}

/* "/dev/sda:12-40": the first extent, on its disk. */
dmext::Linear place_of(const std::string &range, const std::map<std::string, Disk> &disks) {
    const std::size_t colon = range.rfind(':');
    const std::size_t dash = range.find('-', colon == std::string::npos ? 0 : colon);
    const auto disk = disks.find(range.substr(0, colon));

    if (colon == std::string::npos || dash == std::string::npos || disk == disks.end())
        throw Error("read LVM's report", range, "it is no range of extents on a disk of the group");
    const std::uint64_t extent =
        to_number("seg_pe_ranges", range.substr(colon + 1, dash - colon - 1));
    return {disk->second.number, disk->second.data + extent * disk->second.extent};
}

dmext::Target line_from(const nlohmann::json &row, const std::map<std::string, Disk> &disks) {
    const std::string type = text_in(row, "segtype");
    std::istringstream ranges(text_in(row, "seg_pe_ranges"));
    dmext::Striped striped{static_cast<std::uint32_t>(number_in(row, "stripe_size")), {}};

    for (std::string range; ranges >> range;)
        striped.stripes.push_back(place_of(range, disks));
    const dmext::Sectors first = number_in(row, "seg_start"), count = number_in(row, "seg_size");
    if (type == "linear" && striped.stripes.size() == 1)
        return dmext::make_target(first, count, striped.stripes.front());
    if (type == "striped")
        return dmext::make_target(first, count, striped);
    throw Error("read LVM's report", text_in(row, "lv_name"),
                fmt::format("it has a segment of type {}", type),
                "only linear and striped volumes can grow while they are taken over in use");
}

Words report_words(const char *command, const char *fields, const std::string &object) {
    return {command,      "--reportformat", "json", "--units", "s",
            "--nosuffix", "--options",      fields, object};
}

} // namespace

dmext::Table table_from_reports(const std::string &segments, const std::string &disks) try {
    const auto places = disks_from(nlohmann::json::parse(disks));
    dmext::Table table;

    for (const nlohmann::json &row : report_rows(nlohmann::json::parse(segments), "lv"))
        table.push_back(line_from(row, places));
    std::ranges::sort(table, {}, &dmext::Target::first);
    return dmext::parse_table(to_string(table)); // without gaps?
} catch (const nlohmann::json::exception &error) {
    throw Error("read LVM's report", "(JSON)", error.what());
}

dmext::Table lvm_table(LvmApi &lvm, const std::string &vg, const std::string &lv) {
    const std::string path = vg + "/" + lv;
    const std::string segments = run_lvm(
        lvm, "look at", path,
        report_words("lvs", "lv_name,segtype,seg_start,seg_size,stripe_size,seg_pe_ranges", path));
    Words words = report_words("pvs", "pv_name,pe_start,vg_extent_size", "--select");

    words.push_back("vg_name=" + vg);
    return table_from_reports(segments, run_lvm(lvm, "look at", vg, words));
}

} // namespace esnap
