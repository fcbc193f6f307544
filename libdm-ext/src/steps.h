// SPDX-License-Identifier: GPL-2.0-only
//
// The steps that recipes are made of.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dm-ext/device.h"
#include "dm-ext/plan.h"

namespace dmext {

/** For a change that the data on the volume has nothing to do with, as growth: writes that wait for
 * room in a snapshot's area need not get it before. */
inline constexpr SuspendMode at_once{.flush = false, .freeze = false};

/** Old to new numbers of devices that were removed and came back; shared by a plan's steps. */
using Renumbering = std::map<DeviceNumber, DeviceNumber>;
using SharedRenumbering = std::shared_ptr<Renumbering>;

/** @table with every word that is an old number replaced. */
Table renumbered(Table table, const Renumbering &numbers);

/** Undo: removes it. */
Step create_step(const DeviceSpec &spec);

/**
 * @spec: what the device is now. Undo: makes it again, with numbers in its table corrected.
 */
Step remove_step(DmApi &api, const DeviceSpec &spec, const SharedRenumbering &numbers);

/** Throws Error if a command is at work on the device: it is suspended or has two tables. */
Info require_idle(const Device &device);

/** Throws Error if the device's table is no longer @wanted. */
void require_table(const Device &device, const Table &wanted);

/**
 * Makes the inactive table live, usually with the file system frozen. If targets of the new table
 * fail to resume, which leaves the device suspended, the first of @fallbacks that works is loaded
 * and resumed instead: production goes on. Throws Error in any case of failure, and says how the
 * device is left.
 */
void swap_or_go_back(const Device &device, const std::vector<Table> &fallbacks, Access access,
                     UdevScope &udev, SuspendMode mode = {});

/**
 * To be called after a switch to a table with a new store. A store that cannot be brought into
 * use makes no switch fail: the kernel goes on without it and says so in the status. Then
 * @previous, which names what is in use, is put back, and Error thrown.
 */
void require_store_in_use(const Device &device, const Table &previous, Access access,
                          UdevScope &udev);

/** The same for a journal that was added: is it in use? */
void require_journal_in_use(const Device &device, const Table &previous, Access access,
                            UdevScope &udev);

} // namespace dmext
