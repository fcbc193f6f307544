/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table lines and the programs of one implementation of snapshots.
 *
 * Two implementations: esnapshot, which is what is tested, and the kernel's own
 * dm-snapshot as a stand-in.  The stand-in tests the model test itself: it must
 * pass on an implementation that is known to work, without our module.
 *
 * Devices are given as major:minor in tables and as paths to programs.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devices.h"

namespace esmodel {

struct OrgSpec {
    Sector sectors = 0;
    std::string origin;
    unsigned chunk_sectors = 0;
    std::string journal;             /**< empty: none */
    std::vector<std::string> stores; /**< oldest first */
    std::vector<std::string> features;
};

struct ImageSpec {
    Sector sectors = 0;
    std::string origin;
    std::string store;
    unsigned chunk_sectors = 0;
};

struct ViewSpec {
    Sector sectors = 0;
    std::string origin;
    std::string snapshot_store;
    std::string snapshot_image; /**< the device that shows the snapshot; may be empty */
    std::string view_store;
    unsigned chunk_sectors = 0;
};

class Targets {
public:
    Targets() = default;
    virtual ~Targets() = default;
    Targets(const Targets &) = delete;
    Targets &operator=(const Targets &) = delete;

    virtual Table org(const OrgSpec &spec) const = 0;
    virtual Table image(const ImageSpec &spec) const = 0;
    virtual Table view(const ViewSpec &spec) const = 0;

    /** Prepares the blank @store for a snapshot; @previous is empty for the first of a chain. */
    virtual void format_snapshot(const std::string &origin, const std::string &previous,
                                 unsigned chunk_sectors, const std::string &store) const = 0;
    virtual void format_view(const std::string &snapshot_store, const std::string &store) const = 0;
    virtual void format_journal(const std::string &newest_store,
                                const std::string &journal) const = 0;
    /** Verifies a store or journal that is not in use; throws with what was found. */
    virtual void check(const std::string &store) const = 0;

    /** Is what these targets report about themselves fine?  @status as dmsetup prints it. */
    virtual bool is_healthy(const Target &status) const = 0;
    /** Must every snapshot's image stay open, from within the switch on? */
    virtual bool needs_open_images() const = 0;
};

std::unique_ptr<Targets> make_esnap_targets();
std::unique_ptr<Targets> make_standin_targets();

} // namespace esmodel
