// SPDX-License-Identifier: GPL-2.0-only
//
// Prints what a store holds. The walk hands over one part after the other, so that a large
// store needs no more memory than one segment; the order of calls is
//
//     superblocks (segment)* log_end (index_begin (index_block)* index_end)? finish
#pragma once

#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "offline/log_reader.h"
#include "offline/superblock.h"

namespace esnap {

class DumpWriter {
public:
    virtual ~DumpWriter() = default;
    virtual void superblocks(const BlockSource &source, const Superblocks &both) = 0;
    virtual void segment(const Segment &segment) = 0;
    virtual void log_end(const ReplayResult &replay) = 0;
    virtual void index_begin(const es_sb &sb) = 0;
    /** A block of the index; @fault, unless empty, says why there are no extents. */
    virtual void index_block(std::uint64_t addr, const std::string &fault,
                             std::span<const es_extent> extents) = 0;
    virtual void index_end() = 0;
    virtual void finish() = 0;
};

/** Both print single extents only if @with_extents. */
std::unique_ptr<DumpWriter> make_text_dump(std::ostream &out, bool with_extents);
std::unique_ptr<DumpWriter> make_json_dump(std::ostream &out, bool with_extents);

/**
 * Walks the store on @source. Throws Error if there is no valid superblock; what is damaged
 * behind it is shown as such.
 */
void dump_store(const BlockSource &source, DumpWriter &writer);

} // namespace esnap
