// SPDX-License-Identifier: GPL-2.0-only
//
// Drives core's replay machine over a store, as the kernel does when it attaches one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "es_replay.h"
#include "offline/block_source.h"

namespace esnap {

struct ReplayResult {
    bool done = false;                        /**< the machine reached the log's end */
    es_log log{};                             /**< the end; without done how far it came */
    es_fault fault = ES_OK;                   /**< why it stopped */
    std::uint64_t fault_addr = 0;             /**< and at which block */
    std::string read_error{};                 /**< not empty: because that block cannot be read */
    std::optional<std::uint64_t> torn_addr{}; /**< payload of a torn last record */
};

ReplayResult replay_log(const BlockSource &source, const es_sb &sb);

} // namespace esnap
