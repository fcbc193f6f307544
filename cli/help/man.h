// SPDX-License-Identifier: GPL-2.0-only
//
// Manual pages, in the macros of man(7).
#pragma once

#include <ostream>
#include <string>

#include "command.h"

namespace esnap {

/** esnap(8): what it is, its commands, the options they share. */
void print_program_page(std::ostream &out);
/** esnap-COMMAND(8). */
void print_command_page(const Command &command, std::ostream &out);

/** "esnap-lvcreate" */
std::string page_name(const Command &command);

/**
 * @text as roff prints it unchanged: nothing in it is a request, an escape or a typographer's
 * quote, and dashes can be copied to a command line. Its lines stay lines.
 */
std::string roff(const std::string &text);

} // namespace esnap
