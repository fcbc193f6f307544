# SPDX-License-Identifier: GPL-2.0-only
"""What a steady load of small writes feels of everything else.

The load is paced, well below the disk's budget, so that waiting has a cause. Results carry the
load's latencies; those of taking and dropping snapshots, the times of each, too.
"""

import contextlib
import time

from . import fio
from .fio import WORKS, Work
from .main_rows import Pieces
from .targets import DmSnapshot, Esnapshot, Raw, Thin

PACE = 200
STORE = 48
TIMES = 6
BETWEEN = 1.0
LOAD = Work("load", "randwrite", "4k", 4, ramp=0.5, runtime=8, rate_iops=PACE)


def under_load(bed, name, device, action, work=LOAD):
    """Runs ACTION while WORK writes to DEVICE; what it returns is noted with the result."""
    process = fio.start(work if work.size else work.over(0, device.mib), device.path, f"{bed.seed} {name}")
    extra = None
    try:
        wait_for_load(device)
        extra = action()
    finally:
        if extra is None:
            process.terminate()
        with contextlib.suppress(RuntimeError):
            result = fio.finish(work, process)
    if extra is not None:
        result.update(extra)
    bed.add(name, result)
    latency = result["latency_us"]
    bed.say(f"{name}: p99.9 {latency['p99.9'] / 1000:.1f} ms, max {latency['max'] / 1000:.1f} ms {extra or ''}")


def wait_for_load(device):
    """fio takes a while to start; then its ramp, which is not counted."""
    start = device.counters()["writes"]
    deadline = time.monotonic() + 30
    while device.counters()["writes"] == start:
        if time.monotonic() > deadline:
            raise RuntimeError("the load did not start")
        time.sleep(0.05)
    time.sleep(LOAD.ramp + 0.2)


def repeated(action):
    """Does ACTION several times, evenly; the times it took."""
    stopped, every = [], []
    for _ in range(TIMES):
        times = action()
        stopped.append(times["stopped_s"])
        every.append(times["all_s"])
        time.sleep(BETWEEN)
    return {"stopped_s": stopped, "all_s": every}


def quiet():
    return {}


def load(bed):
    """Taking and dropping snapshots while small writes go on."""
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        under_load(bed, "load/quiet/raw", raw.device, quiet)
        with bed.stage() as inner:
            chain = Esnapshot(inner, raw.origin, 4)
            chain.snapshot(STORE)
            under_load(bed, "load/quiet/es", chain.device, quiet)
            under_load(bed, "load/create/es", chain.device, lambda: repeated(lambda: chain.snapshot(STORE)))
            under_load(bed, "load/remove/es", chain.device, lambda: repeated(chain.drop_oldest))
        with bed.stage() as inner:
            thick = DmSnapshot(inner, raw.origin, 4, 1, STORE)
            under_load(bed, "load/quiet/dms", thick.device, quiet)
            under_load(bed, "load/create/dms", thick.device, lambda: repeated(lambda: thick.snapshot(STORE)))
            under_load(bed, "load/remove/dms", thick.device, lambda: repeated(thick.drop_oldest))
        with bed.stage() as inner:
            thin = Thin(inner, bed.origin_mib // 2, 3 * bed.origin_mib // 2)
            thin.snapshot()
            under_load(bed, "load/quiet/thin", thin.device, quiet)
            under_load(bed, "load/create/thin", thin.device, lambda: repeated(thin.snapshot))
            under_load(bed, "load/remove/thin", thin.device, lambda: repeated(thin.drop_oldest))


def beside(bed, work, device, times=1):
    """Another job, for as long as the load is measured."""
    def action():
        result = fio.run(work, device.path, f"{bed.seed} beside")
        return {"beside": {"iops": result["iops"], "mib_s": result["mib_s"]}}
    return action


def latency(bed):
    """The load's waits while others read, write and attach; the same on the bare disk."""
    half = bed.origin_mib // 2
    own = Work("load", "randwrite", "4k", 4, ramp=0.5, runtime=6, rate_iops=PACE).over(half, bed.origin_mib - half)
    big = Work("seq", "write", "1m", 4, ramp=0, runtime=4).over(0, half)
    read = WORKS["read4k-d32"].over(0, half)
    small = Work("small", "randwrite", "4k", 4, ramp=0, runtime=4, rate_iops=PACE).over(0, half)
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        for name, action in (
            ("quiet", quiet),
            ("big", beside(bed, big, raw.device)),
            ("read", beside(bed, read, raw.device)),
            ("small", beside(bed, small, raw.device)),
        ):
            under_load(bed, f"latency/{name}/raw", raw.device, action, own)
        with bed.stage() as inner:
            chain = Esnapshot(inner, raw.origin, 4)
            pieces = Pieces(bed, half)
            for _ in range(16):
                chain.snapshot(4)
                pieces.write(chain.device.path, 20)
            chain.snapshot(half + 64)
            under_load(bed, "latency/quiet/es", chain.device, quiet, own)
            chain.snapshot(half + 64)
            under_load(bed, "latency/big/es", chain.device, beside(bed, big, chain.device), own)
            chain.snapshot(64)
            attach_and_read = lambda: beside(bed, read, chain.image(0))()  # noqa: E731
            under_load(bed, "latency/attach/es", chain.device, attach_and_read, own)
            chain.snapshot(64)
            view = chain.view(0, 64)
            under_load(bed, "latency/view/es", chain.device, beside(bed, small, view), own)


SERIES = {"load": load, "latency": latency}
