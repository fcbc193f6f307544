// SPDX-License-Identifier: GPL-2.0-only
//
// The devices: one disk under dm-log-writes, cut into the origin and slots, and the chain on
// top of them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices.h"
#include "event.h"
#include "layout.h"

namespace rack {

/** Paths of the disk that is recorded and of the one that takes the record. */
struct Disks {
    std::string data;
    std::string log;
};

class Stack {
public:
    Stack(const Layout &layout, const Disks &disks);

    const Layout &layout() const { return layout_; }

    void mark(const Event &event) const { logged_.message("mark " + to_text(event)); }
    void mark_text(const std::string &text) const { logged_.message("mark " + text); }

    /** Makes slot @slot, or gives it another size. */
    void set_slot(std::uint32_t slot, Sector sectors);
    const esmodel::DmDevice &slot(std::uint32_t number) const { return *slots_.at(number); }
    const esmodel::DmDevice &origin() const { return origin_; }

    /** From the next table with a store on, the journal stands in it, or does no longer. */
    void use_journal(bool use) { use_journal_ = use; }
    /** Creates the chain's device with these stores, oldest first. */
    void attach(const std::vector<std::uint32_t> &stores);
    /** Changes it to these. */
    void change(const std::vector<std::uint32_t> &stores) const;
    /** Images and views must be gone. */
    void detach() { org_.reset(); }
    const esmodel::DmDevice &org() const { return *org_; }
    /** The chain's state: the first word of its status. */
    std::string state() const;

    esmodel::DmDevice make_image(std::uint32_t slot) const;
    esmodel::DmDevice make_view(std::uint32_t slot, std::uint32_t base) const;

private:
    esmodel::Table org_table(const std::vector<std::uint32_t> &stores) const;

    const Layout layout_;
    esmodel::DmDevice logged_;
    esmodel::DmDevice origin_;
    std::map<std::uint32_t, std::optional<esmodel::DmDevice>> slots_;
    std::optional<esmodel::DmDevice> org_;
    bool use_journal_ = false;
};

/** Runs a command line of esnap in this process; throws with its output when it fails. */
void run_esnap(const std::vector<std::string> &words);

} // namespace rack
