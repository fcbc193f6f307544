// SPDX-License-Identifier: GPL-2.0-only
//
// What commands on live volumes work with, and the steps their plans are made of.
#pragma once

#include <functional>
#include <string>

#include "dm-ext/api.h"
#include "dm-ext/plan.h"
#include "lvm/api.h"
#include "monitor/api.h"
#include "policy/conf.h"
#include "volumes/names.h"

namespace esnap {

/** The outside world. All must outlive the plans made with it. */
struct System {
    LvmApi &lvm;
    dmext::DmApi &dm;
    /** Null: nobody watches areas here. */
    MonitorApi *monitor = nullptr;
    /** What the administrator wants, for commands that ask. */
    policy::Conf conf = {};
};

/**
 * An LVM command as a step; @undo, if not empty, takes it back. @volume and @operation are for
 * errors: "create the store of", "vg/monday". It first waits for udev: LVM may make a device of
 * the name of one that was removed before, and its links must not be taken for the old one's.
 */
dmext::Step lvm_step(System &system, const std::string &operation, const VolumeName &volume,
                     const Words &words, const Words &undo = {});

/** "vg/lv", as LVM's commands take it. */
std::string lvm_path(const std::string &vg, const std::string &lv);

/** Runs "@words LV..." on all of @lvs, a group's LVs by name, as many at a time as LVM takes. */
void run_lvm_on_all(LvmApi &lvm, const std::string &operation, const VolumeName &volume,
                    const Words &words, const Words &lvs);

} // namespace esnap
