// SPDX-License-Identifier: GPL-2.0-only
#include "support/fake_dm.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "dm-ext/error.h"
#include "dm-ext/targets.h"

namespace dmext::test {

namespace {

constexpr std::uint32_t dm_major = 253;
constexpr const char *immutable_type = "esnapshot-org";

bool is_immutable(const Table &table) {
    return !table.empty() && table.front().type == immutable_type;
}

class FakeEvents : public EventSource {
public:
    explicit FakeEvents(FakeDm &dm) : dm_(dm) {}

    void arm() override { armed_ = dm_.total_events(); }

    Wake wait(std::chrono::milliseconds) override {
        if (!interrupted_ && dm_.total_events() == armed_ && dm_.while_waiting)
            dm_.while_waiting(*this);
        if (interrupted_) {
            interrupted_ = false;
            return Wake::interrupted;
        }
        return dm_.total_events() == armed_ ? Wake::timeout : Wake::event;
    }

    void interrupt() override { interrupted_ = true; }

private:
    FakeDm &dm_;
    std::uint32_t armed_ = 0;
    bool interrupted_ = false;
};

} // namespace

// --- the world ---

void FakeDm::add(const DeviceSpec &spec) {
    FakeDevice device;

    device.uuid = spec.uuid;
    device.number = {dm_major, next_minor_++};
    device.live = spec.table;
    device.access = spec.access;
    device.visibility = spec.visibility;
    devices_[spec.name] = device;
}

std::string FakeDm::number_of(const std::string &name) const {
    return to_string(devices_.at(name).number);
}

std::set<std::string> FakeDm::suspended() const {
    std::set<std::string> names;

    for (const auto &[name, device] : devices_)
        if (device.suspended)
            names.insert(name);
    return names;
}

std::string FakeDm::named(const Table &table) const {
    std::istringstream words(to_string(table));
    std::string text;
    std::string word;

    while (words >> word) {
        for (const auto &[name, device] : devices_)
            if (word == to_string(device.number))
                word = name;
        text += " " + word;
    }
    return text;
}

std::string FakeDm::picture() const {
    std::string text;

    for (const auto &[name, device] : devices_) {
        text += name + " uuid=" + device.uuid;
        text += device.access == Access::read_only ? " ro" : " rw";
        text += device.suspended ? " SUSPENDED" : "";
        text += device.live ? named(*device.live) : " no table";
        text += device.inactive ? " INACTIVE" + named(device.inactive->table) : "";
        text += " users=" + std::to_string(device.users);
        text += " visibility=" + std::to_string(static_cast<int>(device.visibility)) + "\n";
    }
    return text;
}

std::uint32_t FakeDm::total_events() const {
    std::uint32_t sum = 0;

    for (const auto &[name, device] : devices_)
        sum += device.events;
    return sum;
}

std::vector<std::string> FakeDm::mistakes() const {
    std::vector<std::string> all = mistakes_;

    if (!cookies_.empty())
        all.emplace_back("a udev cookie was not waited for");
    return all;
}

void FakeDm::fail_call(std::size_t number, int error) {
    const std::size_t wanted = calls_ + number;

    before_call = [=](const Request &, std::size_t call) { return call == wanted ? error : 0; };
}

void FakeDm::fail_from_call(std::size_t number, int error) {
    const std::size_t wanted = calls_ + number;

    before_call = [=](const Request &, std::size_t call) { return call >= wanted ? error : 0; };
}

// --- DmApi ---

Reply FakeDm::run(const Request &request) {
    calls_++;
    record_.push_back(std::string(to_string(request.op)) +
                      (request.name.empty() ? "" : " " + request.name));
    if (const int error = before_call ? before_call(request, calls_) : 0)
        fail(request, error);
    switch (request.op) {
    case Op::create:
        create(request);
        return {};
    case Op::load:
        load(request);
        return {};
    case Op::clear:
        find(request).inactive.reset();
        return {};
    case Op::suspend:
        suspend(request);
        return {};
    case Op::resume:
        resume(request);
        return {};
    case Op::remove:
        remove(request);
        return {};
    case Op::rename:
        rename(request);
        return {};
    default:
        return query(request);
    }
}

void FakeDm::wait_for_udev(UdevCookie &cookie) {
    if (cookie.value != 0 && !suspended().empty())
        mistakes_.push_back("waits for udev while " + *suspended().begin() + " is suspended");
    cookies_.erase(cookie.value);
    cookie.value = 0;
}

std::unique_ptr<EventSource> FakeDm::open_events() {
    return std::make_unique<FakeEvents>(*this);
}

void FakeDm::fail(const Request &request, int error) const {
    throw Error(to_string(request.op), request.name.empty() ? "devices" : request.name,
                std::strerror(error), "", error);
}

FakeDm::FakeDevice &FakeDm::find(const Request &request) {
    const auto found = devices_.find(request.name);

    if (found == devices_.end())
        fail(request, ENXIO);
    return found->second;
}

void FakeDm::create(const Request &request) {
    FakeDevice device;

    for (const auto &[name, other] : devices_)
        if (name == request.name || (!request.uuid.empty() && other.uuid == request.uuid))
            fail(request, EBUSY);
    device.uuid = request.uuid;
    device.number = {dm_major, next_minor_++};
    device.visibility = request.visibility;
    devices_[request.name] = device;
}

void FakeDm::load(const Request &request) {
    FakeDevice &device = find(request);

    for (const Target &target : request.table)
        parse_target(target);
    for (const DeviceNumber number : deps_of(request.table)) {
        const bool is_known = std::any_of(devices_.begin(), devices_.end(),
                                          [&](const auto &d) { return d.second.number == number; });
        if (number.major == dm_major && (!is_known || number == device.number))
            fail(request, ENXIO);
    }
    if (device.live && is_immutable(*device.live) && !is_immutable(request.table) &&
        request.table.front().type != "error")
        fail(request, EINVAL);
    device.inactive = Loaded{request.table, request.access};
}

void FakeDm::suspend(const Request &request) {
    FakeDevice &device = find(request);

    if (device.suspended)
        mistakes_.push_back(request.name + " is suspended twice");
    device.suspended = true;
    device.frozen = request.mode.freeze;
}

void FakeDm::resume(const Request &request) {
    FakeDevice &device = find(request);

    if (device.inactive) {
        /* As the kernel does it: suspend, swap, and only then ask the targets. */
        device.frozen = device.suspended ? device.frozen : request.mode.freeze;
        device.suspended = true;
        device.live = device.inactive->table;
        device.access = device.inactive->access;
        device.inactive.reset();
    }
    if (!device.live)
        fail(request, EINVAL);
    if (device.suspended && fails_to_resume && fails_to_resume(*device.live))
        fail(request, EINVAL);
    device.suspended = false;
    device.visibility = request.visibility;
    use_cookie(request);
}

void FakeDm::remove(const Request &request) {
    if (open_count(find(request)) > 0)
        fail(request, EBUSY);
    devices_.erase(request.name);
    use_cookie(request);
}

void FakeDm::rename(const Request &request) {
    FakeDevice device = find(request);

    if (devices_.contains(request.new_name))
        fail(request, EBUSY);
    devices_.erase(request.name);
    devices_[request.new_name] = device;
    use_cookie(request);
}

void FakeDm::use_cookie(const Request &request) {
    if (request.cookie == nullptr) {
        if (!suspended().empty())
            mistakes_.push_back("waits for udev while " + *suspended().begin() + " is suspended");
        return;
    }
    if (request.cookie->value == 0) {
        request.cookie->value = next_cookie_++;
        cookies_.insert(request.cookie->value);
    }
}

Reply FakeDm::query(const Request &request) {
    Reply reply;

    if (request.op == Op::list) {
        for (const auto &[name, device] : devices_)
            reply.devices.push_back({name, device.number});
        return reply;
    }
    if (request.op == Op::versions) {
        reply.versions = versions;
        return reply;
    }
    std::string name = request.name;
    if (name.empty() && !request.uuid.empty())
        for (const auto &[candidate, device] : devices_)
            if (device.uuid == request.uuid)
                name = candidate;
    reply.info = info_of(name);
    if (request.op == Op::info || request.op == Op::mknodes)
        return reply;
    FakeDevice &device = find(request);
    Table table = device.live.value_or(Table{});
    if (request.slot == Slot::inactive)
        table = device.inactive ? device.inactive->table : Table{};
    if (request.op == Op::table)
        reply.targets = table;
    if (request.op == Op::status)
        reply.targets = status_of(request.name, table);
    if (request.op == Op::deps)
        for (const DeviceNumber number : deps_of(table))
            reply.deps.push_back(number);
    return reply;
}

/* Only our own targets have one here. */
Table FakeDm::status_of(const std::string &name, const Table &live) const {
    Table status = live;

    for (Target &target : status) {
        target.params.clear();
        if (target.type == immutable_type)
            target.params =
                (state_of ? state_of(live) : "ok") + " 128 1 0/32 0 " +
                (only_target<EsnapshotOrg>(live, name).journal.empty() ? "- -"
                                                                       : "8/2048 " + journal_state);
        if (target.type == "esnapshot" || target.type == "esnapshot-view")
            target.params =
                status_of_area.contains(name) ? status_of_area.at(name) : "256/1024 8 ok";
    }
    return status;
}

Info FakeDm::info_of(const std::string &name) const {
    Info info;
    const auto found = devices_.find(name);

    if (found == devices_.end())
        return info;
    const FakeDevice &device = found->second;
    info.exists = true;
    info.suspended = device.suspended;
    info.has_live_table = device.live.has_value();
    info.has_inactive_table = device.inactive.has_value();
    info.is_read_only = device.access == Access::read_only;
    info.open_count = open_count(device);
    info.event_number = device.events;
    info.number = device.number;
    info.name = name;
    info.uuid = device.uuid;
    return info;
}

int FakeDm::open_count(const FakeDevice &device) const {
    int count = device.users;

    for (const auto &[name, other] : devices_) {
        count += other.live && deps_of(*other.live).contains(device.number) ? 1 : 0;
        count += other.inactive && deps_of(other.inactive->table).contains(device.number) ? 1 : 0;
    }
    return count;
}

std::set<DeviceNumber> FakeDm::deps_of(const Table &table) const {
    std::set<DeviceNumber> numbers;
    std::istringstream words(to_string(table));
    std::string word;

    while (words >> word)
        if (const auto number = parse_device_number(word))
            numbers.insert(*number);
    return numbers;
}

} // namespace dmext::test
