// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/udev.h"

#include <exception>

namespace dmext {

UdevScope::~UdevScope() {
    try {
        wait();
    } catch (const std::exception &e) {
        api_.report(e.what());
    }
}

void UdevScope::wait() {
    api_.wait_for_udev(cookie_);
}

} // namespace dmext
