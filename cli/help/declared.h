// SPDX-License-Identifier: GPL-2.0-only
//
// What help, manual pages and completion read from a command's declaration. Boost knows an
// option's parts, but hands them out only as a line of its own layout.
#pragma once

#include <string>
#include <vector>

#include "command.h"

namespace esnap {

struct DeclaredOption {
    std::string long_name;  /**< "size", without dashes */
    std::string short_name; /**< "L"; may be empty */
    std::string value;      /**< "SIZE"; empty: the option takes none */
    std::string fallback;   /**< the value if it is not given; may be empty */
    std::string help;
    /** The possible values, where the value's name lists them: "y|n". */
    std::vector<std::string> choices;
};

/** The options in the order of their declaration. */
std::vector<DeclaredOption> declared_options(const po::options_description &options);

/** An argument as a line of usage shows it: "VG/NAME", "[VG...]". */
std::string usage_of(const Positional &positional);

/** What esnap is and does, for the head of its manual page. */
extern const char *const program_summary;
extern const char *const program_details;

} // namespace esnap
