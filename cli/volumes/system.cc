// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/system.h"

#include <algorithm>

#include <fmt/format.h>

namespace esnap {

namespace {

/* The library takes 64 words. */
constexpr std::size_t lvs_at_once = 50;

} // namespace

dmext::Step lvm_step(System &system, const std::string &operation, const VolumeName &volume,
                     const Words &words, const Words &undo) {
    dmext::Step step;
    LvmApi *lvm = &system.lvm;

    step.what = fmt::format("{} {}", operation, volume.text());
    step.run = [=](dmext::PlanContext &c) {
        c.udev.wait();
        run_lvm(*lvm, operation, volume.text(), words);
    };
    if (!undo.empty())
        step.undo = [=](dmext::PlanContext &c) {
            c.udev.wait();
            run_lvm(*lvm, "take back: " + operation, volume.text(), undo);
        };
    return step;
}

std::string lvm_path(const std::string &vg, const std::string &lv) {
    return vg + "/" + lv;
}

void run_lvm_on_all(LvmApi &lvm, const std::string &operation, const VolumeName &volume,
                    const Words &words, const Words &lvs) {
    for (std::size_t at = 0; at < lvs.size(); at += lvs_at_once) {
        Words command = words;
        for (std::size_t i = at; i < std::min(at + lvs_at_once, lvs.size()); i++)
            command.push_back(lvm_path(volume.vg, lvs[i]));
        run_lvm(lvm, operation, volume.text(), command);
    }
}

} // namespace esnap
