// SPDX-License-Identifier: GPL-2.0-only
//
// Plans that make a snapshot or a view. Making one changes nothing.
//
// The store is tagged esnap.pending until the volume is complete. Killed in between, the next
// command (settle.h) finishes it if the switch has happened, and takes it back if not:
//
//   snapshot of a volume in use, its first      else
//   1. create and tag the store                 1. create and tag the store
//   2. format it                                2. format it
//   3. tag the origin: never activated alone    3. switch the origin's table (final)
//   4. switch the origin's table (final)        4. make the image
//   5. make the image                           5. not pending any more
//   6. not pending any more
//
// The first snapshot of a volume that is not in use: its LV is deactivated, tagged and renamed,
// and esnapshot-org is made on top of it in the place of 3 and 4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "volumes/chain.h"
#include "volumes/system.h"

namespace esnap {

struct NewVolume {
    std::string name;
    /** LVM's own option and value for the store's size: {"-L", "1073741824b"}. */
    Words size;
    std::optional<std::uint64_t> chunk_bytes = {};
};

/** A snapshot of the volume @origin, an LV or the origin of a chain. Throws Error. */
dmext::Plan create_snapshot(System &system, const Vg &vg, const std::string &origin,
                            const NewVolume &wanted);

/** A view of a snapshot of @found. Throws Error. */
dmext::Plan create_view(System &system, const Vg &vg, const Found &found, const NewVolume &wanted);

} // namespace esnap
