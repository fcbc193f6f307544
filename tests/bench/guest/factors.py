# SPDX-License-Identifier: GPL-2.0-only
"""Series that change one factor: snapshots, chunk size, queue depth. First writes throughout.

With chunks larger than the blocks written, later blocks fall into chunks that were copied
for earlier ones; that is what a user gets, too, so those are no pure first writes.
"""

from .fio import WORKS
from .main_rows import SMALL_STORE, Pieces
from .targets import DmSnapshot, Esnapshot, Raw, Thin

RAND, SEQ = WORKS["rand4k-d32"], WORKS["seq1m-d4"]
COUNTS = (1, 2, 4, 8, 64, 256)
THICK_COUNTS = (0, 1, 2, 4, 8)
CHUNKS = (4, 16, 64, 256)
CHUNK_WORKS = ("rand4k-d32", "rand64k-d32", "seq1m-d4", "files-d32")
STORE = 160  # for both halves at the rate of one snapshot


def halves(bed):
    """Random writes go to the upper half of the volume, sequential ones to the lower."""
    half = bed.origin_mib // 2
    return RAND.over(half, bed.origin_mib - half), SEQ.over(0, half)


def snapshots(bed):
    """Throughput against the number of snapshots."""
    works = halves(bed)
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        for work in works:
            bed.measure(f"count/{work.name}/raw", work, raw.device)
        with bed.stage() as inner:
            chain = Esnapshot(inner, raw.origin, 4)
            pieces = Pieces(bed, bed.origin_mib // 2)
            for work in works:
                bed.measure(f"count/{work.name}/es.4k.s0", work, chain.device)
            for count in COUNTS:
                while len(chain.stores) < count:
                    last = len(chain.stores) == count - 1
                    chain.snapshot(STORE if last else SMALL_STORE)
                    if not last:
                        pieces.write(chain.device.path, 1)
                for work in works:
                    bed.measure(f"count/{work.name}/es.4k.s{count}", work, chain.device, chain.stores[-1], first=True)
        for count in THICK_COUNTS:
            with bed.stage() as inner:
                thick = DmSnapshot(inner, raw.origin, 4, count, STORE // max(count, 1) + 12)
                for work in works:
                    bed.measure(f"count/{work.name}/dms.4k.s{count}", work, thick.device, first=count > 0)


def chunks(bed):
    """Throughput against chunk and block size, one snapshot."""
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        for name in CHUNK_WORKS:
            work = WORKS[name]
            bed.measure(f"chunk/{name}/raw", work, raw.device)
            for kib in CHUNKS:
                with bed.stage() as inner:
                    chain = Esnapshot(inner, raw.origin, kib)
                    chain.snapshot(bed.origin_mib + 32)
                    bed.measure(f"chunk/{name}/es.{kib}k.s1", work, chain.device, chain.stores[0])
                with bed.stage() as inner:
                    thick = DmSnapshot(inner, raw.origin, kib, 1, bed.origin_mib + 32)
                    bed.measure(f"chunk/{name}/dms.{kib}k.s1", work, thick.device, thick.stores[0])


def depths(bed):
    """Random 4 KiB against queue depth, with dm-thin without and with a snapshot; and rewrites
    at depth 1, where the processor and not the disk is the limit."""
    thin_mib = bed.origin_mib // 2
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        for name in ("rand4k-d1", "rand4k-d32", "rand4k-d64"):
            work = WORKS[name]
            bed.measure(f"depth/{name}/raw", work, raw.device)
            with bed.stage() as inner:
                chain = Esnapshot(inner, raw.origin, 4)
                chain.snapshot(64)
                bed.measure(f"depth/{name}/es.4k.s1", work, chain.device, first=True)
            with bed.stage() as inner:
                thick = DmSnapshot(inner, raw.origin, 4, 1, 64)
                bed.measure(f"depth/{name}/dms.4k.s1", work, thick.device, first=True)
        with bed.stage() as inner:
            thin = Thin(inner, thin_mib, 3 * thin_mib + 64)
            for count in (0, 1):
                for name in ("rand4k-d1", "rand4k-d32", "rand4k-d64"):
                    if count:
                        thin.snapshot()
                    bed.measure(f"depth/{name}/thin.64k.s{count}", WORKS[name], thin.device)
        with bed.stage() as inner:
            chain = Esnapshot(inner, raw.origin, 4)
            chain.snapshot(96)
            bed.fill(chain.device, 64)
            for target, device in (("raw", raw.device), ("es.4k.s1", chain.device)):
                bed.measure(f"rewrite/rand4k-d1/{target}", WORKS["rand4k-d1"].over(0, 64), device)


SERIES = {"snapshots": snapshots, "chunks": chunks, "depths": depths}
