// SPDX-License-Identifier: GPL-2.0-only
//
// What is wrong with a setting.
#pragma once

#include <stdexcept>

namespace esnap::policy {

/** A setting that cannot be used; the text reads "OPERATION OBJECT: CAUSE (ADVICE)". */
class SettingError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace esnap::policy
