// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/device.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <string_view>

#include <fmt/format.h>

#include "dm-ext/error.h"

namespace dmext {

namespace {

constexpr std::size_t max_name_bytes = 127;
constexpr std::size_t max_uuid_bytes = 128;
constexpr int remove_tries = 100;
constexpr auto remove_pause = std::chrono::milliseconds(50);

/* Others would have to be written as \xNN in /dev, and every program does that differently. */
bool is_plain(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("#+-.:=@_").find(c) != std::string_view::npos;
}

void check_word(const char *operation, const std::string &word, const char *what,
                std::size_t max_bytes) {
    if (word.size() > max_bytes)
        throw Error(
            operation, word,
            fmt::format("the {} has {} characters, {} is the limit", what, word.size(), max_bytes));
    if (!std::all_of(word.begin(), word.end(), is_plain))
        throw Error(
            operation, word,
            fmt::format("the {} has other characters than letters, digits and #+-.:=@_", what));
    if (word == "." || word == "..")
        throw Error(operation, word, "no device can have this name");
}

void check_name(const char *operation, const std::string &name) {
    if (name.empty())
        throw Error(operation, "a device", "the name is empty");
    check_word(operation, name, "name", max_name_bytes);
}

/* Leaves no trace of a device that did not become complete. */
void abandon(const Device &device, UdevScope *udev) {
    try {
        device.remove(udev);
    } catch (const std::exception &e) {
        device.api().report(
            fmt::format("{} was not completed and is left over: {}", device.name(), e.what()));
    }
}

} // namespace

Device::Device(DmApi &api, std::string name, Visibility visibility)
    : api_(&api), name_(std::move(name)), visibility_(visibility) {}

Device Device::create(DmApi &api, const DeviceSpec &spec, UdevScope *udev) {
    Device device(api, spec.name, spec.visibility);

    check_name("create", spec.name);
    check_word("create", spec.uuid, "uuid", max_uuid_bytes);
    Request request = device.request(Op::create);
    request.uuid = spec.uuid;
    api.run(request);
    try {
        device.load(spec.table, spec.access);
        device.resume(udev);
    } catch (...) {
        abandon(device, udev);
        throw;
    }
    return device;
}

Request Device::request(Op op) const {
    Request request;

    request.op = op;
    request.name = name_;
    request.visibility = visibility_;
    return request;
}

Request Device::udev_request(Op op, UdevScope *udev) const {
    Request r = request(op);

    r.cookie = udev != nullptr ? &udev->cookie() : nullptr;
    return r;
}

std::optional<std::string> Device::name_of(DmApi &api, const std::string &uuid) {
    Request r;

    r.uuid = uuid;
    const Info found = api.run(r).info;
    if (!found.exists)
        return std::nullopt;
    return found.name;
}

Info Device::info() const {
    Request r = request(Op::info);

    r.wants_open_count = true;
    return api_->run(r).info;
}

Info Device::existing() const {
    Info found = info();

    if (!found.exists)
        throw Error(to_string(Op::info), name_, "there is no such device", "", ENXIO);
    return found;
}

Table Device::table(Slot slot) const {
    Request r = request(Op::table);

    r.slot = slot;
    return api_->run(r).targets;
}

Table Device::status() const {
    return api_->run(request(Op::status)).targets;
}

std::vector<DeviceNumber> Device::deps(Slot slot) const {
    Request r = request(Op::deps);

    r.slot = slot;
    return api_->run(r).deps;
}

DeviceSpec Device::spec() const {
    const Info found = existing();

    return {name_, found.uuid, table(), found.is_read_only ? Access::read_only : Access::read_write,
            visibility_};
}

void Device::load(const Table &table, Access access) const {
    Request r = request(Op::load);

    if (table.empty())
        throw Error(to_string(Op::load), name_, "the table is empty");
    r.table = table;
    r.access = access;
    api_->run(r);
}

void Device::clear() const {
    api_->run(request(Op::clear));
}

void Device::suspend(SuspendMode mode) const {
    Request r = request(Op::suspend);

    r.mode = mode;
    api_->run(r);
}

void Device::resume(UdevScope *udev) const {
    api_->run(udev_request(Op::resume, udev));
}

void Device::swap_table(SuspendMode mode, UdevScope *udev) const {
    Request r = udev_request(Op::resume, udev);

    r.mode = mode;
    api_->run(r);
}

void Device::remove(UdevScope *udev) const {
    for (int tries = 1;; tries++) {
        try {
            api_->run(udev_request(Op::remove, udev));
            return;
        } catch (const Error &e) {
            if (e.code() != EBUSY || tries == remove_tries)
                throw;
        }
        api_->pause(remove_pause);
    }
}

void Device::rename(const std::string &new_name, UdevScope *udev) {
    Request r = udev_request(Op::rename, udev);

    check_name("rename", new_name);
    r.new_name = new_name;
    api_->run(r);
    name_ = new_name;
}

std::string Device::message(const std::string &text, Sectors sector) const {
    Request r = request(Op::message);

    r.message = text;
    r.sector = sector;
    return api_->run(r).answer;
}

} // namespace dmext
