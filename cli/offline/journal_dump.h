// SPDX-License-Identifier: GPL-2.0-only
//
// Prints what a write journal holds: its superblock, and every record that it keeps with its
// entries, oldest first.
#pragma once

#include <ostream>

#include "offline/journal.h"

namespace esnap {

/**
 * Both throw Error if there is no valid superblock; what is damaged behind it is shown as such.
 *
 * The JSON is one object, written as it is read; its keys are an interface:
 *
 *   device       {path, bytes}
 *   superblock   its fields, and copies [{copy, offset, generation|null, fault|null, counts}]
 *   records      [{offset, addr, seq, epoch, type, blocks, needed_seq, needed, torn,
 *                  entries [{lsn, time, op, fua, sector, sectors, addr|null, crc|null,
 *                            crc_state}]}]
 *   history_fault null, or {fault, offset}: the records from the oldest needed on follow then
 *   end          {complete, next_seq, next_lsn, offset, needed_seq, needed_bytes, kept_bytes,
 *                 total_bytes, oldest_time|null, fault|null, fault_offset|null}
 *
 * A record is "needed" when the superblock says that it may not be in place yet; the last
 * record may know better (end.needed_seq). kept_bytes are with the needed ones.
 */
void dump_journal_text(const BlockSource &source, std::ostream &out);
void dump_journal_json(const BlockSource &source, std::ostream &out);

} // namespace esnap
