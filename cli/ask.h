// SPDX-License-Identifier: GPL-2.0-only
//
// Asking before something is done that cannot be taken back.
#pragma once

#include <string>

#include "command.h"

namespace esnap {

/**
 * As LVM: a terminal is asked whether to @operation @object; anything else must have said --yes.
 * Returns after a yes; throws Error otherwise.
 */
void require_yes(const Context &context, const std::string &operation, const std::string &object);

} // namespace esnap
