// SPDX-License-Identifier: GPL-2.0-only
//
// dmext-snapshot DEVICE STORE: a snapshot of a volume in use, into a formatted store.

#include <iostream>

#include <dm-ext/libdm.h>
#include <dm-ext/recipes.h>

int main(int argc, char **argv) {
    if (argc != 3)
        return 3;
    try {
        dmext::LibDm api;
        const std::string device = argv[1];
        const std::string store = argv[2];
        const bool has_chain = dmext::Device(api, device).table().at(0).type == "esnapshot-org";
        const dmext::Plan plan =
            has_chain
                ? dmext::add_newest_store(api, device, store)
                : dmext::insert_origin(api, {device, {.chunk_sectors = 128, .stores = {store}}});

        for (const std::string &line : plan.listing())
            std::cout << line << '\n';
        plan.run(api);
    } catch (const std::exception &e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
