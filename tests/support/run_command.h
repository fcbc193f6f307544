// SPDX-License-Identifier: GPL-2.0-only
//
// A command line of esnap, run in the test's own process.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "command.h"

namespace esnap::test {

struct Run {
    int code = -1;
    std::string out, err;
};

inline Run run(const std::vector<std::string> &words) {
    std::ostringstream out, err;
    Run result;
    result.code = run_command_line(words, out, err);
    result.out = out.str();
    result.err = err.str();
    return result;
}

} // namespace esnap::test
