// SPDX-License-Identifier: GPL-2.0-only
//
// What the library throws. Every error names the operation, the object it was done to, the
// cause, and, where there is one, what to do about it.
#pragma once

#include <stdexcept>
#include <string>

namespace dmext {

/** An operation failed; what() reads "OPERATION OBJECT: CAUSE (REMEDY)". */
class Error : public std::runtime_error {
public:
    /** @code: the errno behind it, 0 where there is none. */
    Error(std::string operation, std::string object, std::string cause, std::string remedy = {},
          int code = 0);

    const std::string &operation() const { return operation_; }
    const std::string &object() const { return object_; }
    const std::string &cause() const { return cause_; }
    /** May be empty. */
    const std::string &remedy() const { return remedy_; }
    int code() const { return code_; }

private:
    std::string operation_;
    std::string object_;
    std::string cause_;
    std::string remedy_;
    int code_;
};

} // namespace dmext
