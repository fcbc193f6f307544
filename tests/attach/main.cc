// SPDX-License-Identifier: GPL-2.0-only
//
// esnap-attack: damaged stores and journals attached by the module, thousands of them. Each is
// refused or right; see mutant.h for what right is. Then table lines and messages.
//
// Everything follows from --seed; an iteration can be repeated alone with --only.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <sstream>
#include <thread>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "lines.h"
#include "process.h"
#include "trial.h"

namespace po = boost::program_options;

namespace {

using namespace attach;
using esmodel::Rng;

struct Options {
    std::string disk;
    std::uint64_t seed = 1, count = 500, lines = 300, messages = 200, failures = 5;
    std::int64_t only = -1;
    unsigned stall_seconds = 120;
    bool verbose = false;
};

/** Prints where it hangs, and ends, when an iteration takes too long. */
class Watch {
public:
    Watch(std::uint64_t seed, unsigned seconds) : seed_(seed), seconds_(seconds) {
        std::thread([this] { work(); }).detach();
    }
    void sign_of_life(const char *what, std::uint64_t iteration) {
        what_ = what;
        iteration_ = iteration;
        ++count_;
    }

private:
    void work() {
        for (std::uint64_t last = 0;; last = count_) {
            std::this_thread::sleep_for(std::chrono::seconds(seconds_));
            if (last != count_)
                continue;
            std::printf("FAILED: HANG: seed %llu %s %llu\n", static_cast<unsigned long long>(seed_),
                        what_.load(), static_cast<unsigned long long>(iteration_));
            std::fflush(stdout);
            std::_Exit(1);
        }
    }

    const std::uint64_t seed_;
    const unsigned seconds_;
    std::atomic<const char *> what_ = "preparing";
    std::atomic<std::uint64_t> iteration_ = 0, count_ = 1;
};

struct Prepared {
    explicit Prepared(const Base &b) : base(b), catalogue(b), truth(b, catalogue) {}

    const Base &base;
    const Catalogue catalogue;
    const Truth truth;
};

struct Counts {
    std::uint64_t trials = 0, judged = 0, refused = 0, attached = 0;
    std::uint64_t images = 0, refused_images = 0, right = 0, failed = 0, damaged = 0;
};

class Attack {
public:
    explicit Attack(const Options &options)
        : options_(options), watch_(options.seed, options.stall_seconds), lab_(options.disk),
          bases_(make_bases(lab_, options.seed)) {
        for (const Base &base : bases_)
            prepared_.push_back(std::make_unique<Prepared>(base));
    }

    int run() {
        const auto start = std::chrono::steady_clock::now();
        undamaged();
        const auto each = [&](const char *what, std::uint64_t count, auto act) {
            for (std::uint64_t i = 0; i < count && failures_ < options_.failures; ++i) {
                if (options_.only >= 0 && i != static_cast<std::uint64_t>(options_.only))
                    continue;
                watch_.sign_of_life(what, i);
                act(i);
                require_quiet_kernel(what, i);
            }
        };
        const auto seconds = [&] {
            return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        };
        if (options_.only < 0) {
            each("line", options_.lines, [this](std::uint64_t i) { line(i); });
            each("messages", options_.messages / 50, [this](std::uint64_t i) { messages(i); });
        }
        each("iteration", options_.count, [&](std::uint64_t i) {
            damaged(i);
            if ((i + 1) % 1000 == 0)
                report(seconds());
        });
        report(seconds());
        return failures_ ? 1 : 0;
    }

private:
    /** Nothing is refused and nothing fails without a reason. */
    void undamaged() {
        for (std::uint64_t i = 0; i < 2 * prepared_.size(); ++i) {
            const Prepared &p = *prepared_[i / 2];
            Rng rng(options_.seed + i);
            const Outcome out = run_trial(lab_, p.base, p.truth, {}, rng);
            if (out.is_refused || out.refused_images || out.failed_blocks || !out.wrong.empty())
                fail(fmt::format("undamaged '{}': refused {}, {} images refused, {} blocks failed",
                                 p.base.name, out.is_refused, out.refused_images,
                                 out.failed_blocks),
                     out.wrong);
        }
    }

    /** An iteration's own random numbers, so that it can be repeated alone. */
    Rng rng_of(std::uint64_t i, std::uint64_t kind) const {
        return Rng((options_.seed * 1000003 + i) * 3 + kind);
    }

    void damaged(std::uint64_t i) {
        Rng rng = rng_of(i, 0);
        const Prepared &p = *rng.pick(prepared_);
        const Mutant mutant = make_mutant(p.base, p.catalogue, rng);
        if (options_.only >= 0 || options_.verbose)
            tell(i, p.base, mutant);
        const Outcome out = run_trial(lab_, p.base, p.truth, mutant, rng);
        count(mutant, out);
        if (!out.wrong.empty()) {
            tell(i, p.base, mutant);
            fail(fmt::format("iteration {}", i), out.wrong);
        }
    }

    static void tell(std::uint64_t i, const Base &base, const Mutant &mutant) {
        fmt::print("{}: '{}'{}\n", i, base.name, mutant.is_judged ? "" : ", not judged");
        for (const std::string &what : mutant.what)
            fmt::print("  {}\n", what);
        std::fflush(stdout);
    }

    void count(const Mutant &mutant, const Outcome &out) {
        ++counts_.trials;
        counts_.judged += mutant.is_judged;
        ++(out.is_refused ? counts_.refused : counts_.attached);
        counts_.images += out.images;
        counts_.refused_images += out.refused_images;
        counts_.right += out.right_blocks;
        counts_.failed += out.failed_blocks;
        counts_.damaged += out.damaged_blocks;
    }

    void line(std::uint64_t i) {
        Rng rng = rng_of(i, 1);
        const Base &base = rng.pick(bases_);
        std::string text;
        if (&base != restored_)
            lab_.restore(base.disks, {});
        restored_ = &base;
        try {
            try_line(lab_, base, rng, line_counts_, text);
        } catch (const std::exception &e) {
            fail(fmt::format("line {}, '{}': {}", i, base.name, text), {e.what()});
        }
    }

    void messages(std::uint64_t i) {
        Rng rng = rng_of(i, 2);
        const Base &base = rng.pick(bases_);
        std::string text;
        try {
            try_messages(lab_, base, rng, 50, line_counts_, text);
        } catch (const std::exception &e) {
            fail(fmt::format("messages {}, '{}': {}", i, base.name, text), {e.what()});
        }
    }

    void require_quiet_kernel(const char *what, std::uint64_t i) {
        for (const std::string &text : log_.take_new()) {
            if (esmodel::is_kernel_complaint(text))
                fail(fmt::format("{} {}", what, i), {"the kernel complained: " + text});
            else if (options_.only >= 0 || options_.verbose)
                fmt::print("  | {}\n", text);
        }
    }

    void fail(const std::string &where, const std::vector<std::string> &wrong) {
        ++failures_;
        fmt::print("FAILED: seed {}, {}\n", options_.seed, where);
        for (const std::string &what : wrong)
            fmt::print("  {}\n", what);
        std::fflush(stdout);
    }

    void report(double seconds) const {
        fmt::print("seed {}: {} damaged chains, {} of them judged: {} refused, {} attached; {} "
                   "images opened, {} refused\n"
                   "  blocks read: {} right, {} I/O errors, {} with damage that was not proven "
                   "wrong\n"
                   "  {} table lines: {} accepted, {} came up; {} messages, {} understood\n"
                   "  {} failures, {:.0f} s\n",
                   options_.seed, counts_.trials, counts_.judged, counts_.refused, counts_.attached,
                   counts_.images, counts_.refused_images, counts_.right, counts_.failed,
                   counts_.damaged, line_counts_.lines, line_counts_.accepted, line_counts_.resumed,
                   line_counts_.messages, line_counts_.understood, failures_, seconds);
    }

    const Options &options_;
    esmodel::KernelLog log_;
    Watch watch_;
    Lab lab_;
    const std::vector<Base> bases_;
    std::vector<std::unique_ptr<Prepared>> prepared_;
    const Base *restored_ = nullptr;
    Counts counts_;
    LineCounts line_counts_;
    std::uint64_t failures_ = 0;
};

/** After a failure devices are left as they are: taking them down could hang. */
[[noreturn]] void run(const Options &options) {
    int status = 1;
    try {
        esmodel::use_private_nodes();
        auto attack = std::make_unique<Attack>(options);
        status = attack->run();
        if (status != 0)
            static_cast<void>(attack.release());
    } catch (const std::exception &e) {
        fmt::print("FAILED: seed {}: {}\n", options.seed, e.what());
    }
    std::fflush(stdout);
    std::_Exit(status);
}

} // namespace

int main(int argc, char **argv) {
    Options o;
    po::options_description text("options");
    auto add = text.add_options();
    add("disk", po::value(&o.disk)->required(), "a RAM disk of at least 12 MiB; it is overwritten");
    add("seed", po::value(&o.seed), "what everything follows from");
    add("count", po::value(&o.count), "damaged chains");
    add("lines", po::value(&o.lines), "table lines");
    add("messages", po::value(&o.messages), "messages");
    add("only", po::value(&o.only), "this damaged chain only");
    add("failures", po::value(&o.failures), "end after so many");
    add("stall", po::value(&o.stall_seconds), "seconds without progress that are a hang");
    add("verbose", po::bool_switch(&o.verbose), "print every damage and the kernel's answers");
    try {
        po::variables_map values;
        po::store(po::parse_command_line(argc, argv, text), values);
        po::notify(values);
    } catch (const po::error &e) {
        std::fprintf(stderr, "esnap-attack: %s\n%s", e.what(),
                     (std::ostringstream() << text).str().c_str());
        return 3;
    }
    run(o);
}
