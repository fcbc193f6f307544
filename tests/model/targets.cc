// SPDX-License-Identifier: GPL-2.0-only
#include "targets.h"

#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command.h"
#include "process.h"

namespace esmodel {

namespace {

std::string word_of(const std::string &text, std::size_t number) {
    std::size_t from = 0;

    for (; number > 0 && from != std::string::npos; number--)
        from = text.find(' ', from) == std::string::npos ? std::string::npos
                                                         : text.find(' ', from) + 1;
    if (from == std::string::npos)
        return {};
    return text.substr(from, text.find(' ', from) - from);
}

/** Runs an esnap command line in this process: starting a program takes long under emulation. */
void run_esnap(const std::vector<std::string> &words) {
    std::ostringstream text;

    if (esnap::run_command_line(words, text, text) != 0)
        throw std::runtime_error(fmt::format("esnap {}: {}", fmt::join(words, " "), text.str()));
}

class EsnapTargets : public Targets {
public:
    Table org(const OrgSpec &spec) const override {
        std::string params =
            fmt::format("{} {} {} {}", spec.origin, spec.chunk_sectors,
                        spec.journal.empty() ? "-" : spec.journal, spec.stores.size());

        for (const std::string &store : spec.stores)
            params += " " + store;
        if (!spec.features.empty())
            params += fmt::format(" {} {}", spec.features.size(), fmt::join(spec.features, " "));
        return {{0, spec.sectors, "esnapshot-org", params}};
    }

    Table image(const ImageSpec &spec) const override {
        return {{0, spec.sectors, "esnapshot", spec.store}};
    }

    Table view(const ViewSpec &spec) const override {
        return {{0, spec.sectors, "esnapshot-view",
                 fmt::format("{} {} {}", spec.view_store, spec.origin, spec.snapshot_store)}};
    }

    void format_snapshot(const std::string &origin, const std::string &previous,
                         unsigned chunk_sectors, const std::string &store) const override {
        std::vector<std::string> words{"format", "--origin", origin};

        if (!previous.empty())
            words.insert(words.end(), {"--after", previous});
        words.insert(words.end(), {"-c", fmt::format("{}k", chunk_sectors / 2), store});
        run_esnap(words);
    }

    void format_view(const std::string &snapshot_store, const std::string &store) const override {
        run_esnap({"format", "--view-of", snapshot_store, store});
    }

    void format_journal(const std::string &newest_store,
                        const std::string &journal) const override {
        run_esnap({"format", "--journal-for", newest_store, journal});
    }

    void check(const std::string &store) const override { run_esnap({"check", store}); }

    bool is_healthy(const Target &status) const override {
        const std::size_t state_word = status.type == "esnapshot-org" ? 0 : 2;
        const std::string state = word_of(status.params, state_word);
        const bool has_failed_journal =
            status.type == "esnapshot-org" && word_of(status.params, 6) == "failed";

        return (state == "ok" || state == "low") && !has_failed_journal;
    }

    bool needs_open_images() const override { return false; }
};

/* dm-snapshot: every snapshot stands alone, and a view is a snapshot of its image. */
class StandinTargets : public Targets {
public:
    Table org(const OrgSpec &spec) const override {
        return {{0, spec.sectors, "snapshot-origin", spec.origin}};
    }

    Table image(const ImageSpec &spec) const override {
        return snapshot(spec.sectors, spec.origin, spec.store, spec.chunk_sectors);
    }

    Table view(const ViewSpec &spec) const override {
        return snapshot(spec.sectors, spec.snapshot_image, spec.view_store, spec.chunk_sectors);
    }

    /* A blank store is what dm-snapshot formats itself. */
    void format_snapshot(const std::string &, const std::string &, unsigned,
                         const std::string &) const override {}

    void format_view(const std::string &, const std::string &) const override {}
    void format_journal(const std::string &, const std::string &) const override {}
    void check(const std::string &) const override {}

    bool is_healthy(const Target &status) const override {
        return status.params.find("Invalid") == std::string::npos &&
               status.params.find("Overflow") == std::string::npos;
    }

    bool needs_open_images() const override { return true; }

private:
    static Table snapshot(Sector sectors, const std::string &origin, const std::string &store,
                          unsigned chunk_sectors) {
        return {{0, sectors, "snapshot", fmt::format("{} {} P {}", origin, store, chunk_sectors)}};
    }
};

} // namespace

std::unique_ptr<Targets> make_esnap_targets() {
    return std::make_unique<EsnapTargets>();
}

std::unique_ptr<Targets> make_standin_targets() {
    return std::make_unique<StandinTargets>();
}

} // namespace esmodel
