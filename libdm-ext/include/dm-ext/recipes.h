// SPDX-License-Identifier: GPL-2.0-only
//
// Ready-made plans for chains of snapshots. Making a plan reads the devices and throws Error if
// it cannot work; running it changes them. Stores are formatted by the caller beforehand. All
// take devices by their dm names, and stores and origins as tables do.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dm-ext/device.h"
#include "dm-ext/plan.h"
#include "dm-ext/targets.h"

namespace dmext {

/** Of a chain whose origin is in use; the origin is filled in. */
struct InsertSpec {
    /** The volume's device: it keeps its name, number and users. */
    std::string device;
    /** Everything but the origin. */
    EsnapshotOrg org;
};

/** The device that carries the volume's own table once esnapshot-org is in front of it. */
std::string real_name(const std::string &device);
std::string real_uuid(const std::string &uuid);

/**
 * Puts esnapshot-org under a device that is in use: the device's own table moves to a hidden
 * device NAME-real, esnapshot-org comes into its place, with the file system frozen for the
 * switch. Linear and striped volumes with a uuid only. The last step is final: the target is
 * immutable.
 */
Plan insert_origin(DmApi &api, const InsertSpec &spec);

/**
 * Whether @longer begins with @shorter: same places on the same devices, whether in one piece or
 * in several, and then perhaps more. Linear and striped; devices must be written the same way.
 */
bool is_continuation(const Table &shorter, const Table &longer);

/**
 * Lets @device, which insert_origin() has been at, grow while it is in use: NAME-real gets
 * @grown, which must continue the table it has; then the device gets that length. Final.
 */
Plan grow_inserted_origin(DmApi &api, const std::string &device, const Table &grown);

/**
 * Gives @device, an esnapshot-org on top of a volume that has grown, the length of @sectors, while
 * it is in use. Throws Error if it is longer. Final.
 */
Plan grow_stacked_origin(DmApi &api, const std::string &device, Sectors sectors);

/**
 * Adds @store to the chain of @device: takes a snapshot. Freezes the file system. A chain without
 * stores gets chunks of @first_chunk_sectors. Final.
 */
Plan add_newest_store(DmApi &api, const std::string &device, const std::string &store,
                      std::optional<Sectors> first_chunk_sectors = {});

/**
 * Drops the chain's oldest store. Devices in @images, which show it, are removed first; they
 * come back if the drop fails. Waits for no writes: those that wait for room go on waiting. Refused
 * for the last store of a chain with a journal. Final.
 */
Plan drop_oldest_store(DmApi &api, const std::string &device,
                       const std::vector<std::string> &images = {});

/**
 * Puts the write journal @journal in front of the chain of @device, which must have a snapshot.
 * Freezes the file system. Final.
 */
Plan add_journal(DmApi &api, const std::string &device, const std::string &journal);

/**
 * Takes the journal out again: the kernel writes in place what is pending, and whoever writes
 * waits for that. Final. Afterwards the newest store names no journal any more.
 */
Plan take_out_journal(DmApi &api, const std::string &device);

/**
 * Takes esnapshot-org out from under @device, where insert_origin() had put it. While the device
 * is open that cannot be done, because the target is immutable: the plan is then empty, and the
 * pass-through stays until the device is closed or deactivated. Refused while there is a store.
 *
 * Otherwise the device is removed and made again with the volume's own table; its number may
 * change.
 */
Plan take_out_origin(DmApi &api, const std::string &device);

/** The read-only image of a snapshot; @sectors: the origin's size at its instant. */
Plan create_image(const std::string &name, const std::string &uuid, Sectors sectors,
                  const Esnapshot &image);

/** The writable view of a snapshot. */
Plan create_view(const std::string &name, const std::string &uuid, Sectors sectors,
                 const EsnapshotView &view);

/**
 * Makes devices in the order given: what stands on another one after it. For a stacked chain:
 * esnapshot-org over the volume, then its images and views.
 */
Plan bring_up(const std::vector<DeviceSpec> &devices);

/**
 * Removes devices, users first, whatever the order of @names. Refused if one of them is used by
 * a device that is not among them. Devices that come back because a later removal failed may get
 * another number; tables that name them are corrected.
 */
Plan take_down(DmApi &api, const std::set<std::string> &names);

} // namespace dmext
