// SPDX-License-Identifier: GPL-2.0-only
//
// A check's result as text or JSON.
#pragma once

#include <ostream>
#include <string>

#include "offline/checker.h"

namespace esnap {

/** One line per finding (notes only if @with_notes). */
void print_findings(const FindingList &findings, bool with_notes, std::ostream &out);

/** The same (notes only if @with_notes), and one that sums up. */
void print_check_text(const std::string &device, const CheckResult &result, bool with_notes,
                      std::ostream &out);

/** Keys: device, clean, faults, unverified, notes (each: area, offset, cause), store (null: none).
 */
void print_check_json(const std::string &device, const CheckResult &result, std::ostream &out);

} // namespace esnap
