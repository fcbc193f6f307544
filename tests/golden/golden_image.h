// SPDX-License-Identifier: GPL-2.0-only
//
// Golden images: encoded records, written down byte by byte with what each byte means.
// They are the format. A test that differs from one has found a change of the format,
// which needs a new version (docs/format.md), not a new image.
#pragma once

#include <string>

#include "support/core_values.h"

namespace esnap::test {

/** The block that @text (lines "offset: bytes # meaning") describes. */
Block parse_image(const std::string &text);

/** Where two blocks differ first, for people; empty if nowhere. */
std::string first_difference(const Block &found, const Block &golden);

namespace golden {
extern const char superblock[];
extern const char superblock_sealed[];
extern const char superblock_map[];
extern const char superblock_view[];
extern const char superblock_journal[];
extern const char record[];
extern const char record_view[];
extern const char summary[];
extern const char index[];
extern const char journal_superblock[];
extern const char journal_superblock_failed[];
extern const char journal_record[];
extern const char journal_padding[];
} // namespace golden

} // namespace esnap::test
