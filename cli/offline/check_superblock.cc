// SPDX-License-Identifier: GPL-2.0-only
//
// The rules for the two copies of the superblock and the size of the device.
#include "offline/checker.h"

#include <fmt/format.h>

namespace esnap {

namespace {

std::string why_invalid(const SuperblockCopy &copy) {
    return copy.read_error.empty() ? es_fault_text(copy.fault)
                                   : "cannot be read: " + copy.read_error;
}

void report_invalid(const SuperblockCopy &copy, Severity severity, const char *remark,
                    FindingSink &sink) {
    sink.add({severity, Area::superblock, byte_offset(copy.addr),
              fmt::format("copy {}: {}{}", copy.letter, why_invalid(copy), remark)});
}

// The copy that does not count. A crash may have torn it while it was being written.
void check_other_copy(const Superblocks &both, FindingSink &sink) {
    const SuperblockCopy &other = both.other();
    if (both.sb.generation == 1 && other.read_error.empty() && other.fault == ES_FAULT_BLANK)
        report_invalid(other, Severity::note, " (it was never written)", sink);
    else if (other.read_error.empty() &&
             (both.sb.flags & ES_SB_ATTACHED ||
              other.claim.is_torn_commit(both.sb.store_uuid, both.sb.generation)))
        report_invalid(other, Severity::note, " (normal after a crash during its writing)", sink);
    else
        report_invalid(other, Severity::fault,
                       " (unless the power failed while the store was being attached; attaching "
                       "it writes this copy again)",
                       sink);
}

bool same_store(const es_sb &a, const es_sb &b) {
    return es_uuid_equal(a.store_uuid, b.store_uuid) && a.kind == b.kind && a.serial == b.serial &&
           es_uuid_equal(a.chain_uuid, b.chain_uuid) && es_uuid_equal(a.link_uuid, b.link_uuid) &&
           a.chunk_sectors == b.chunk_sectors && a.segment_blocks == b.segment_blocks;
}

void check_place(const SuperblockCopy &copy, FindingSink &sink) {
    if (es_sb_addr(copy.sb.generation) != copy.addr)
        sink.fault(Area::superblock, byte_offset(copy.addr),
                   fmt::format("copy {}: generation {} belongs to the other copy", copy.letter,
                               copy.sb.generation));
}

void check_pair(const Superblocks &both, FindingSink &sink) {
    const SuperblockCopy &other = both.other();
    if (!same_store(both.sb, other.sb)) {
        sink.fault(Area::superblock, byte_offset(other.addr),
                   fmt::format("copy {}: it is of another store ({})", other.letter,
                               uuid_text(other.sb.store_uuid)));
        return;
    }
    if (other.sb.generation + 1 != both.sb.generation)
        sink.note(Area::superblock, byte_offset(other.addr),
                  fmt::format("copy {}: generation {}, where {} is before {}: a write was lost",
                              other.letter, other.sb.generation, both.sb.generation - 1,
                              both.sb.generation));
}

} // namespace

void check_superblocks(const Superblocks &both, std::uint64_t device_blocks, FindingSink &sink) {
    if (!both.valid()) {
        report_invalid(both.a, Severity::fault, "", sink);
        report_invalid(both.b, Severity::fault, "", sink);
        return;
    }
    check_place(both.chosen(), sink);
    if (both.other().valid()) {
        check_place(both.other(), sink);
        check_pair(both, sink);
    } else {
        check_other_copy(both, sink);
    }
    if (es_sb_check_device(&both.sb, device_blocks) != ES_OK)
        sink.fault(Area::device, {},
                   fmt::format("{}: {}, the superblock says {}; the log was not checked",
                               es_fault_text(ES_FAULT_DEVICE_SHRANK),
                               bytes_text(byte_offset(device_blocks)),
                               bytes_text(byte_offset(both.sb.device_blocks))));
    else if (device_blocks > both.sb.device_blocks)
        sink.note(Area::device, {},
                  fmt::format("{} at its end are not in use yet",
                              bytes_text(byte_offset(device_blocks - both.sb.device_blocks))));
}

} // namespace esnap
