// SPDX-License-Identifier: GPL-2.0-only
#include "commands/verify.h"

#include "error.h"
#include "offline/check_report.h"
#include "offline/checker.h"
#include "offline/journal_check.h"

namespace esnap {

namespace {

int verify_journal(const BlockSource &source, const std::vector<std::string> &holders, bool is_json,
                   const Context &context) {
    const JournalCheck result =
        holders.empty() ? check_journal(source) : check_live_journal(source, holders);

    if (is_json)
        print_journal_check_json(source.name(), result, context.out);
    else
        print_journal_check_text(source.name(), result, context.verbosity >= 0, context.out);
    return result.findings.clean() ? exit_done : exit_failed;
}

int verify_store(const BlockSource &source, const std::vector<std::string> &holders, bool is_json,
                 const Context &context) {
    const CheckResult result =
        holders.empty() ? check_store(source) : check_live_store(source, holders);

    if (is_json)
        print_check_json(source.name(), result, context.out);
    else
        print_check_text(source.name(), result, context.verbosity >= 0, context.out);
    return result.findings.clean() ? exit_done : exit_failed;
}

} // namespace

int verify(const Device &device, const BlockSource &source, bool is_json, const Context &context) {
    const std::vector<std::string> holders = device.holders();

    return is_journal(device) ? verify_journal(source, holders, is_json, context)
                              : verify_store(source, holders, is_json, context);
}

} // namespace esnap
