// SPDX-License-Identifier: GPL-2.0-only
//
// Activating and deactivating chains: what lvchange and vgchange share.
#pragma once

#include <string>

#include "command.h"

namespace esnap {

/** -a y|n; and --test. */
void add_activation_options(po::options_description &options);

/** What -a says. Throws UsageError if it is missing or something else. */
bool wants_active(const po::variables_map &arguments);

/**
 * Activates or deactivates the chains of @vg, or only the one with the origin @origin if that is
 * not empty. All are tried; returns exit_failed if one could not be.
 */
int activate_group(const Context &context, bool is_test, bool active, const std::string &vg,
                   const std::string &origin = {});

} // namespace esnap
