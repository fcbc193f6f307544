// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/api.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "error.h"

namespace esnap {

LvmReply LvmBesideSuspended::run(const Words &words) {
    Words more = words;

    more.insert(more.begin() + 1, {"--config", "devices/ignore_suspended_devices=1"});
    return real_.run(more);
}

std::string run_lvm(LvmApi &lvm, const std::string &operation, const std::string &object,
                    const Words &words) {
    LvmReply reply = lvm.run(words);

    if (reply.done)
        return std::move(reply.output);
    throw Error(operation, object,
                reply.messages.empty() ? fmt::format("{} failed without a reason", words.at(0))
                                       : fmt::format("{}", fmt::join(reply.messages, "; ")));
}

} // namespace esnap
