// SPDX-License-Identifier: GPL-2.0-only
#include "commands/live.h"

#include <boost/program_options/value_semantic.hpp>

#include "dm-ext/libdm.h"
#include "error.h"
#include "lvm/file_lock.h"
#include "lvm/lvm2cmd.h"
#include "lvm/lvm_program.h"
#include "monitor/dmeventd.h"
#include "monitor/own.h"
#include "options.h"
#include "policy/error.h"
#include "volumes/assemble.h"
#include "volumes/fault_point.h"
#include "volumes/live.h"
#include "volumes/watching.h"

namespace esnap {

namespace {

bool is_digits(const std::string &text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

/* N, N%VG, N%FREE, N%ORIGIN; the last is computed, since LVM means something else by it. */
std::string extents_from(const std::string &text, std::uint64_t origin_bytes,
                         std::uint64_t extent_bytes) {
    const std::size_t percent = text.find('%');
    const std::string digits = text.substr(0, percent);
    const std::string of = percent == std::string::npos ? "" : text.substr(percent + 1);

    if (!is_digits(digits) || digits.size() > 9 || std::stoul(digits) == 0 ||
        (percent != std::string::npos && of != "VG" && of != "FREE" && of != "ORIGIN"))
        throw UsageError(fmt::format(
            "--extents {}: want a number of extents, or a number and %VG, %FREE or %ORIGIN", text));
    if (of != "ORIGIN")
        return text;
    if (origin_bytes == 0 || extent_bytes == 0)
        throw UsageError(fmt::format("--extents {}: there is no origin here", text));
    const std::uint64_t extents = (origin_bytes + extent_bytes - 1) / extent_bytes;
    return fmt::to_string((extents * std::stoul(digits) + 99) / 100);
}

} // namespace

void with_system(const std::function<void(System &)> &use, LvmKind kind) {
    Lvm2Cmd library;
    LvmProgram program;
    LvmApi &lvm = kind == LvmKind::library ? static_cast<LvmApi &>(library) : program;
    dmext::LibDm dm;
    CallCounter counter;
    FaultLvm counted_lvm(lvm, counter);
    FaultDm counted_dm(dm, counter);
    Dmeventd dmeventd;
    OwnMonitor own;
    MonitorApi &monitor = own.runs() ? static_cast<MonitorApi &>(own) : dmeventd;
    System system{counted_lvm, counted_dm, &monitor, {}};

    require_kernel(dm);
    use(system);
}

void change_group(const Context &context, bool is_test, const VolumeName &volume,
                  const MakePlan &make_plan) {
    with_system([&](System &system) {
        const FileLock lock(esnap_lock_path(volume.vg));
        bool is_settled = true;

        const auto say = [&](const std::string &text) { context.say("{}", text); };
        const auto tell = [&](News, const std::string &text) {
            is_settled = false;
            say(text);
        };
        system.conf = policy::read_conf();
        const Vg group = is_test ? read_vg(system.lvm, volume.vg) : settle(system, volume, tell);
        if (!is_settled)
            sync_watching(system, group, say);
        run_plan(context, is_test, system, make_plan(system, group));
    });
}

void run_plan(const Context &context, bool is_test, System &system, const dmext::Plan &plan) {
    for (const std::string &line : plan.listing()) {
        if (is_test)
            context.say("would {}", line);
        else
            context.detail("{}", line);
    }
    if (!is_test)
        plan.run(system.dm);
}

void add_size_options(po::options_description &options, const char *what) {
    options.add_options()("size,L", po::value<std::string>()->value_name("SIZE"),
                          what)("extents,l", po::value<std::string>()->value_name("EXTENTS"),
                                "the same in extents, or N%VG, N%FREE, N%ORIGIN");
}

Words size_words(const po::variables_map &arguments, bool may_grow, std::uint64_t origin_bytes,
                 std::uint64_t extent_bytes) {
    const std::string size = text_of(arguments, "size"), extents = text_of(arguments, "extents");

    if (!size.empty() && !extents.empty())
        throw UsageError("give -L or -l, not both");
    if (size.empty() && extents.empty())
        return {};
    const std::string &text = size.empty() ? extents : size;
    const bool has_plus = may_grow && text.starts_with('+');
    const std::string rest = text.substr(has_plus ? 1 : 0);
    const std::string sign = has_plus ? "+" : "";
    if (size.empty())
        return {"-l", sign + extents_from(rest, origin_bytes, extent_bytes)};
    const std::uint64_t bytes = parse_size("--size", rest, Unit::mib);
    if (bytes == 0)
        throw UsageError("--size: 0 is no size");
    return {"-L", fmt::format("{}{}b", sign, bytes)};
}

bool report_bad(const Context &context, const Chains &chains) {
    for (const Error &error : chains.bad)
        context.err << error.what() << '\n';
    return chains.bad.empty();
}

policy::Conf conf_or_defaults(const Context &context) {
    try {
        return policy::read_conf();
    } catch (const policy::SettingError &error) {
        context.err << fmt::format("WARNING: {}; the defaults count\n", error.what());
        return {};
    }
}

} // namespace esnap
