// SPDX-License-Identifier: GPL-2.0-only
//
// What the kernel has of a chain at this moment.
#pragma once

#include <optional>
#include <string>

#include "dm-ext/targets.h"
#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/** The origin's esnapshot-org, if the chain is assembled. */
std::optional<dmext::EsnapshotOrg> live_org(System &system, const Chain &chain);
/** The same; throws Error naming @operation if it is not. */
dmext::EsnapshotOrg require_live_org(System &system, const std::string &operation,
                                     const Chain &chain);

/** What the configuration says of an area that is full, for a table that is to be loaded. */
void set_full_policy(dmext::EsnapshotOrg &org, const policy::Conf &conf);

/** Is the chain's newest store full, so that writes to the origin wait? */
bool has_waiting_writes(System &system, const Chain &chain);

/** Does the device exist, with a table? */
bool is_live(System &system, const std::string &device);
/** The same; what has only taken its name (an LV of LVM's) is not it. */
bool is_live(System &system, const Volume &volume);
/** How often the device is opened; 0 if it does not exist. */
int open_count(System &system, const std::string &device);
/** Whether somebody has it open for longer than a scan of LVM or udev: looks for two seconds. */
bool stays_open(System &system, const std::string &device);

/** Is the snapshot's store in the live table? */
bool is_in_table(System &system, const dmext::EsnapshotOrg &org, const Volume &snapshot);

/** Throws Error unless esnap runs as root and the kernel module is there, loading it if not, and is
 * of the release that esnap knows. */
void require_kernel(dmext::DmApi &dm);

} // namespace esnap
