// SPDX-License-Identifier: GPL-2.0-only
//
// From LVs at rest to a live chain, and back.
#pragma once

#include <functional>
#include <string>

#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

/** Whether it is well now, or something that should be there is not. */
enum class News { mended, missing };

/** What is told while a chain is assembled or settled: sentences for people. */
using Tell = std::function<void(News, const std::string &)>;

/**
 * Makes a chain live: the LVs, esnapshot-org with every store, the images and views. What is
 * live already stays; what a killed command left unfinished is finished or taken back.
 *
 * Tags and stores are compared first; whatever contradicts throws Error that names it, and the
 * origin stays inactive: bare it would lose its snapshots. A volume taken over while in use is
 * stacked from here on.
 */
void assemble(System &system, const std::string &vg, const std::string &origin_uuid,
              const Tell &tell);

/**
 * The reverse: views, images, the origin, its LVs. Throws Error if something is in use; nothing
 * has changed then.
 */
void disassemble(System &system, const Chain &chain);

/**
 * Finishes or takes back what killed commands left unfinished in live chains of a group. To be
 * called, under esnap's lock of the group, by whatever changes it. Returns the group as it is then.
 * @wanted: what is to be changed, or a whole group. Where its chain cannot be settled, Error is
 * thrown; of others it is told.
 */
Vg settle(System &system, const VolumeName &wanted, const Tell &tell);

} // namespace esnap
