// SPDX-License-Identifier: GPL-2.0-only
#include "offline/repair.h"

#include <fmt/format.h>

#include "error.h"
#include "offline/checker.h"
#include "offline/journal_check.h"
#include "offline/patched_source.h"

namespace esnap {

namespace {

void mark_unreadable(const BlockSource &source, std::vector<Mend> &mends) {
    for (Mend &mend : mends) {
        std::vector<std::byte> found(mend.data.size());
        try {
            source.read(mend.addr, found);
        } catch (const Error &) {
            mend.is_unreadable = true;
        }
    }
}

RepairPlan plan_for_store(const BlockSource &source) {
    RepairPlan plan;
    CheckResult found = check_store(source);

    require_valid(source, found.superblocks);
    plan.uuid = uuid_text(found.superblocks.sb.store_uuid);
    plan.before = std::move(found.findings);
    if (!plan.before.clean())
        plan.mends = mend_store(source, plan.before);
    plan.after =
        plan.mends.empty() ? plan.before : check_store(PatchedSource(source, plan.mends)).findings;
    return plan;
}

RepairPlan plan_for_journal(const BlockSource &source) {
    RepairPlan plan;
    JournalCheck found = check_journal(source);

    plan.uuid = uuid_text(load_journal_superblock(source).journal_uuid);
    plan.before = std::move(found.findings);
    if (!plan.before.clean())
        plan.mends = mend_journal(source, plan.before);
    plan.after = plan.mends.empty() ? plan.before
                                    : check_journal(PatchedSource(source, plan.mends)).findings;
    return plan;
}

} // namespace

RepairPlan plan_repair(const BlockSource &source) {
    RepairPlan plan = is_journal(source) ? plan_for_journal(source) : plan_for_store(source);

    mark_unreadable(source, plan.mends);
    return plan;
}

/* What the superblock goes with must be there before it. */
void repair(Device &device, const RepairPlan &plan) {
    for (const Mend &mend : plan.mends) {
        if (mend.area == Area::superblock)
            device.flush();
        device.write(mend.addr, mend.data);
    }
    device.flush();
}

} // namespace esnap
