// SPDX-License-Identifier: GPL-2.0-only
//
// Who stands on whom: all device-mapper devices as a graph.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dm-ext/api.h"

namespace dmext {

struct Node {
    std::string name;
    std::string uuid;
    DeviceNumber number;
    std::int32_t open_count = 0;
    std::set<DeviceNumber> below; /**< what its live and inactive tables use; also not dm */
};

/**
 * A picture of the moment it was read; devices that came or went meanwhile may be missing.
 * Every walk ends, also over a graph with a cycle (which the kernel does not prevent).
 */
class Tree {
public:
    /** Reads all devices: some tasks for each. Throws Error. */
    static Tree read(DmApi &api);
    explicit Tree(std::vector<Node> nodes);

    /** Sorted by name. */
    const std::vector<Node> &nodes() const { return nodes_; }
    /** Null if there is none. Owned by the tree. */
    const Node *by_name(std::string_view name) const;
    const Node *by_number(DeviceNumber number) const;
    /** Null if there is none; an empty uuid is nobody's. */
    const Node *by_uuid(std::string_view uuid) const;
    /** Sorted by name. */
    std::vector<const Node *> by_uuid_prefix(std::string_view prefix) const;

    /** Direct users of @node, sorted by name. */
    std::vector<const Node *> users(const Node &node) const;
    /** Direct and indirect users, without @node itself, sorted by name. */
    std::vector<const Node *> all_users(const Node &node) const;

    /** Of @names: each before whatever it stands on. Throws Error for unknown names and cycles. */
    std::vector<const Node *> takedown_order(const std::set<std::string> &names) const;
    /** The reverse. */
    std::vector<const Node *> bringup_order(const std::set<std::string> &names) const;

private:
    std::vector<Node> nodes_;
    std::map<DeviceNumber, std::size_t> by_number_; /**< positions in nodes_ */
};

} // namespace dmext
