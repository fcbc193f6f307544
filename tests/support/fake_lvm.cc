// SPDX-License-Identifier: GPL-2.0-only
#include "support/fake_lvm.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace esnap::test {

LvmReply FakeLvm::run(const Words &words) {
    if (words.at(0) == "fullreport")
        return {true, report_, {}};
    commands_.push_back(fmt::format("{}", fmt::join(words, " ")));
    if (failing_ > 0 && --failing_ == 0)
        return {false, {}, {message_}};
    return {true, {}, {}};
}

void FakeLvm::fail_command(std::size_t number, std::string message) {
    failing_ = number;
    message_ = std::move(message);
}

std::string recorded_report() {
    std::ifstream file(ESNAP_SOURCE_DIR "/tests/data/lvm_fullreport.json");

    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace esnap::test
