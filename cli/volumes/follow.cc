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

constexpr std::size_t lvm_uuid_of_group = 4 + 32; // "LVM-", and a uuid without dashes

class Follower {
public:
    Follower(System &system, const dmext::Tree &tree) : system_(system), tree_(tree) {}

    void follow(const Chain &chain) {
        if (chain.is_stacked)
            rename(own(chain, chain.device_uuid()), chain.device(), dmext::Visibility::normal);
        else
            follow_live(chain);
        for (const Volume *volume : chain.volumes())
            rename(own(chain, volume->device_uuid()), volume->device(),
                   dmext::Visibility::unprobed);
    }

private:
    void rename(const dmext::Node *node, const std::string &name, dmext::Visibility visibility) {
        if (node != nullptr && node->name != name)
            dmext::Device(system_.dm, node->name, visibility).rename(name);
    }

    /*
     * Stores and LVs of a copied group have the uuids of the original's: a device of this uuid
     * counts only if it stands on this group's LVs.
     */
    const dmext::Node *own(const Chain &chain, const std::string &uuid) const {
        const std::string group = chain.origin.device_uuid.substr(0, lvm_uuid_of_group);
        const dmext::Node *node = tree_.by_uuid(uuid);

        if (node == nullptr)
            return nullptr;
        for (const dmext::DeviceNumber number : node->below) {
            const dmext::Node *below = tree_.by_number(number);
            if (below != nullptr && below->uuid.starts_with("LVM-") &&
                !below->uuid.starts_with(group))
                throw Error(
                    "find", chain.volume_name().text(),
                    fmt::format("{} has its uuid and stands on LVs of another group: one of "
                                "them is a copy of the other",
                                node->name),
                    "only one of them can be active on one machine; take that one down first "
                    "(esnap vgchange -an GROUP)");
        }
        return node;
    }

    void follow_live(const Chain &chain) {
        if (const dmext::Node *origin = tree_.by_uuid(chain.device_uuid()))
            throw Error("find", chain.volume_name().text(),
                        fmt::format("its LV was renamed by lvrename while {} stands on it, and its "
                                    "name does not end in {} any more",
                                    origin->name, origin_suffix),
                        fmt::format("lvrename {} {} NAME{}", chain.vg, chain.name, origin_suffix));
        const dmext::Node *device = tree_.by_uuid(chain.origin.device_uuid);
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
