// SPDX-License-Identifier: GPL-2.0-only
//
// esnap lvchange: activate and deactivate one chain; what a snapshot or view has for settings.
#include "command.h"
#include "commands/activate.h"
#include "commands/live.h"
#include "error.h"
#include "options.h"
#include "policy/error.h"
#include "volumes/autoextend.h"
#include "volumes/live.h"
#include "volumes/names.h"
#include "volumes/watching.h"

namespace esnap {

namespace {

constexpr const char *operation = "change";
constexpr const char *reset_word = "default";

constexpr const char *details =
    "-a y makes an origin with all its snapshots and views available, -a n takes them down.\n"
    "The other options are for one snapshot or view: whether it is watched, and when and by how\n"
    "much it is extended then. \"default\" goes back to what /etc/esnap/esnap.conf says.";

po::options_description declare() {
    po::options_description options("Options");
    add_activation_options(options);
    auto add = options.add_options();
    add("monitor", po::value<std::string>()->value_name("y|n"),
        "have dmeventd watch how full it is, or not");
    add("autoextend-threshold", po::value<std::string>()->value_name("PERCENT"),
        "extend it when it is this full: 50 to 99; 100: never");
    add("autoextend-percent", po::value<std::string>()->value_name("PERCENT"),
        "by how much of its size: 1 to 1000");
    return options;
}

/** One setting of a volume, a tag. */
struct Setting {
    const char *option;
    const char *prefix; /**< of the tag */
    void (*check)(const std::string &option, const std::string &value);
};

void check_monitor(const std::string &option, const std::string &value) {
    if (value != "y" && value != "n")
        throw UsageError(fmt::format("{}: '{}' is neither y nor n", option, value));
}

const std::vector<Setting> &settings() {
    static const std::vector<Setting> all{
        {"monitor", tag::monitor, check_monitor},
        {"autoextend-threshold", tag::threshold,
         [](const std::string &option, const std::string &value) {
             policy::parse_threshold(option, value);
         }},
        {"autoextend-percent", tag::percent,
         [](const std::string &option, const std::string &value) {
             policy::parse_percent(option, value);
         }},
    };
    return all;
}

/* By option; throws UsageError. */
std::vector<std::pair<const Setting *, std::string>> given(const po::variables_map &arguments) {
    std::vector<std::pair<const Setting *, std::string>> found;

    for (const Setting &setting : settings()) {
        if (!arguments.count(setting.option))
            continue;
        const std::string value = text_of(arguments, setting.option);
        const std::string option = fmt::format("--{}", setting.option);
        try {
            if (value != reset_word)
                setting.check(option, value);
        } catch (const policy::SettingError &error) {
            throw UsageError(error.what());
        }
        found.emplace_back(&setting, value == reset_word ? "" : value);
    }
    return found;
}

const Volume &require_volume(const Found &found) {
    if (!found.volume)
        throw Error(operation, found.chain.volume_name().text(),
                    "it is an origin: it has no area that fills",
                    "name one of its snapshots or views");
    return *found.volume;
}

/* The tags as they are now become what is wanted; the reverse takes it back. */
void add_tag_step(System &system, dmext::Plan &plan, const Volume &volume, const Setting &setting,
                  const std::string &value) {
    const std::string old = volume.store.tag_value(setting.prefix);
    Words words{"lvchange"}, undo{"lvchange"};

    if (old == value)
        return;
    if (!old.empty()) {
        words.insert(words.end(), {"--deltag", setting.prefix + old});
        undo.insert(undo.end(), {"--addtag", setting.prefix + old});
    }
    if (!value.empty()) {
        words.insert(words.end(), {"--addtag", setting.prefix + value});
        undo.insert(undo.end(), {"--deltag", setting.prefix + value});
    }
    words.push_back(lvm_path(volume.vg, volume.store.name));
    undo.push_back(lvm_path(volume.vg, volume.store.name));
    plan.add(lvm_step(system, fmt::format("set {} of", setting.option), volume.volume_name(), words,
                      undo));
}

void require_watchable(const Found &found, const std::string &monitor) {
    if (monitor == "y" && !found.chain.can_fill(*found.volume))
        throw Error("watch", found.volume->volume_name().text(),
                    fmt::format("it is not the newest snapshot of {}: nothing is added to it",
                                found.chain.name),
                    "watch the newest one; esnap does that by itself");
}

/* What was asked for expressly must work, or be an error; a volume at rest is watched later. */
void apply(System &system, const Context &context, const Found &found, const Volume &volume,
           const std::string &monitor) {
    const std::string uuid = volume.device_uuid(), name = volume.volume_name().text();
    const bool is_up = is_live(system, volume);

    if (monitor == "y" && is_up)
        system.monitor->watch(uuid, name);
    else if (monitor == "y")
        context.say("  \"{}\" is not active; it is watched from its activation on.", volume.name);
    if (monitor == "n")
        system.monitor->forget(uuid, name);
    if (is_up && found.chain.can_fill(volume))
        set_low_water(system, volume, policy_of(system, volume));
}

int change_settings(const po::variables_map &arguments, const Context &context,
                    const VolumeName &name) {
    const bool is_test = arguments["test"].as<bool>();
    const std::string monitor = text_of(arguments, "monitor");
    const auto wanted = given(arguments);

    if (arguments.count("activate"))
        throw UsageError("-a is for origins; the other options are for snapshots and views");
    change_group(context, is_test, name, [&](System &system, const Vg &vg) {
        const Found found = find_volume(vg, name);
        dmext::Plan plan(operation, name.text());
        const Volume &volume = require_volume(found);
        require_watchable(found, monitor);
        for (const auto &[setting, value] : wanted)
            add_tag_step(system, plan, volume, *setting, value);
        System *s = &system;
        const Context *c = &context;
        plan.add({fmt::format("let {} be watched so", name.text()), [=](dmext::PlanContext &) {
                      const Found now = find_volume(read_vg(s->lvm, name.vg), name);
                      apply(*s, *c, now, require_volume(now), monitor);
                  }});
        return plan;
    });
    context.say("  \"{}\" {}.", name.lv, is_test ? "would be changed (--test)" : "changed");
    return exit_done;
}

int run(const po::variables_map &arguments, const Context &context) {
    const VolumeName name = parse_volume(text_of(arguments, "VG/NAME"));

    for (const Setting &setting : settings())
        if (arguments.count(setting.option))
            return change_settings(arguments, context, name);
    return activate_group(context, arguments["test"].as<bool>(), wants_active(arguments), name.vg,
                          name.lv);
}

} // namespace

Command lvchange_command() {
    return {
        .name = "lvchange",
        .summary = "activate an origin with its snapshots; settings of one of them",
        .details = details,
        .positionals = {{"VG/NAME", "the origin; for settings the snapshot or view", What::volume}},
        .options = declare(),
        .examples = {{"esnap lvchange -an vg/data",
                      "take vg/data down, with its snapshots and views"},
                     {"esnap lvchange -ay vg/data", "make them available again"},
                     {"esnap lvchange --autoextend-threshold 80 vg/monday",
                      "have it extended when it is 80 % full"}},
        .run = run};
}

} // namespace esnap
