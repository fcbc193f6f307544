// SPDX-License-Identifier: GPL-2.0-only
//
// How this program prints JSON: keys in the order they were set, so that a person can read
// it too, and never an exception because a path is no UTF-8.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace esnap {

using Json = nlohmann::ordered_json;

inline std::string to_text(const Json &json, int indent = -1) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

} // namespace esnap
