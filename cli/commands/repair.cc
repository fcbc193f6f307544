// SPDX-License-Identifier: GPL-2.0-only
//
// esnap repair: mend what can be proven.
#include <algorithm>
#include <filesystem>

#include "ask.h"
#include "command.h"
#include "error.h"
#include "offline/backup.h"
#include "offline/check_report.h"
#include "options.h"

namespace esnap {

namespace {

constexpr const char *operation = "repair";
constexpr const char *details =
    "Checks the store or write journal on DEVICE, which nobody must have in use, says what is\n"
    "wrong with it and what can be done, asks, keeps what it will overwrite in a file, and\n"
    "mends what the rest of the store proves: a lost copy of the superblock; and, where the\n"
    "log is whole, summaries, the index and the chunk map, damaged or unreadable. What is\n"
    "stored only once (headers of records, payload) cannot be mended; check names what\n"
    "depends on it. A store that was in use when the power failed needs no repair: it is\n"
    "brought into use as it is. Exit code 0: nothing is wrong any more; 5: something is.";

po::options_description declare() {
    po::options_description options("Options");
    const auto text = [](const char *name) { return po::value<std::string>()->value_name(name); };
    auto add = options.add_options();
    add("yes,y", po::bool_switch(), "do not ask");
    add("backup", text("FILE"),
        "keep what is overwritten there; default: esnap-repair-UUID-N.backup in the current "
        "directory");
    add("restore", text("FILE"), "put back what a repair has overwritten");
    add_test_option(options);
    return options;
}

std::string backup_path(const po::variables_map &arguments, const RepairPlan &plan) {
    std::string path = text_of(arguments, "backup");

    for (int i = 1; path.empty(); ++i) {
        std::string name = fmt::format("esnap-repair-{}-{}.backup", plan.uuid, i);
        if (!std::filesystem::exists(name))
            path = std::move(name);
    }
    return path;
}

void print_plan(const Device &device, const RepairPlan &plan, const Context &context) {
    print_findings(plan.before, context.verbosity > 0, context.out);
    for (const Mend &mend : plan.mends)
        context.out << fmt::format("mend: {} at byte {}: {}{}\n", area_text(mend.area),
                                   byte_offset(mend.addr), mend.what,
                                   mend.is_unreadable ? " (what lies there cannot be read: it "
                                                        "will not be in the backup)"
                                                      : "");
    if (plan.before.clean())
        context.out << fmt::format("{}: nothing is wrong\n", device.name());
    else if (plan.mends.empty())
        context.out << fmt::format("{}: nothing of it can be mended\n", device.name());
    else
        context.out << fmt::format("{}: {} of {} faults can be mended\n", device.name(),
                                   plan.before.count(Severity::fault) -
                                       plan.after.count(Severity::fault),
                                   plan.before.count(Severity::fault));
}

/* What is asked: whether to do this to the device. */
std::string question(const RepairPlan &plan) {
    const auto lost = std::ranges::count_if(plan.mends, &Mend::is_unreadable);

    return lost == 0 ? operation
                     : fmt::format("overwrite {} unreadable blocks and {}", lost, operation);
}

int put_back(const po::variables_map &arguments, const Context &context, Device &device) {
    const std::string path = text_of(arguments, "restore");

    if (arguments["test"].as<bool>())
        throw UsageError("--restore does not go with --test");
    if (!arguments["yes"].as<bool>())
        require_yes(context, "put back what " + path + " has of", device.name());
    const Restored restored = restore_backup(device, path);
    context.say("{}: {} blocks were put back", device.name(), restored.blocks);
    if (restored.left_out > 0)
        context.say("{}: {} blocks could not be read before they were mended, and stay mended",
                    device.name(), restored.left_out);
    return exit_done;
}

int run(const po::variables_map &arguments, const Context &context) {
    const std::string name = text_of(arguments, "DEVICE");
    const bool is_test = arguments["test"].as<bool>();
    Device device = is_test ? Device::open_to_read(name) : Device::open_exclusively(name);

    if (arguments.count("restore"))
        return put_back(arguments, context, device);
    const RepairPlan plan = plan_repair(device);
    print_plan(device, plan, context);
    if (plan.mends.empty() || is_test)
        return plan.before.clean() ? exit_done : exit_failed;
    if (!arguments["yes"].as<bool>())
        require_yes(context, question(plan), name);
    const std::string path = backup_path(arguments, plan);
    const std::size_t left_out = save_backup(device, plan, path);
    context.say("{}: what is overwritten is kept in {}", name, path);
    if (left_out > 0)
        context.say("{}: but for {} blocks that cannot be read", name, left_out);
    repair(device, plan);
    const RepairPlan left = plan_repair(device);
    print_findings(left.before, false, context.out);
    context.say("{}: repaired{}", name, left.before.clean() ? "" : ", as far as that can be");
    return left.before.clean() ? exit_done : exit_failed;
}

} // namespace

Command repair_command() {
    return {
        .name = "repair",
        .summary = "mend a damaged store or journal as far as that can be proven",
        .details = details,
        .positionals = {{"DEVICE", "store of a snapshot or view, or a journal", What::file}},
        .options = declare(),
        .values = {{"backup", {What::file}}, {"restore", {What::file}}},
        .examples = {{"esnap repair -t /dev/vg/monday_ecow",
                      "what is wrong with this store, and what could be done? The chain must be "
                      "inactive (esnap vgchange -an vg)"},
                     {"esnap repair --backup /root/before /dev/vg/monday_ecow",
                      "do it, and keep what was there"}},
        .run = run};
}

} // namespace esnap
