// SPDX-License-Identifier: GPL-2.0-only
//
// What a check finds: the rules call a sink, the command decides how to print it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace esnap {

enum class Severity {
    note,       /**< worth knowing; the store is sound (after a crash, say) */
    unverified, /**< it changed while it was read: whether it is right is not known */
    fault,      /**< something is wrong with the store */
};

/** Where in a store. */
enum class Area { device, superblock, log, record, payload, summary, extent, index, map };

const char *area_text(Area area);

struct Finding {
    Severity severity = Severity::fault;
    Area area = Area::device;
    std::optional<std::uint64_t> offset{}; /**< byte on the device, where it has a place */
    std::string cause;

    bool operator==(const Finding &) const = default;
};

class FindingSink {
public:
    virtual ~FindingSink() = default;
    virtual void add(Finding finding) = 0;

    void fault(Area area, std::optional<std::uint64_t> offset, std::string cause) {
        add({Severity::fault, area, offset, std::move(cause)});
    }
    void unverified(Area area, std::optional<std::uint64_t> offset, std::string cause) {
        add({Severity::unverified, area, offset, std::move(cause)});
    }
    void note(Area area, std::optional<std::uint64_t> offset, std::string cause) {
        add({Severity::note, area, offset, std::move(cause)});
    }
};

/** Keeps them in the order they came. */
class FindingList final : public FindingSink {
public:
    void add(Finding finding) override { all_.push_back(std::move(finding)); }

    const std::vector<Finding> &all() const { return all_; }
    std::size_t count(Severity severity) const;
    /** All was verified, and nothing is wrong. */
    bool clean() const { return count(Severity::fault) == 0 && count(Severity::unverified) == 0; }

private:
    std::vector<Finding> all_;
};

} // namespace esnap
