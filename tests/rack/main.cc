// SPDX-License-Identifier: GPL-2.0-only
//
// esnap-rack: power cuts by replay. A workload is recorded under dm-log-writes; then the disk
// is made again as a power cut at any point may have left it, recovered, and compared with
// what was acknowledged.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>

#include <boost/program_options.hpp>

#include "commands.h"
#include "devices.h"

namespace po = boost::program_options;

namespace {

using namespace rack;

constexpr int exit_failed = 1;
constexpr int exit_usage = 3;

struct Command {
    const char *name;
    const char *help;
    bool uses_devices;
    int (*run)(const Options &);
};

constexpr Command commands[] = {
    {"record", "run a workload on --data-disk and record it on --log", true, command_record},
    {"sweep", "recover many points of --log in user space", false, command_sweep},
    {"recover", "recover points of --log with the module, on --data-disk", true, command_recover},
};

po::options_description describe(Options &o) {
    po::options_description text("options");
    auto add = text.add_options();
    add("log", po::value(&o.log)->required(), "the log: a device, for sweep also a file");
    add("data-disk", po::value(&o.data_disk), "the disk that is cut into regions");
    add("recovery-log", po::value(&o.recovery_log), "recover: a disk to record recoveries on");
    add("seed", po::value(&o.seed), "of the workload, or of the choice of points");
    add("writes", po::value(&o.writes), "record: how many");
    add("journal", po::bool_switch(&o.with_journal), "record: with a write journal");
    add("points", po::value(&o.points), "how many points");
    add("check-every", po::value(&o.check_every), "sweep: esnap check at every so many; 0: never");
    add("point", po::value(&o.point), "this point only");
    add("variant", po::value(&o.variant), "of that point");
    add("failures", po::value(&o.failures), "end after so many violations");
    return text;
}

void print_help(const po::options_description &text) {
    std::printf("usage: esnap-rack COMMAND --log LOG [OPTION]...\n\n");
    for (const Command &command : commands)
        std::printf("  %-10s %s\n", command.name, command.help);
    std::printf("\n%s", (std::ostringstream() << text).str().c_str());
}

/** After a failure devices are left as they are: taking them down could hang. */
[[noreturn]] void run_command(const Command &command, const Options &options) {
    int status = exit_failed;
    try {
        if (command.uses_devices)
            esmodel::use_private_nodes();
        status = command.run(options);
    } catch (const std::exception &e) {
        std::printf("FAILED: %s, seed %llu: %s\n", command.name,
                    static_cast<unsigned long long>(options.seed), e.what());
    }
    std::fflush(stdout);
    std::_Exit(status);
}

} // namespace

int main(int argc, char **argv) {
    Options options;
    const po::options_description text = describe(options);
    try {
        for (const Command &command : commands) {
            if (argc < 2 || std::string(argv[1]) != command.name)
                continue;
            po::variables_map values;
            po::store(po::parse_command_line(argc - 1, argv + 1, text), values);
            po::notify(values);
            run_command(command, options);
        }
    } catch (const po::error &e) {
        std::fprintf(stderr, "esnap-rack: %s\n", e.what());
        return exit_usage;
    }
    print_help(text);
    return exit_usage;
}
