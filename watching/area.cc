// SPDX-License-Identifier: GPL-2.0-only
#include "watching/area.h"

#include "watching/runner.h"

namespace esnap {

namespace {

using namespace std::chrono_literals;
using policy::Reading;

/* An extension that takes longer waits for something that it will not get. */
constexpr auto extension_limit = 120s;

Reading::State state_of(dmext::AreaState state) {
    switch (state) {
    case dmext::AreaState::ok:
        return Reading::State::ok;
    case dmext::AreaState::low:
        return Reading::State::low;
    case dmext::AreaState::full:
        return Reading::State::full;
    case dmext::AreaState::invalid:
    case dmext::AreaState::failed:
        break;
    }
    return Reading::State::lost;
}

} // namespace

std::optional<WatchedWorld::Sample> sample_of(const std::string &device,
                                              const dmext::Target &line) {
    const std::string volume = policy::volume_of_device(device);

    if (volume.empty() || (line.type != "esnapshot" && line.type != "esnapshot-view"))
        return {};
    const dmext::AreaStatus status = dmext::parse_area_status(line);
    return WatchedWorld::Sample{volume, {state_of(status.state), status.used, status.total}};
}

WatchedWorld::Outcome extend_area(const std::string &program, const std::string &volume) {
    const RunResult result =
        run_program({program, "lvextend", "--use-policies", volume},
                    {"LVM_RUN_BY_DMEVENTD=1", "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
                    extension_limit);

    return {result.code == 0, result.output};
}

} // namespace esnap
