// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/fault_point.h"

#include <csignal>
#include <cstdlib>

namespace esnap {

namespace {

bool changes_something(dmext::Op op) {
    using dmext::Op;

    return op == Op::create || op == Op::load || op == Op::clear || op == Op::resume ||
           op == Op::suspend || op == Op::remove || op == Op::rename || op == Op::message;
}

} // namespace

CallCounter::CallCounter() {
    if (const char *text = std::getenv("ESNAP_TEST_KILL_BEFORE_CALL"))
        left_ = std::strtoul(text, nullptr, 10);
}

void CallCounter::count() {
    if (left_ > 0 && --left_ == 0)
        std::raise(SIGKILL);
}

LvmReply FaultLvm::run(const Words &words) {
    counter_.count();
    return real_.run(words);
}

dmext::Reply FaultDm::run(const dmext::Request &request) {
    if (changes_something(request.op))
        counter_.count();
    return real_.run(request);
}

} // namespace esnap
