// SPDX-License-Identifier: GPL-2.0-only
#include "stack.h"

#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "block_io.h"
#include "command.h"

namespace rack {

namespace {

using esmodel::Access;
using esmodel::DmDevice;
using esmodel::Table;

Table logged_table(const Layout &layout, const Disks &disks) {
    return {{0, layout.disk_sectors(), "log-writes", disks.data + " " + disks.log}};
}

} // namespace

Stack::Stack(const Layout &layout, const Disks &disks)
    : layout_(layout), logged_("rack-logged", logged_table(layout, disks)),
      origin_("rack-origin", esmodel::linear_table(logged_.number(), {0, layout.origin_sectors})) {}

void Stack::set_slot(std::uint32_t slot, Sector sectors) {
    const Region region = layout_.slot(slot, sectors);
    const Table table = esmodel::linear_table(logged_.number(), {region.first, region.sectors});
    auto &device = slots_[slot];
    if (!device) {
        device.emplace(fmt::format("rack-slot{}", slot), table);
        return;
    }
    device->load(table);
    device->suspend();
    device->resume();
}

Table Stack::org_table(const std::vector<std::uint32_t> &stores) const {
    const bool journal = use_journal_ && !stores.empty();
    std::string line =
        fmt::format("{} {} {} {}", origin_.number(), layout_.chunk_sectors,
                    journal ? slot(layout_.journal_slot()).number() : "-", stores.size());
    for (const std::uint32_t store : stores)
        line += " " + slot(store).number();
    return {{0, layout_.origin_sectors, "esnapshot-org", line}};
}

void Stack::attach(const std::vector<std::uint32_t> &stores) {
    org_.emplace("rack-org", org_table(stores));
}

void Stack::change(const std::vector<std::uint32_t> &stores) const {
    org_->load(org_table(stores));
    org_->suspend();
    org_->resume();
}

std::string Stack::state() const {
    const std::string status = org_->status().at(0).params;
    return status.substr(0, status.find(' '));
}

DmDevice Stack::make_image(std::uint32_t number) const {
    return DmDevice(fmt::format("rack-image{}", number),
                    {{0, layout_.origin_sectors, "esnapshot", slot(number).number()}},
                    Access::read_only);
}

DmDevice Stack::make_view(std::uint32_t number, std::uint32_t base) const {
    return DmDevice(
        fmt::format("rack-view{}", number),
        {{0, layout_.origin_sectors, "esnapshot-view",
          fmt::format("{} {} {}", slot(number).number(), origin_.number(), slot(base).number())}});
}

void run_esnap(const std::vector<std::string> &words) {
    std::ostringstream text;
    if (esnap::run_command_line(words, text, text) != 0)
        throw std::runtime_error(fmt::format("esnap {}: {}", fmt::join(words, " "), text.str()));
}

} // namespace rack
