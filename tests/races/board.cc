// SPDX-License-Identifier: GPL-2.0-only
#include "board.h"

namespace races {

bool Snapshot::shows(const Ledger &written, Sector sector, const Stamp &stamp) {
    Number seen = 0;

    if (stamp.device != rack::origin_device || stamp.address != sector ||
        !written.allows(instant, sector, stamp.seq))
        return false;
    return seen_[sector].compare_exchange_strong(seen, stamp.seq + 1) || seen == stamp.seq + 1;
}

bool View::shows(const Ledger &origin, const Look &look, Sector sector, const Stamp &stamp) {
    if (stamp.device == rack::first_view + number)
        return stamp.address == sector && stamp.seq != 0 && written.allows(look, sector, stamp.seq);
    return written.allows(look, sector, 0) && base->shows(origin, sector, stamp);
}

} // namespace races
