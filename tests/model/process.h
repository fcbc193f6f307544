/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world outside: other programs, and the kernel's log.
 */
#pragma once

#include <string>
#include <vector>

namespace esmodel {

struct ProgramResult {
    int status = 0;     /**< exit status; 128 + signal when killed */
    std::string output; /**< standard output and standard error, as they came */
};

/** Runs @argv (looked up in PATH) to its end. */
ProgramResult run_program(const std::vector<std::string> &argv);

/** As run_program(), but any other status than 0 is an exception with the output in it. */
void run_program_or_throw(const std::vector<std::string> &argv);

/** Follows the kernel's log from the moment of construction. */
class KernelLog {
public:
    KernelLog();
    ~KernelLog();
    KernelLog(const KernelLog &) = delete;
    KernelLog &operator=(const KernelLog &) = delete;

    /** The messages since construction or the last call. */
    std::vector<std::string> take_new();

private:
    int fd_;
};

/** Does the kernel complain about itself in @line (BUG, WARNING, lockdep, KASAN, hung task ...)? */
bool is_kernel_complaint(const std::string &line);

/** The last @count lines of the kernel's log. */
std::vector<std::string> last_kernel_lines(std::size_t count);

} // namespace esmodel
