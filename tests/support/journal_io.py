#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Random, self-describing writes to a device, compared with a model.

    journal_io.py run DEVICE SEED COUNT [--size MIB] [--at MIB] [--done FILE] [--no-read] [--max KIB] [--buffered]
    journal_io.py verify DEVICE SEED COUNT [--size MIB] [--at MIB] [--max KIB]
    journal_io.py writers DEVICE SEED HOW_MANY --done PREFIX [--size MIB] [--max KIB]
    journal_io.py verify-writers DEVICE SEED HOW_MANY --done PREFIX [--size MIB] [--max KIB]

run does COUNT operations (write, WRITE_ZEROES, discard, fsync, read) one after the other on
[at, at + size) and compares every read with what must be there; it writes the number of
operations that were answered to FILE. verify compares the device with what COUNT of them
left; one more, the one in flight, may have been done too, in any of its sectors.
writers runs HOW_MANY of them side by side until it gets SIGTERM, each with SIZE of its own; every
other one is buffered. It ends, and they with it, when one of them fails. Writer N counts in the
file PREFIX.N, where verify-writers finds what to compare.
With --buffered they go through the page cache, and a failed one shows at the next fsync.
Operations follow from SEED alone. What was discarded may read as anything until it is written.
Exit status 1: wrong data, with the sector and the operations concerned.
"""

import argparse
import fcntl
import mmap
import os
import random
import signal
import struct
import sys

SECTOR = 512
BLKDISCARD, BLKZEROOUT = 0x1277, 0x127F
ANYTHING = -1
ZEROS = 0


def operations(seed, sectors, longest):
    """Yields (name, sector, count), for ever; half of them around a few places."""
    rng = random.Random(seed)
    hot = [rng.randrange(sectors) for _ in range(8)]
    while True:
        count = rng.choice([1, 2, 3, 8, 8, 8, 8, 16, 31, 64, rng.randrange(1, longest + 1)])
        first = rng.randrange(sectors)
        if rng.random() < 0.5:
            first = max(0, rng.choice(hot) + rng.randrange(-64, 64))
        if rng.random() < 0.6:
            first &= ~7
        first = min(first, sectors - count)
        kind = rng.random()
        name = ("write" if kind < 0.6 else "read" if kind < 0.85 else "zeroes" if kind < 0.90
                else "discard" if kind < 0.93 else "flush")
        yield name, first, count


class Model:
    """What each sector must hold: the number of a write, zeros, or anything."""

    def __init__(self, sectors):
        self.is_now = [ZEROS] * sectors

    def apply(self, number, name, first, count):
        value = {"write": number, "zeroes": ZEROS, "discard": ANYTHING}.get(name)
        if value is not None:
            self.is_now[first:first + count] = [value] * count


def content(number, sector):
    return struct.pack("<QQ", number, sector) * 32 if number > 0 else bytes(SECTOR)


class Device:
    def __init__(self, path, at, buffered=False):
        self.fd = os.open(path, os.O_RDWR | (0 if buffered else os.O_DIRECT))
        self.at = at
        self.memory = mmap.mmap(-1, 4 << 20)

    def write(self, number, first, count):
        data = b"".join(content(number, first + i) for i in range(count))
        self.memory[:len(data)] = data
        view = memoryview(self.memory)[:len(data)]
        if os.pwritev(self.fd, [view], (self.at + first) * SECTOR) != len(data):
            raise OSError("short write")

    def read(self, first, count):
        view = memoryview(self.memory)[:count * SECTOR]
        if os.preadv(self.fd, [view], (self.at + first) * SECTOR) != count * SECTOR:
            raise OSError("short read")
        return self.memory[:count * SECTOR]

    def range_ioctl(self, request, first, count):
        fcntl.ioctl(self.fd, request, struct.pack("QQ", (self.at + first) * SECTOR, count * SECTOR))

    def flush(self):
        os.fsync(self.fd)


def compare(data, model, first, also=None):
    """The first wrong sector as text, or None. also: an operation that may have been done."""
    right = model.is_now[first:first + len(data) // SECTOR]
    if ANYTHING not in right and data == b"".join(map(content, right, range(first, first + len(right)))):
        return None
    for i in range(len(data) // SECTOR):
        sector, found = first + i, data[i * SECTOR:(i + 1) * SECTOR]
        wanted = model.is_now[sector]
        if wanted == ANYTHING or found == content(wanted, sector):
            continue
        if also and also[2] <= sector < also[2] + also[3]:
            if also[1] == "discard" or (also[1] == "write" and found == content(also[0], sector)) or \
                    (also[1] == "zeroes" and not any(found)):
                continue
        number, where = struct.unpack("<QQ", found[:16])
        return f"sector {sector}: wanted write {wanted}, found write {number} of sector {where}"
    return None


def run(args, sectors):
    device, model = Device(args.device, args.at << 11, args.buffered), Model(sectors)
    done = os.open(args.done, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if args.done else None
    for number, (name, first, count) in zip(range(1, args.count + 1),
                                            operations(args.seed, sectors, args.max * 2)):
        if name == "write":
            device.write(number, first, count)
        elif name == "read" and not args.no_read:
            wrong = compare(device.read(first, count), model, first)
            if wrong:
                sys.exit(f"operation {number}: {wrong}")
        elif name == "zeroes":
            device.range_ioctl(BLKZEROOUT, first, count)
        elif name == "discard":
            device.range_ioctl(BLKDISCARD, first, count)
        elif name == "flush":
            device.flush()
        model.apply(number, name, first, count)
        if done is not None:
            os.pwrite(done, b"%12d\n" % number, 0)
            os.fsync(done)


def history(args, sectors, sector):
    """The operations on @sector, some later ones too."""
    steps = operations(args.seed, sectors, args.max * 2)
    lines = [f"operations on sector {sector}:"]
    for number in range(1, args.count + 100):
        name, first, count = next(steps)
        if first <= sector < first + count and name not in ("read", "flush"):
            lines.append(f"  {number}: {name} {first} + {count}")
    return "\n".join(lines)


def verify(args, sectors):
    device, model = Device(args.device, args.at << 11), Model(sectors)
    steps = operations(args.seed, sectors, args.max * 2)
    for number in range(1, args.count + 1):
        model.apply(number, *next(steps))
    also = (args.count + 1, *next(steps))
    for first in range(0, sectors, 2048):
        count = min(2048, sectors - first)
        wrong = compare(device.read(first, count), model, first, also)
        if wrong:
            print(history(args, sectors, int(wrong.split()[1].rstrip(":"))), file=sys.stderr)
            sys.exit(f"after {args.count} operations: {wrong}")


def writer(args, number):
    """The arguments of one of several writers."""
    one = argparse.Namespace(**vars(args))
    one.seed, one.at = args.seed + number, args.at + number * args.size
    one.done, one.buffered = f"{args.done}.{number}", number % 2 == 1
    return one


def writers(args, sectors):
    pids = []
    for number in range(args.count):
        one = writer(args, number)
        one.count = 1 << 30
        pid = os.fork()
        if pid == 0:
            run(one, sectors)
            os._exit(0)
        pids.append(pid)
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(pid, signal.SIGKILL) for pid in pids])
    ended, status = os.wait()
    for pid in set(pids) - {ended}:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    sys.exit(0 if os.WIFSIGNALED(status) else f"writer {pids.index(ended)} ended by itself")


def verify_writers(args, sectors):
    for number in range(args.count):
        one = writer(args, number)
        with open(one.done, encoding="ascii") as file:
            one.count = int(file.read())
        verify(one, sectors)


def main():
    modes = {"run": run, "verify": verify, "writers": writers, "verify-writers": verify_writers}
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=modes)
    parser.add_argument("device")
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--done")
    parser.add_argument("--no-read", action="store_true")
    parser.add_argument("--max", type=int, default=256)
    parser.add_argument("--buffered", action="store_true")
    args = parser.parse_args()
    modes[args.mode](args, args.size << 11)


if __name__ == "__main__":
    main()
