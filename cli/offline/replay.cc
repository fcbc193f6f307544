// SPDX-License-Identifier: GPL-2.0-only
#include "offline/replay.h"

#include <cstring>
#include <memory>
#include <span>

#include "error.h"
#include "offline/payload.h"
#include "offline/window.h"

namespace esnap {

namespace {

class Replayer {
public:
    Replayer(const BlockSource &source, const es_sb &sb)
        : machine_(std::make_unique<es_replay>()), window_(source), payload_(source, sb) {
        es_replay_init(machine_.get(), &sb);
    }

    ReplayResult run() {
        for (;;) {
            switch (es_replay_step(machine_.get())) {
            case ES_REPLAY_READ:
                if (!read_block())
                    return finish();
                break;
            case ES_REPLAY_VERIFY:
                if (!verify())
                    return finish();
                break;
            case ES_REPLAY_EXTENTS: // the log reader looks at these closer
            case ES_REPLAY_SEGMENT:
                break;
            case ES_REPLAY_DONE:
                result_.done = true;
                return finish();
            case ES_REPLAY_FAULT:
                result_.fault = machine_->fault;
                result_.fault_addr = machine_->fault_addr;
                return finish();
            }
        }
    }

private:
    bool read_block() {
        try {
            const ConstBytes block = window_.block(machine_->read_addr);
            std::memcpy(machine_->block, block.data(), block.size());
            return true;
        } catch (const Error &error) {
            return stop(machine_->read_addr, error);
        }
    }

    /* What cannot be read is not torn: the kernel refuses to attach, too. */
    bool verify() {
        machine_->payload_ok = true;
        for (const es_extent &extent : std::span(machine_->extents, machine_->nr_extents)) {
            try {
                if (payload_.checksum_matches(extent))
                    continue;
            } catch (const Error &error) {
                return stop(extent.addr, error);
            }
            machine_->payload_ok = false;
            result_.torn_addr = extent.addr;
        }
        return true;
    }

    bool stop(std::uint64_t addr, const Error &error) {
        result_.fault_addr = addr;
        result_.read_error = error.cause();
        return false;
    }

    ReplayResult finish() {
        result_.log = machine_->log;
        return result_;
    }

    std::unique_ptr<es_replay> machine_; // too large for the stack's taste
    BlockWindow window_;
    PayloadVerifier payload_;
    ReplayResult result_;
};

} // namespace

ReplayResult replay_log(const BlockSource &source, const es_sb &sb) {
    return Replayer(source, sb).run();
}

} // namespace esnap
