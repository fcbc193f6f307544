// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnap-model bad-input: what must be refused is refused, with a reason in the
 * kernel's log that names the device, and not one byte of any device changes.
 * A live chain beside it goes on working.  All cases are tried, and all that
 * went wrong is told at the end.
 */
#include <cstring>
#include <map>

#include "bad_cases.h"
#include "commands.h"
#include "ops.h"

namespace esmodel {

namespace {

/* The contents of devices at one moment. */
class Contents {
public:
    explicit Contents(const std::vector<std::string> &paths) {
        for (const std::string &path : paths)
            files_.push_back({path, read_all(path)});
    }

    /* The path of a device that is not as it was; empty when all are. */
    std::string changed() const {
        for (const File &file : files_) {
            const Buffer now = read_all(file.path);

            if (std::memcmp(now.bytes().data(), file.data.bytes().data(), now.bytes().size()) != 0)
                return file.path;
        }
        return {};
    }

private:
    struct File {
        std::string path;
        Buffer data;
    };

    static Buffer read_all(const std::string &path) {
        const BlockFile file(path, BlockFile::Mode::read);
        Buffer data(file.sectors() * sector_bytes);

        file.read(0, data.bytes());
        return data;
    }

    std::vector<File> files_;
};

std::vector<std::string> all_devices(const BadInputBed &on) {
    std::vector<std::string> paths{on.blank->path(), on.garbage->path(), on.dead_origin.path(),
                                   on.other_origin.path(), on.bed.origin.path()};

    for (const Chain *chain : {on.dead.get(), on.other.get(), on.live.get()}) {
        for (const std::string &path : chain->store_paths())
            paths.push_back(path);
    }
    return paths;
}

/* Does a line of the log name the device, by number, kernel name or dm name? */
bool names(const std::string &line, const DmDevice &device) {
    const std::string minor = device.number().substr(device.number().find(':') + 1);

    for (const std::string &name : {device.number(), "dm-" + minor, device.name()}) {
        const std::size_t at = line.find(name);
        const std::size_t end = at + name.size();

        if (at != std::string::npos && (end >= line.size() || std::isdigit(line[end]) == 0))
            return true;
    }
    return false;
}

class BadInputTest {
public:
    explicit BadInputTest(BadInputBed &on) : on_(on), before_(all_devices(on)) {}

    void try_case(const BadCase &bad) {
        on_.bed.session.op++;
        on_.bed.session.history.begin(on_.bed.session.op, bad.name);
        log_.take_new();

        std::string fault = load(bad);
        const std::vector<std::string> lines = log_.take_new();
        const std::string changed = before_.changed();

        if (fault.empty())
            fault = judge_log(bad, lines);
        if (!changed.empty())
            fault += (fault.empty() ? "" : "; ") + changed + " was CHANGED";
        if (!changed.empty())
            before_ = Contents(all_devices(on_));
        report(bad, fault, lines);
    }

    /* The live chain must work as if nothing had happened. */
    void use_live_chain() {
        Run run{on_.bed.session, *on_.live, {}};

        write_batch(run, {on_.live->origin(), on_.live->content(), 0});
        verify_all(run);
        before_ = Contents(all_devices(on_));
    }

    /* Without its chain, an image must give errors and nothing else. */
    void try_image_without_chain() {
        const BadCase bad{
            "image of a store whose chain is not up",
            {{0, on_.bed.geometry.origin_sectors, "esnapshot", on_.dead_store(0).number()}}};
        std::string fault;

        log_.take_new();
        try {
            const OpenDevice image("esm-bad", bad.table, Access::read_only);
            Buffer data(8 * sector_bytes);

            image.file.read(0, data.bytes());
            fault = "it was read";
        } catch (const std::runtime_error &) {
            /* refused by the load, or by the read: both are right */
        }
        if (!before_.changed().empty())
            fault += " a device was CHANGED";
        report(bad, fault, log_.take_new());
    }

    unsigned tried() const { return tried_; }
    const std::vector<std::string> &failed() const { return failed_; }

private:
    /* Returns what is wrong, empty when the table was refused. */
    std::string load(const BadCase &bad) {
        try {
            if (bad.is_reload) {
                on_.live->origin().device.load(bad.table);
                on_.live->origin().device.clear();
            } else {
                const DmDevice device("esm-bad");

                device.load(bad.table);
                device.clear();
            }
        } catch (const DmError &) {
            return {};
        }
        return "it was accepted";
    }

    static std::string judge_log(const BadCase &bad, const std::vector<std::string> &lines) {
        bool has_reason = false;
        bool has_culprit = bad.culprits.empty();

        for (const std::string &line : lines) {
            has_reason |= line.find("esnapshot") != std::string::npos ||
                          line.find("device-mapper") != std::string::npos;
            for (const DmDevice *culprit : bad.culprits)
                has_culprit |= names(line, *culprit);
        }
        if (!has_reason)
            return "the kernel's log gives no reason";
        return has_culprit ? "" : "the kernel's log names no device";
    }

    void report(const BadCase &bad, const std::string &fault,
                const std::vector<std::string> &lines) {
        tried_++;
        fmt::print("{} {}{}{}\n", fault.empty() ? "ok  " : "FAIL", bad.name,
                   fault.empty() ? "" : ": ", fault);
        for (const std::string &line : lines)
            fmt::print("       | {}\n", line);
        std::fflush(stdout);
        if (!fault.empty())
            failed_.push_back(bad.name + ": " + fault);
    }

    BadInputBed &on_;
    Contents before_;
    KernelLog log_;
    unsigned tried_ = 0;
    std::vector<std::string> failed_;
};

void run_cases(BadInputBed &on) {
    BadInputTest test(on);

    for (const BadCase &bad : all_bad_cases(on)) {
        test.try_case(bad);
        if (test.tried() % 10 == 0)
            test.use_live_chain();
    }
    test.try_image_without_chain();
    test.use_live_chain();
    fmt::print("{} cases, {} wrong\n", test.tried(), test.failed().size());
    for (const std::string &line : test.failed())
        fmt::print("  {}\n", line);
    if (!test.failed().empty())
        throw TestFailure("bad input was not treated as it must be");
}

} // namespace

/* Small devices: all of them are compared after every case. */
void command_bad_input(const Options &options, Watchdog &watchdog) {
    Options small = options;

    if (options.use_standin)
        throw std::runtime_error("bad-input: tests the module's own refusals, not dm-snapshot's");
    small.origin_sectors = options.origin_sectors != 0 ? options.origin_sectors : 2040;
    small.chunk_sectors = 16;

    TestBed bed(small, watchdog, options.seed, options.store_sectors * 2);

    bed.geometry.features.clear();
    std::unique_ptr<BadInputBed> on;

    bed.guarded([&] {
        on = std::make_unique<BadInputBed>(bed);
        run_cases(*on);
        for (Chain *chain : {on->dead.get(), on->other.get()}) {
            Run run{bed.session, *chain, {}};

            chain->attach();
            finish_chain(run);
        }
        Run run{bed.session, *on->live, {}};

        finish_chain(run);
        on->cut.reset();
        bed.require_quiet_kernel();
    });
    fmt::print("bad-input: everything was refused, nothing was touched\n");
}

} // namespace esmodel
