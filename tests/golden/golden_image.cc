// SPDX-License-Identifier: GPL-2.0-only
#include "golden/golden_image.h"

#include <cstdio>
#include <sstream>
#include <stdexcept>

namespace esnap::test {

Block parse_image(const std::string &text) {
    std::istringstream lines(text);
    std::string line;
    Block block;

    while (std::getline(lines, line)) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::size_t at = 0;
        char colon = 0;
        if (!(words >> std::hex >> at >> colon))
            continue;
        for (unsigned byte = 0; words >> byte; ++at)
            block.bytes.at(at) = static_cast<std::uint8_t>(byte);
        if (!words.eof())
            throw std::invalid_argument("golden image: " + line);
    }
    return block;
}

std::string first_difference(const Block &found, const Block &golden) {
    for (std::size_t i = 0; i < ES_BLOCK_SIZE; ++i) {
        if (found.bytes[i] == golden.bytes[i])
            continue;
        std::array<char, 80> text{};
        std::snprintf(text.data(), text.size(), "byte 0x%04zx is %02x, golden is %02x", i,
                      found.bytes[i], golden.bytes[i]);
        return text.data();
    }
    return "";
}

// clang-format off
namespace golden {
const char superblock[] =
#include "golden/superblock_v1.hex"
;
const char superblock_sealed[] =
#include "golden/superblock_sealed_v1.hex"
;
const char superblock_map[] =
#include "golden/superblock_map_v1.hex"
;
const char superblock_view[] =
#include "golden/superblock_view_v1.hex"
;
const char superblock_journal[] =
#include "golden/superblock_journal_v1.hex"
;
const char record[] =
#include "golden/record_v1.hex"
;
const char record_view[] =
#include "golden/record_view_v1.hex"
;
const char summary[] =
#include "golden/summary_v1.hex"
;
const char index[] =
#include "golden/index_v1.hex"
;
const char journal_superblock[] =
#include "golden/journal_superblock_v1.hex"
;
const char journal_superblock_failed[] =
#include "golden/journal_superblock_failed_v1.hex"
;
const char journal_record[] =
#include "golden/journal_record_v1.hex"
;
const char journal_padding[] =
#include "golden/journal_padding_v1.hex"
;
} // namespace golden
// clang-format on

} // namespace esnap::test
