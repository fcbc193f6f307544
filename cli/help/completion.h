// SPDX-License-Identifier: GPL-2.0-only
//
// The completion of esnap's command lines in bash.
#pragma once

#include <ostream>

namespace esnap {

/** A script for bash to source; it needs nothing but bash, and asks esnap and LVM for names. */
void print_completion(std::ostream &out);

} // namespace esnap
