// SPDX-License-Identifier: GPL-2.0-only
//
// esnap: chained snapshots from the command line. Everything happens in run_command_line.
#include <iostream>
#include <string>
#include <vector>

#include "command.h"

int main(int argc, char **argv) {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return esnap::run_command_line(words, std::cout, std::cerr);
}
