# SPDX-License-Identifier: GPL-2.0-only
"""The main table's measurements on the limited disk.

Names of points: KIND/WORK/TARGET, where TARGET is raw, or DRIVER.CHUNK.sSNAPSHOTS.
"""

import mmap
import os
import random

from . import bed as beds
from .fio import WORKS, Work
from .targets import DmSnapshot, Esnapshot, Raw, Thin

RAND, SERIAL, SEQ = WORKS["rand4k-d32"], WORKS["rand4k-d1"], WORKS["seq1m-d4"]
READ, READ_SEQ = WORKS["read4k-d32"], WORKS["read1m-d4"]
SERIAL_ROUNDS = 5
WHOLE_MIB = 32
BIG_STORE, SMALL_STORE = 64, 2
PIECE = 65536
PIECES_PER_STORE, PIECES_IN_NEWEST = 3, 200


def first_and_raw(bed, raw, work):
    bed.measure(f"first/{work.name}/raw", work, raw.device)
    with bed.stage() as inner:
        chain = Esnapshot(inner, raw.origin, 4)
        chain.snapshot(bed.origin_mib + 32)
        bed.measure(f"first/{work.name}/es.4k.s1", work, chain.device, chain.stores[-1], first=True)


def first(bed):
    """First writes, with one snapshot and the incumbent's eight. At depth 1 the processor counts as
    much as the disk, so that esnapshot and the bare disk take turns there."""
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        for work in (RAND, SERIAL, SEQ):
            for _ in range(SERIAL_ROUNDS if work is SERIAL else 1):
                first_and_raw(bed, raw, work)
            for count in (1, 8) if work is RAND else (1,):
                with bed.stage() as inner:
                    thick = DmSnapshot(inner, raw.origin, 4, count, bed.origin_mib if count == 1 else 32)
                    bed.measure(f"first/{work.name}/dms.4k.s{count}", work, thick.device, thick.stores[0], first=True)


class Pieces:
    """Overwrites pieces of 64 KiB in the lower half of a volume, each once: what the stores
    of a long chain hold, without making the disk's I/O rate the limit of reading them."""

    def __init__(self, bed, mib):
        self.free = list(range(mib * 2**20 // PIECE))
        random.Random(bed.seed).shuffle(self.free)
        self.buffer = mmap.mmap(-1, PIECE)
        self.buffer.write(random.Random(1).randbytes(PIECE))

    def write(self, path, count):
        file = os.open(path, os.O_WRONLY | os.O_DIRECT)
        try:
            for _ in range(count):
                os.pwrite(file, self.buffer, self.free.pop() * PIECE)
        finally:
            os.close(file)


def grow(chain, pieces, count, mib):
    """Snapshots up to COUNT, the last one with MIB for what is measured."""
    while len(chain.stores) < count:
        last = len(chain.stores) == count - 1
        chain.snapshot(mib if last else SMALL_STORE)
        pieces.write(chain.device.path, PIECES_PER_STORE)


def chain(bed):
    """A chain that grows to 256 snapshots: first writes in the upper half of the volume, what
    the images read is in the lower half."""
    half = bed.origin_mib // 2
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        pieces = Pieces(bed, half)
        long = Esnapshot(stage, raw.origin, 4)
        upper = RAND.over(half, bed.origin_mib - half)
        bed.measure("first/rand4k-d32/raw", upper, raw.device)
        for count in (8, 64, 256):
            grow(long, pieces, count, BIG_STORE)
            bed.measure(f"first/{RAND.name}/es.4k.s{count}", upper, long.device, long.stores[-1], first=True)
        for work in (READ, READ_SEQ):
            bed.measure(f"read/{work.name}/raw", work, raw.device)
            bed.measure(f"read/{work.name}/es.4k.s256", work, long.device)
        pieces.write(long.device.path, PIECES_IN_NEWEST)
        lower = READ_SEQ.over(0, half)
        bed.measure("image/read1m-d4/raw", lower, raw.device)
        for name, number in (("newest", -1), ("oldest", 0)):
            bed.measure(f"image/read1m-d4/{name}.4k.s256", lower, long.image(number))


def rewrite(bed):
    """Writes of chunks that were copied before."""
    mib = 64
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        chain = Esnapshot(stage, raw.origin, 4)
        chain.snapshot(2 * mib)
        bed.fill(chain.device, mib)
        for work in (RAND, WORKS["rand64k-d32"], SEQ):
            over = work.over(0, mib)
            bed.measure(f"rewrite/{work.name}/raw", over, raw.device)
            bed.measure(f"rewrite/{work.name}/es.4k.s1", over, chain.device)


def whole(bed):
    """A whole volume rewritten once by random 4 KiB, chunk or block 64 KiB; and dm-thin's
    sequential overwriting."""
    work = Work("rand4k-d32", "randwrite", "4k", 32, size=WHOLE_MIB).once()
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage, WHOLE_MIB))
        bed.measure("whole/rand4k-d32/raw", work, raw.device)
        with bed.stage() as inner:
            chain = Esnapshot(inner, raw.origin, 64)
            chain.snapshot(WHOLE_MIB + 32)
            bed.measure("whole/rand4k-d32/es.64k.s1", work, chain.device, chain.stores[0])
        with bed.stage() as inner:
            thin = Thin(inner, WHOLE_MIB, WHOLE_MIB + 16)
            thin.snapshot()
            bed.measure("whole/rand4k-d32/thin.64k.s1", work, thin.device)
        with bed.stage() as inner:
            thin = Thin(inner, bed.origin_mib, bed.origin_mib + 16)
            thin.snapshot()
            bed.measure("first/seq1m-d4/thin.64k.s1", SEQ, thin.device, first=True)


def nothing(bed):
    """First writes over data that is all zero, and over trimmed space. Spoils the origin."""
    zero_mib = min(200, bed.origin_mib)
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        bed.origin_good = False
        with bed.stage() as inner:
            bed.fill(raw.device, zero_mib, zeros=True)
            chain = Esnapshot(inner, raw.origin, 4)
            chain.snapshot(zero_mib + 32)
            bed.measure(f"zero/{SEQ.name}/es.4k.s1", SEQ.over(0, zero_mib), chain.device, chain.stores[0], first=True)
        for work in (RAND, SEQ):
            bed.measure(f"trimmed/{work.name}/raw", work, raw.device)
            with bed.stage() as inner:
                chain = Esnapshot(inner, raw.origin, 4)
                beds.discard(chain.device.path, 0, bed.origin_mib)
                chain.snapshot(BIG_STORE)
                bed.measure(f"trimmed/{work.name}/es.4k.s1", work, chain.device, chain.stores[0], first=True)


SERIES = {"first": first, "chain": chain, "rewrite": rewrite, "whole": whole, "nothing": nothing}
