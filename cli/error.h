// SPDX-License-Identifier: GPL-2.0-only
//
// What esnap throws. Every error names the operation, the object it was done to, the
// cause, and, where there is one, what to do. main() alone catches them and turns them
// into exit codes.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace esnap {

/** Exit codes, as LVM's. */
enum ExitCode : int { exit_done = 0, exit_usage = 3, exit_failed = 5 };

/** An operation failed; the text reads "OPERATION OBJECT: CAUSE (ADVICE)". */
class Error : public std::runtime_error {
public:
    Error(std::string_view operation, std::string_view object, std::string_view cause,
          std::string_view advice = {})
        : std::runtime_error(text(operation, object, cause, advice)), cause_(cause) {}

    /** Only the cause, for a report that names the object itself. */
    const std::string &cause() const { return cause_; }

private:
    static std::string text(std::string_view operation, std::string_view object,
                            std::string_view cause, std::string_view advice) {
        std::string all{operation};
        all.append(" ").append(object).append(": ").append(cause);
        if (!advice.empty())
            all.append(" (").append(advice).append(")");
        return all;
    }

    std::string cause_;
};

/** The command line is wrong; nothing was done. */
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace esnap
