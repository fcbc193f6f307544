// SPDX-License-Identifier: GPL-2.0-only
//
// Which areas are watched, so that they grow by themselves: those of the newest snapshot of each
// chain and of every view, unless the volume (esnap lvchange --monitor n) or esnap.conf says no.
//
// Watching is a comfort: that it fails is told, and nothing else fails because of it.
#pragma once

#include <functional>
#include <string>

#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/** Does the volume want to be watched, by its own setting or the configuration's? */
bool wants_watching(const System &system, const Volume &volume);

/** Begins to watch; what keeps it from that is only reported. Nothing to take back. */
dmext::Step watch_step(System &system, const VolumeName &volume, const std::string &device_uuid);

/** Ends watching, if somebody watches; taken back if @wanted. For volumes about to go. */
dmext::Step forget_step(System &system, const Volume &volume, bool wanted);

/**
 * Watches what is live and wants to be, and nothing else of the group: after activation, after
 * what killed commands left was completed. What fails is told to @tell. Returns whether all is as
 * it should be.
 */
bool sync_watching(System &system, const Vg &vg,
                   const std::function<void(const std::string &)> &tell);

/** Ends watching all of a chain, before it is taken down. What fails is told. */
void forget_chain(System &system, const Chain &chain,
                  const std::function<void(const std::string &)> &tell);

} // namespace esnap
