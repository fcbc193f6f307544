#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the same 1 MiB of a device again and again, and reads a part of it meanwhile.

    reread.py DEVICE SECONDS

Each write has a higher number in it than the one before. No read may show a lower one than that of the
last write that had been acknowledged when the read began. Exit status 1: one did.
"""

import mmap
import multiprocessing
import os
import struct
import sys
import time

LENGTH, BLOCK = 1 << 20, 4096


def write(path, acknowledged):
    """Writes until it is ended; @acknowledged is the number of the last write that was answered."""
    device = os.open(path, os.O_WRONLY | os.O_DIRECT)
    data = mmap.mmap(-1, LENGTH)
    number = 0
    while True:
        number += 1
        for at in range(0, LENGTH, BLOCK):
            struct.pack_into("<Q", data, at, number)
        os.pwrite(device, data, 0)
        acknowledged.value = number


def read(path, acknowledged, seconds):
    """The number of reads; exits when one was wrong."""
    device = os.open(path, os.O_RDONLY | os.O_DIRECT)
    data = mmap.mmap(-1, BLOCK)
    end = time.monotonic() + seconds
    reads = 0
    while time.monotonic() < end:
        least = acknowledged.value
        os.preadv(device, [data], 0)
        found = struct.unpack_from("<Q", data)[0]
        if found < least:
            sys.exit(f"read {reads}: found write {found}, but {least} had been acknowledged before")
        reads += 1
    return reads


def main():
    path, seconds = sys.argv[1], float(sys.argv[2])
    acknowledged = multiprocessing.Value("Q", 0, lock=False)
    writer = multiprocessing.Process(target=write, args=(path, acknowledged), daemon=True)
    writer.start()
    while not acknowledged.value and writer.is_alive():
        time.sleep(0.1)
    reads = read(path, acknowledged, seconds)
    if not writer.is_alive():
        sys.exit("a write failed")
    print(f"{acknowledged.value} writes, {reads} reads")
    return 0 if reads > 100 and acknowledged.value > 10 else "too few to say anything"


if __name__ == "__main__":
    sys.exit(main())
