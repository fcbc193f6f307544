// SPDX-License-Identifier: GPL-2.0-only
//
// Rings of a journal with records in all kinds of places, made in user space, and what the
// origin must hold when they have been replayed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/crash_device.h"
#include "support/journal_writer.h"

namespace esnap::test {

struct Ring {
    std::string name;
    CrashDevice device;
    /** What core's walk finds there, which is needed. */
    std::vector<JournalRecord> records;
    /** All zeros, with those applied in their order. */
    std::vector<std::uint8_t> origin;
};

/**
 * One ring of each kind, in the journal @sb, for an origin of @sectors that holds zeros.
 * @sb: as on the disk; its size is the rings'
 */
std::vector<Ring> make_rings(const es_jsb &sb, std::uint64_t sectors);

} // namespace esnap::test
