// SPDX-License-Identifier: GPL-2.0-only
//
// dmeventd as the one who watches, with our plugin.
#pragma once

#include "monitor/api.h"

namespace esnap {

/**
 * Talks to dmeventd through libdevmapper-event, which starts it if it does not run. The library
 * logs through libdevmapper's log function; what it says becomes the cause in the exception, and
 * what it says about plugins of others ("deprecated") reaches no user's screen.
 */
class Dmeventd : public MonitorApi {
public:
    std::string obstacle() override;
    bool is_watched(const std::string &uuid) override;
    void watch(const std::string &uuid, const std::string &volume) override;
    void forget(const std::string &uuid, const std::string &volume) override;
};

} // namespace esnap
