#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""writes_log.py LOG MARK: what dm-log-writes saw between MARK and the next one, a word for each.

fua, plain: a write with FUA, and without. flush: one without data.
Format of the log: drivers/md/dm-log-writes.c
"""

import struct
import sys

MAGIC, VERSION, SECTOR = 0x6A736677736872, 1, 512
FUA, DISCARD, MARK = 2, 4, 8


def entries(file):
    """(flags, sectors, text of a mark) of each."""
    magic, version, number, size = struct.unpack_from("<QQQL", file.read(SECTOR))
    if (magic, version, size) != (MAGIC, VERSION, SECTOR):
        sys.exit(f"{file.name}: not a log of dm-log-writes with sectors of {SECTOR} bytes")
    for _ in range(number):
        header = file.read(SECTOR)
        _, sectors, flags, length = struct.unpack_from("<QQQQ", header)
        text = header[32:32 + length].decode() if flags & MARK else None
        if not flags & (DISCARD | MARK):
            file.seek(sectors * SECTOR, 1)
        yield flags, sectors, text


def word(flags, sectors):
    if not sectors:
        return "flush"
    if flags & DISCARD:
        return "discard"
    return "fua" if flags & FUA else "plain"


def main():
    is_between = False
    with open(sys.argv[1], "rb") as file:
        for flags, sectors, text in entries(file):
            if flags & MARK:
                is_between = text == sys.argv[2]
            elif is_between:
                print(word(flags, sectors))


if __name__ == "__main__":
    main()
