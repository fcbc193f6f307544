// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/tree.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "dm-ext/device.h"
#include "dm-ext/error.h"

namespace dmext {

namespace {

/* Nothing if the device went away since it was listed. */
std::optional<Node> read_node(DmApi &api, const std::string &name) {
    const Device device(api, name);
    const Info info = device.info();
    Node node;

    if (!info.exists)
        return std::nullopt;
    node = {name, info.uuid, info.number, info.open_count, {}};
    try {
        for (const Slot slot : {Slot::live, Slot::inactive}) {
            if (slot == Slot::live ? !info.has_live_table : !info.has_inactive_table)
                continue;
            const std::vector<DeviceNumber> deps = device.deps(slot);
            node.below.insert(deps.begin(), deps.end());
        }
    } catch (const Error &e) {
        if (e.code() != ENXIO)
            throw;
        return std::nullopt;
    }
    return node;
}

/* Visits users before what they stand on; finds cycles by the nodes it is still inside of. */
class UsersFirst {
public:
    UsersFirst(const Tree &tree, const std::set<std::string> &names) : tree_(tree), names_(names) {}

    std::vector<const Node *> order() {
        for (const std::string &name : names_)
            visit(*tree_.by_name(name));
        return order_;
    }

private:
    void visit(const Node &node) {
        if (done_.contains(node.number))
            return;
        if (!inside_.insert(node.number).second)
            throw Error("order devices around", node.name, "they stand on each other in a circle",
                        "dmsetup deps shows how");
        /* Through devices that are not wanted as well: they carry the order. */
        for (const Node *user : tree_.users(node))
            visit(*user);
        inside_.erase(node.number);
        done_.insert(node.number);
        if (names_.contains(node.name))
            order_.push_back(&node);
    }

    const Tree &tree_;
    const std::set<std::string> &names_;
    std::set<DeviceNumber> inside_;
    std::set<DeviceNumber> done_;
    std::vector<const Node *> order_;
};

void collect_users(const Tree &tree, const Node &node, std::set<const Node *> &found) {
    for (const Node *user : tree.users(node))
        if (found.insert(user).second)
            collect_users(tree, *user, found);
}

} // namespace

Tree Tree::read(DmApi &api) {
    std::vector<Node> nodes;
    Request list;

    list.op = Op::list;
    for (const ListedDevice &device : api.run(list).devices)
        if (auto node = read_node(api, device.name))
            nodes.push_back(std::move(*node));
    return Tree(std::move(nodes));
}

Tree::Tree(std::vector<Node> nodes) : nodes_(std::move(nodes)) {
    std::sort(nodes_.begin(), nodes_.end(),
              [](const Node &a, const Node &b) { return a.name < b.name; });
    for (std::size_t i = 0; i < nodes_.size(); i++)
        by_number_[nodes_[i].number] = i;
}

const Node *Tree::by_name(std::string_view name) const {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                    [&](const Node &node) { return node.name == name; });

    return found == nodes_.end() ? nullptr : &*found;
}

const Node *Tree::by_number(DeviceNumber number) const {
    const auto found = by_number_.find(number);

    return found == by_number_.end() ? nullptr : &nodes_[found->second];
}

const Node *Tree::by_uuid(std::string_view uuid) const {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                    [&](const Node &node) { return node.uuid == uuid; });

    return uuid.empty() || found == nodes_.end() ? nullptr : &*found;
}

std::vector<const Node *> Tree::by_uuid_prefix(std::string_view prefix) const {
    std::vector<const Node *> found;

    for (const Node &node : nodes_)
        if (node.uuid.starts_with(prefix))
            found.push_back(&node);
    return found;
}

std::vector<const Node *> Tree::users(const Node &node) const {
    std::vector<const Node *> found;

    for (const Node &other : nodes_)
        if (other.below.contains(node.number))
            found.push_back(&other);
    return found;
}

std::vector<const Node *> Tree::all_users(const Node &node) const {
    std::set<const Node *> found;
    std::vector<const Node *> sorted;

    collect_users(*this, node, found);
    for (const Node &other : nodes_)
        if (found.contains(&other) && other.number != node.number)
            sorted.push_back(&other);
    return sorted;
}

std::vector<const Node *> Tree::takedown_order(const std::set<std::string> &names) const {
    for (const std::string &name : names)
        if (by_name(name) == nullptr)
            throw Error("order devices around", name, "there is no such device", "", ENXIO);
    return UsersFirst(*this, names).order();
}

std::vector<const Node *> Tree::bringup_order(const std::set<std::string> &names) const {
    std::vector<const Node *> order = takedown_order(names);

    std::reverse(order.begin(), order.end());
    return order;
}

} // namespace dmext
