// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnap-model: tests of the live targets against a model, run as root inside a
 * virtual machine.  This file knows the command line and what follows a failure.
 */
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>

#include <boost/program_options.hpp>

#include "commands.h"
#include "devices.h"
#include "watchdog.h"

namespace po = boost::program_options;

namespace {

using namespace esmodel;

constexpr int exit_failed = 1;
constexpr int exit_usage = 3;

struct Command {
    const char *name;
    const char *help;
    void (*run)(const Options &, Watchdog &);
};

constexpr Command commands[] = {
    {"run", "random operations against the model", command_run},
    {"race", "slow reads of snapshots while the origin is overwritten", command_race},
    {"stacked", "snapshots of views of snapshots, three deep", command_stacked},
    {"many", "very many stores on one origin", command_many},
    {"bad-input", "what must be refused, and without a trace", command_bad_input},
    {"selftest", "planted faults must be found", command_selftest},
};

po::options_description describe(Options &o) {
    po::options_description text("options");
    auto add = text.add_options();

    add("help,h", "print this");
    add("origin-disk", po::value(&o.origin_disk)->required(), "disk for the origin");
    add("store-disk", po::value(&o.store_disks)->composing(), "disk for stores; repeat for more");
    add("seed", po::value(&o.seed), "first seed (default: random, printed)");
    add("seeds", po::value(&o.seeds), "how many seeds, counting up");
    add("ops", po::value(&o.ops), "operations per seed");
    add("chunk", po::value(&o.chunk_sectors), "chunk in sectors (default: random)");
    add("origin-sectors", po::value(&o.origin_sectors), "size of the origin (default: random)");
    add("max-stores", po::value(&o.max_stores), "most snapshots at a time");
    add("rounds", po::value(&o.rounds), "race: rounds");
    add("read-delay", po::value(&o.delay_ms), "race: delay of origin reads in ms");
    add("stores", po::value(&o.stores), "many: number of stores");
    add("store-sectors", po::value(&o.store_sectors), "many: size of a store");
    add("stall", po::value(&o.stall_seconds), "seconds without progress that count as a hang");
    add("standin", po::bool_switch(&o.use_standin), "test dm-snapshot instead of esnapshot");
    add("plant", po::bool_switch(&o.plant_fault), "run: damage the origin at the end; must fail");
    add("journal", po::bool_switch(&o.with_journal),
        "run: journals come and go before a slow origin");
    add("verbose,v", po::bool_switch(&o.is_verbose), "print every operation");
    return text;
}

void print_help(const po::options_description &text) {
    std::printf("usage: esnap-model COMMAND --origin-disk DEV --store-disk DEV [OPTION]...\n\n");
    for (const Command &command : commands)
        std::printf("  %-12s %s\n", command.name, command.help);
    std::printf("\n%s", (std::ostringstream() << text).str().c_str());
}

const Command *find_command(const std::string &name) {
    for (const Command &command : commands) {
        if (name == command.name)
            return &command;
    }
    return nullptr;
}

/* Nothing is taken down after a failure: that could hang, and the evidence would be gone. */
[[noreturn]] void run_command(const Command &command, const Options &options) {
    Watchdog watchdog(options.stall_seconds);

    try {
        use_private_nodes();
        command.run(options, watchdog);
    } catch (const std::exception &e) {
        std::printf("%s\n", e.what());
        std::fflush(stdout);
        std::_Exit(exit_failed);
    }
    std::fflush(stdout);
    std::_Exit(EXIT_SUCCESS);
}

} // namespace

int main(int argc, char **argv) {
    Options options;
    const po::options_description text = describe(options);
    const Command *command = argc > 1 ? find_command(argv[1]) : nullptr;

    options.seed = std::random_device()();
    if (command == nullptr) {
        print_help(text);
        return argc > 1 && std::string(argv[1]) == "--help" ? EXIT_SUCCESS : exit_usage;
    }
    try {
        po::variables_map values;

        po::store(po::parse_command_line(argc - 1, argv + 1, text), values);
        if (values.count("help") != 0) {
            print_help(text);
            return EXIT_SUCCESS;
        }
        po::notify(values);
    } catch (const po::error &e) {
        std::fprintf(stderr, "esnap-model: %s\n", e.what());
        return exit_usage;
    }
    run_command(*command, options);
}
