# SPDX-License-Identifier: GPL-2.0-only
"""A write journal: beside the bare disk, and beside a snapshot without one. Its ring is on the
same disk as all the rest, or on a second one that is as fast.

Names of points: journal/WORK/TARGET, where TARGET is raw, none (a snapshot, no journal), same or own.
"""

import contextlib
import mmap
import os
import random
import subprocess
import time

from .bed import MIB, Stage
from .fio import Work
from .targets import Esnapshot, Raw

SECOND = "/dev/disk/by-id/virtio-second"
TARGETS = ("raw", "none", "same", "own")
ORIGIN_MIB, STORE_MIB, RING_MIB = 1024, 1280, 256
DD_MIB = 96
DD_FILE = "/run/bench-dd"

# Bursts fit into the ring and hit no block twice. A ring is "long full" after the ramp, and the zipf's hot
# blocks, which are most of its writes, are copied by then.
LONG = {"ramp": 40, "runtime": 15, "size": ORIGIN_MIB}
WORKS = (
    Work("burst-d32", "randwrite", "4k", 32, size=256, more=("--io_size=32m",)).once(),
    Work("burst-d1", "randwrite", "4k", 1, size=256, more=("--io_size=8m",)).once(),
    Work("fsync-d1", "randwrite", "4k", 1, size=256, more=("--io_size=4m", "--fsync=1")).once(),
    Work("full-d32", "randwrite", "4k", 32, **LONG),
    Work("zipf-d32", "randwrite", "4k", 32, more=("--random_distribution=zipf:1.1", "--norandommap"), **LONG),
)
PENDING_BLOCKS = 3000


class Bench:
    """The origin's region, the two places for a ring, and what is to be written to."""

    def __init__(self, bed, stage, second):
        self.bed = bed
        self.raw = Raw(bed.origin(stage, ORIGIN_MIB))
        self.rings = {"same": stage.region(RING_MIB), "own": second.region(RING_MIB)}

    def device(self, stage, target):
        """With a new snapshot and an empty ring."""
        if target == "raw":
            return self.raw.device
        chain = Esnapshot(stage, self.raw.origin, 4)
        chain.snapshot(STORE_MIB)
        if target != "none":
            chain.add_journal(self.rings[target])
        return chain.device

    def each(self, measure, targets=TARGETS):
        """measure(DEVICE, TARGET); what a journal has not yet put in place is put there afterwards."""
        for target in targets:
            with self.bed.stage() as inner:
                inner.next += RING_MIB * MIB
                measure(self.device(inner, target), target)


def dd(bed, device, target):
    """The program itself, as the thesis used it; time includes its start. Not of zeros: the next one would
    overwrite those, and old data that is zero costs nothing."""
    if not os.path.exists(DD_FILE):
        with open(DD_FILE, "wb") as file:
            file.write(random.Random(bed.seed).randbytes(1 << 20) * DD_MIB)
    began = time.monotonic()
    subprocess.run(
        ["dd", f"if={DD_FILE}", f"of={device.path}", "bs=1M", f"count={DD_MIB}", "oflag=direct", "status=none"],
        check=True, capture_output=True, text=True,
    )
    seconds = time.monotonic() - began
    bed.note(f"journal/dd/{target}", {"iops": DD_MIB / seconds, "mib_s": DD_MIB / seconds, "seconds": seconds})


def read_pending(bed, device, target):
    """Blocks that were just written, the last one first: they are read before they are in place, which begins
    with the first. Not by fio, whose start takes so long that much is in place by then."""
    name = f"journal/pending-d1/{target}"
    places = random.Random(bed.seed).sample(range(ORIGIN_MIB * 256), PENDING_BLOCKS)
    buffer = mmap.mmap(-1, 4096)
    file = os.open(device.path, os.O_RDWR | os.O_DIRECT)
    try:
        for number, place in enumerate(places):
            buffer[:8] = number.to_bytes(8, "little")
            os.pwrite(file, buffer, place * 4096)
        began = time.monotonic()
        for number, place in reversed(list(enumerate(places))):
            os.preadv(file, [buffer], place * 4096)
            if buffer[:8] != number.to_bytes(8, "little"):
                raise RuntimeError(f"{name}: block {place} is not what was written")
        seconds = time.monotonic() - began
    finally:
        os.close(file)
    rate = PENDING_BLOCKS / seconds
    bed.note(name, {"iops": rate, "mib_s": rate / 256, "seconds": seconds})
    if target != "raw":
        used = int(device.status().split()[5].split("/")[0])
        bed.results["facts"][f"journal, {target}: of {PENDING_BLOCKS} blocks pending before they were read, MiB left after"] = \
            round(used / 2048, 1)


def journal(bed):
    bed.origin_mib = ORIGIN_MIB
    with contextlib.closing(Stage(bed, os.path.realpath(SECOND), 0)) as second, bed.stage() as stage:
        bench = Bench(bed, stage, second)
        for work in WORKS:
            bench.each(lambda device, target, work=work: bed.measure(f"journal/{work.name}/{target}", work, device))
        bench.each(lambda device, target: dd(bed, device, target))
        bench.each(lambda device, target: read_pending(bed, device, target), ("raw", "same", "own"))


SERIES = {"journal": journal}
