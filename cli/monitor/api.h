// SPDX-License-Identifier: GPL-2.0-only
//
// The seam to whoever watches how full areas are. There are three implementations: Dmeventd
// (dmeventd.h), OwnMonitor (own.h), and the double of the tests.
#pragma once

#include <string>

namespace esnap {

/** Devices are named by their device-mapper uuid, which a rename does not change. */
class MonitorApi {
public:
    MonitorApi() = default;
    virtual ~MonitorApi() = default;
    MonitorApi(const MonitorApi &) = delete;
    MonitorApi &operator=(const MonitorApi &) = delete;

    /** Why nothing can be watched on this machine; empty if it can. */
    virtual std::string obstacle() = 0;

    /** Nobody is started to answer this: who does not run watches nothing. */
    virtual bool is_watched(const std::string &uuid) = 0;

    /** Returns when the device is watched. Throws Error naming @volume if that cannot be had. */
    virtual void watch(const std::string &uuid, const std::string &volume) = 0;

    /** A device that is not watched is no error. Throws Error. */
    virtual void forget(const std::string &uuid, const std::string &volume) = 0;
};

} // namespace esnap
