// SPDX-License-Identifier: GPL-2.0-only
#include "dm-ext/error.h"

#include <utility>

namespace dmext {

namespace {

std::string text_of(const std::string &operation, const std::string &object,
                    const std::string &cause, const std::string &remedy) {
    std::string text = operation + " " + object + ": " + cause;

    if (!remedy.empty())
        text += " (" + remedy + ")";
    return text;
}

} // namespace

Error::Error(std::string operation, std::string object, std::string cause, std::string remedy,
             int code)
    : std::runtime_error(text_of(operation, object, cause, remedy)),
      operation_(std::move(operation)), object_(std::move(object)), cause_(std::move(cause)),
      remedy_(std::move(remedy)), code_(code) {}

} // namespace dmext
