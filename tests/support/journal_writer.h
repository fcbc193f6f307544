// SPDX-License-Identifier: GPL-2.0-only
//
// A write journal in user space that writes its device as the kernel does: one append at a
// time, header and payload in one FUA write, with padding in front in flight at the same
// time; a superblock commit is PREFLUSH|FUA, at attach before the first append.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "es_jwalk.h"
#include "support/crash_device.h"
#include "support/journal_values.h"

namespace esnap::test {

struct JournalRecord {
    es_jrec rec{};
    std::vector<es_jentry> entries;
};

bool same(const JournalRecord &a, const JournalRecord &b);

/** What a walk gave out. */
struct Walked {
    es_fault fault = ES_OK;
    std::uint64_t fault_addr = 0;
    es_ring ring{};
    std::vector<JournalRecord> records;
    unsigned checks = 0; // records that only their payload proves
    bool torn = false;   // the last was one, and was not complete
    std::uint64_t reads = 0;
};

using ReadJournal = std::function<Block(std::uint64_t addr)>;

Walked walk(const es_jsb &sb, const ReadJournal &read, const es_jpos &from);
Walked walk(const es_jsb &sb, const CrashDevice &device, const es_jpos &from);

/** Whether the payload of each of @record's entries is what its checksum says. */
bool payload_ok(const ReadJournal &read, const JournalRecord &record);

/** The superblock that counts on @device. */
es_fault read_superblock(const CrashDevice &device, es_jsb &sb);

class JournalWriter {
public:
    explicit JournalWriter(CrashDevice &device) : device_(device) {}

    /** Write both copies of @sb, as a formatted journal that was never attached. */
    static void format(CrashDevice &device, es_jsb sb);

    /** Walk, then commit the new epoch unless the walk failed. */
    Walked attach();
    /** As the kernel does when the chain does not name the journal: nothing is replayed. */
    void attach_without_replay();
    void detach();

    /**
     * Append one record. Payload follows from each entry's sector and @salt; crc and addr are
     * filled in. Gives history up as it must. False: too much is needed.
     */
    bool append(std::vector<es_jentry> &entries, std::uint64_t salt);

    /** Everything but the newest @but records is in place. */
    void in_place(std::size_t but);

    /** Go on at @addr with record @seq, in an empty ring: before the first attach only. */
    static es_jsb moved(es_jsb sb, std::uint64_t addr, std::uint64_t seq);

    const es_jsb &sb() const { return sb_; }
    const es_ring &ring() const { return ring_; }
    /** Records, padding included, of the append under way when the power failed. */
    const std::vector<JournalRecord> &in_flight() const { return in_flight_; }
    /** Records of all appends since the last attach that are durable. */
    const std::vector<JournalRecord> &durable() const { return durable_; }

private:
    void begin_epoch();
    void commit();
    bool make_room(std::uint32_t blocks);

    CrashDevice &device_;
    es_jsb sb_{};
    es_ring ring_{};
    std::deque<es_jpos> not_in_place_;
    std::vector<JournalRecord> in_flight_;
    std::vector<JournalRecord> durable_;
};

} // namespace esnap::test
