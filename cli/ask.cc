// SPDX-License-Identifier: GPL-2.0-only
#include "ask.h"

#include <iostream>

#include <unistd.h>

#include "error.h"

namespace esnap {

void require_yes(const Context &context, const std::string &operation, const std::string &object) {
    std::string answer;

    if (!::isatty(STDIN_FILENO))
        throw Error(operation, object, "nobody can be asked", "say --yes");
    context.err << fmt::format("Do you really want to {} {}? [y/n]: ", operation, object)
                << std::flush;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "yes")
        throw Error(operation, object, fmt::format("the answer was not yes: nothing was done"));
}

} // namespace esnap
