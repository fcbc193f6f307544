// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/versions.h"

#include <algorithm>

#include <fmt/format.h>

#include "dm-ext/error.h"

namespace dmext {

void require_targets(DmApi &api) {
    const Reply reply = api.run({.op = Op::versions});

    for (const char *type : {"esnapshot-org", "esnapshot", "esnapshot-view"}) {
        const auto found = std::ranges::find(reply.versions, type, &TargetVersion::type);
        if (found == reply.versions.end())
            throw Error("use", "the kernel's device-mapper",
                        fmt::format("it has no target {}", type), "modprobe dm-esnapshot");
        if (found->major != target_major)
            throw Error("use", "the kernel's device-mapper",
                        fmt::format("its target {} has version {}.{}.{}, and this program knows "
                                    "{}.x",
                                    type, found->major, found->minor, found->patch, target_major),
                        "install the kernel module and the program of one release, and restart");
    }
}

} // namespace dmext
