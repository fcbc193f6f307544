// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/api.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "error.h"
#include "lvm/lvm_conf.h"

namespace esnap {

bool LvmApi::may_configure(const std::string &setting) {
    return lvm_conf_mentions(lvm_conf_directory(), setting);
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
