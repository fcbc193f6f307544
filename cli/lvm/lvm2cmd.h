// SPDX-License-Identifier: GPL-2.0-only
//
// LVM through its command library.
#pragma once

#include "lvm/api.h"

namespace esnap {

/**
 * Runs each command in a child process that has liblvm2cmd: the library changes signals, locale
 * and libdevmapper's log function, and keeps state between commands that may be out of date.
 * Words must not contain quotes or white space other than blanks inside a word, and no word may
 * be empty: the library takes one line and splits it itself.
 */
class Lvm2Cmd : public LvmApi {
public:
    LvmReply run(const Words &words) override;
};

} // namespace esnap
