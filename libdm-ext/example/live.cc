// SPDX-License-Identifier: GPL-2.0-only
//
// Snapshots of a volume that is in use, with nothing but this library. Stores are formatted
// beforehand (esnap format); docs/libdm-ext.md walks through it.
//
//   dmext-live [-n] insert DEVICE CHUNK_SECTORS [STORE]   esnapshot-org under DEVICE
//   dmext-live [-n] add DEVICE STORE                      a snapshot of now
//   dmext-live [-n] image NAME DEVICE STORE               shows it, read-only
//   dmext-live [-n] drop DEVICE [IMAGE]...                the oldest snapshot, and what shows it
//   dmext-live [-n] remove DEVICE...                      users first, whatever the order
//   dmext-live [-n] out DEVICE                            esnapshot-org out again
//   dmext-live status DEVICE
//   dmext-live wait DEVICE SECONDS                        for the device's next event
//
// -n lists what would be done. DEVICE and IMAGE are device-mapper names.

#include <charconv>
#include <iostream>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "dm-ext/events.h"
#include "dm-ext/libdm.h"
#include "dm-ext/recipes.h"
#include "dm-ext/status.h"

namespace {

using Words = std::vector<std::string>;

unsigned number_of(const std::string &word) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);

    if (error != std::errc{} || end != word.data() + word.size())
        throw std::invalid_argument("'" + word + "' is not a number");
    return value;
}

dmext::Plan plan_for(dmext::DmApi &api, const std::string &command, const Words &w) {
    using namespace dmext;

    if (command == "insert" && (w.size() == 2 || w.size() == 3)) {
        EsnapshotOrg org;
        org.chunk_sectors = number_of(w[1]);
        org.stores.assign(w.begin() + 2, w.end());
        return insert_origin(api, {w[0], org});
    }
    if (command == "add" && w.size() == 2)
        return add_newest_store(api, w[0], w[1]);
    if (command == "image" && w.size() == 3) {
        const Sectors sectors = size_of(Device(api, w[1]).table());
        return create_image(w[0], "ESNAP-" + w[0], sectors, {.store = w[2]});
    }
    if (command == "drop" && !w.empty())
        return drop_oldest_store(api, w[0], {w.begin() + 1, w.end()});
    if (command == "remove" && !w.empty())
        return take_down(api, {w.begin(), w.end()});
    if (command == "out" && w.size() == 1)
        return take_out_origin(api, w[0]);
    throw std::invalid_argument("wrong command line; the head of the source has the commands");
}

void run_plan(dmext::DmApi &api, bool is_dry_run, const std::string &command, const Words &words) {
    const dmext::Plan plan = plan_for(api, command, words);

    if (plan.size() == 0)
        std::cout << "nothing can be done while the device is in use\n";
    for (const std::string &line : plan.listing())
        std::cout << line << '\n';
    if (!is_dry_run)
        plan.run(api);
}

void print_status(const dmext::Device &device) {
    const dmext::Target line = device.status().at(0);

    if (line.type == "esnapshot-org") {
        const dmext::OrgStatus status = dmext::parse_org_status(line);
        std::cout << to_string(status.state) << ", " << status.stores << " stores\n";
    } else {
        const dmext::AreaStatus status = dmext::parse_area_status(line);
        std::cout << to_string(status.state) << ", " << status.percent_used() << " % used\n";
    }
}

int wait_for_event(const dmext::Device &device, unsigned seconds) {
    dmext::EventWaiter waiter(device);
    const auto number = waiter.wait(std::chrono::seconds(seconds));

    std::cout << (number ? "event " + std::to_string(*number) : "no event") << '\n';
    return number ? 0 : 1;
}

int run(Words words) {
    dmext::LibDm api;
    const bool is_dry_run = !words.empty() && words.front() == "-n";

    if (is_dry_run)
        words.erase(words.begin());
    if (words.empty())
        throw std::invalid_argument("no command");
    const std::string command = words.front();
    words.erase(words.begin());
    if (command == "status" && words.size() == 1)
        print_status({api, words[0]});
    else if (command == "wait" && words.size() == 2)
        return wait_for_event({api, words[0]}, number_of(words[1]));
    else
        run_plan(api, is_dry_run, command, words);
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    try {
        const std::span arguments(argv, static_cast<std::size_t>(argc));

        return run(Words(arguments.begin() + 1, arguments.end()));
    } catch (const std::exception &e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
