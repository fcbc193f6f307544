// SPDX-License-Identifier: GPL-2.0-only
#include "ledger.h"

#include <algorithm>

namespace races {

Ledger::Ledger(Clock &clock, Sector sectors) : clock_(clock), writes_{{0, 0}}, floor_(sectors, 0) {}

Number Ledger::begin() {
    const std::lock_guard lock(lock_);

    writes_.push_back({clock_.tick(), no_end});
    return writes_.size() - 1;
}

void Ledger::end(Number number, Range range) {
    const std::lock_guard lock(lock_);
    Write &write = writes_.at(number);

    write.ended = clock_.tick();
    for (Sector s = range.first; s < range.first + range.count; ++s)
        floor_.at(s) = std::max(floor_[s], write.begun);
}

Look Ledger::look(Range range) const {
    const std::lock_guard lock(lock_);
    const auto from = floor_.begin() + static_cast<std::ptrdiff_t>(range.first);

    return {.first = range.first, .floor = {from, from + static_cast<std::ptrdiff_t>(range.count)}};
}

bool Ledger::allows(const Look &look, Sector sector, Number number) const {
    const std::lock_guard lock(lock_);

    if (number >= writes_.size())
        return false;
    return writes_[number].begun <= look.until &&
           writes_[number].ended >= look.floor.at(sector - look.first);
}

Number Ledger::writes() const {
    const std::lock_guard lock(lock_);

    return writes_.size() - 1;
}

} // namespace races
