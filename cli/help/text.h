// SPDX-License-Identifier: GPL-2.0-only
//
// Help as esnap prints it on a terminal.
#pragma once

#include <ostream>

#include "command.h"

namespace esnap {

/** The list of all commands, and the options they share. */
void print_overview(std::ostream &out);
/** All about one command. */
void print_help(const Command &command, std::ostream &out);

} // namespace esnap
