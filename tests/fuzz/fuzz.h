// SPDX-License-Identifier: GPL-2.0-only
//
// Fuzz targets: one per decoder, and replay. Each takes any bytes, and aborts when the code
// under test breaks a promise that the sanitizers do not know of. libFuzzer runs them
// (ESNAP_FUZZ=ON), and the unit tests do over a small fixed corpus.
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/core_values.h"

namespace esnap::test {

void fuzz_superblock(const std::uint8_t *data, std::size_t size);
void fuzz_block(const std::uint8_t *data, std::size_t size);
void fuzz_index(const std::uint8_t *data, std::size_t size);
void fuzz_replay(const std::uint8_t *data, std::size_t size);
void fuzz_jsb(const std::uint8_t *data, std::size_t size);
void fuzz_jrec(const std::uint8_t *data, std::size_t size);
void fuzz_jwalk(const std::uint8_t *data, std::size_t size);

/** Aborts unless @promise holds. */
void expect(bool promise);

/** Reads values from fuzz input; zeros when it is used up. */
class Input {
public:
    Input(const std::uint8_t *data, std::size_t size) : data_(data), left_(size) {}

    bool empty() const { return left_ == 0; }
    std::uint64_t take(unsigned bytes);
    /** The rest, over @block from its start. */
    void rest(Block &block);

private:
    const std::uint8_t *data_;
    std::size_t left_;
};

/**
 * A block made of the rest of @input: raw bytes, or, by a first even byte, @base with
 * patches (offset 2 bytes, width 1, value 8) and its checksum at @crc put right, so that
 * the checks behind the checksum are reached.
 */
Block mutated(Input &input, const Block &base, Field crc);

/** One such patch of @block. */
void patch(Input &input, Block &block);

} // namespace esnap::test
