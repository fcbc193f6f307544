#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Direct writes from a buffer that another process changes all the time.

    scribble.py DEVICE COUNT FILE MIB
    scribble.py --verify DEVICE FILE

The first form does COUNT writes of 64 KiB each, at random places of the first MIB MiB, and lists
those in FILE. Every word of the buffer tells its place in it and the version, and changes as one.
After each write the device is read twice: both must be the same, however the buffer goes on.
--verify looks whether each place that was written holds words of its own.
"""

import json
import mmap
import os
import random
import signal
import struct
import sys

SIZE = 65536
WORDS = SIZE // 8


def image(version):
    return struct.pack(f"<{WORDS}Q", *(version << 32 | word for word in range(WORDS)))


def scribble(buffer):
    """Versions made before, because a page must change within the time that its checksum takes."""
    versions = [image(version) for version in range(1, 17)]
    pages = list(range(0, SIZE, 4096))
    while True:
        for data in versions:
            random.shuffle(pages)
            for at in pages:
                buffer[at:at + 4096] = data[at:at + 4096]


def check(data):
    """How many versions there are in @data, whose words must be in their places."""
    words = struct.unpack(f"<{WORDS}Q", data)
    for at, word in enumerate(words):
        if word & 0xFFFFFFFF != at or not word >> 32:
            sys.exit(f"word {at} is {word:#x}")
    return len({word >> 32 for word in words})


def read(fd, memory, at):
    if os.preadv(fd, [memory], at) != SIZE:
        sys.exit("short read")
    return memory[:]


def write_all(device, count, file, mib):
    buffer, memory = mmap.mmap(-1, SIZE), mmap.mmap(-1, SIZE)
    buffer[:] = image(1)
    child = os.fork()
    if child == 0:
        scribble(buffer)
    fd, places, mixed = os.open(device, os.O_RDWR | os.O_DIRECT), set(), 0
    try:
        for _ in range(count):
            at = random.randrange(mib << 4) * SIZE
            if os.pwritev(fd, [buffer], at) != SIZE:
                sys.exit("short write")
            places.add(at)
            first = read(fd, memory, at)
            mixed += check(first) > 1
            if read(fd, memory, at) != first:
                sys.exit(f"byte {at}: reads differently the second time")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    print(f"{count} writes, {mixed} of them of several versions")
    if not mixed:
        sys.exit("the buffer never changed during a write: this proves nothing")
    with open(file, "w", encoding="ascii") as out:
        json.dump(sorted(places), out)


def verify(device, file):
    fd, memory = os.open(device, os.O_RDONLY | os.O_DIRECT), mmap.mmap(-1, SIZE)
    with open(file, encoding="ascii") as places:
        for at in json.load(places):
            check(read(fd, memory, at))


if __name__ == "__main__":
    if sys.argv[1] == "--verify":
        verify(*sys.argv[2:])
    else:
        write_all(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
