// SPDX-License-Identifier: GPL-2.0-only
#include "commands.h"

namespace rack {

std::vector<Point> wanted_points(const Options &options, const Run &run) {
    if (options.point >= 0)
        return {{static_cast<std::size_t>(options.point), options.variant}};
    return run.choose(options.points, options.seed ^ run.layout().salt);
}

} // namespace rack
