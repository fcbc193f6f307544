// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/follow.h"

#include <algorithm>

#include <fmt/format.h>

#include "dm-ext/device.h"
#include "dm-ext/recipes.h"
#include "dm-ext/tree.h"
#include "error.h"

namespace esnap {

namespace {

class Follower {
public:
    Follower(System &system, const dmext::Tree &tree) : system_(system), tree_(tree) {}

    void follow(const Chain &chain) {
        if (chain.is_stacked)
            rename(tree_.by_uuid(chain.device_uuid()), chain.device(), dmext::Visibility::normal);
        else
            follow_live(chain);
        for (const Volume *volume : chain.volumes())
            rename(tree_.by_uuid(volume->device_uuid()), volume->device(),
                   dmext::Visibility::unprobed);
    }

private:
    void rename(const dmext::Node *node, const std::string &name, dmext::Visibility visibility) {
        if (node != nullptr && node->name != name)
            dmext::Device(system_.dm, node->name, visibility).rename(name);
    }

    /* LVM's device for an LV: LVM-, the group's uuid, the LV's, both without dashes. */
    const dmext::Node *lv_device(const Lv &lv) const {
        std::string uuid = lv.uuid;

        std::erase(uuid, '-');
        for (const dmext::Node *node : tree_.by_uuid_prefix("LVM-"))
            if (node->uuid.ends_with(uuid))
                return node;
        return nullptr;
    }

    void follow_live(const Chain &chain) {
        if (const dmext::Node *origin = tree_.by_uuid(chain.device_uuid()))
            throw Error("find", chain.volume_name().text(),
                        fmt::format("its LV was renamed by lvrename while {} stands on it, and its "
                                    "name does not end in {} any more",
                                    origin->name, origin_suffix),
                        fmt::format("lvrename {} {} NAME{}", chain.vg, chain.name, origin_suffix));
        const dmext::Node *device = lv_device(chain.origin);
        if (device == nullptr)
            return;
        rename(tree_.by_uuid(dmext::real_uuid(device->uuid)), dmext::real_name(chain.device()),
               dmext::Visibility::hidden);
        rename(device, chain.device(), dmext::Visibility::normal);
    }

    System &system_;
    const dmext::Tree &tree_;
};

} // namespace

void follow_names(System &system, const std::vector<Chain> &chains) {
    if (chains.empty())
        return;
    const dmext::Tree tree = dmext::Tree::read(system.dm);

    for (const Chain &chain : chains)
        Follower(system, tree).follow(chain);
}

} // namespace esnap
