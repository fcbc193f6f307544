# SPDX-License-Identifier: GPL-2.0-only
"""Large ones, each in a guest of its own: many extents to attach, a large origin."""

import os
import subprocess
import time

from . import fio
from .bed import wipe
from .fio import Work
from .memory import available_kib
from .targets import Esnapshot, Raw

CHUNK_KIB = 4
EXTENTS = int(os.environ.get("BENCH_EXTENTS", 1 << 20))
HUGE_DISKS = ("/dev/disk/by-id/virtio-low", "/dev/disk/by-id/virtio-high")
HUGE_STORE_MIB = 2048


def timed(action):
    began = time.monotonic()
    result = action()
    return time.monotonic() - began, result


def attach(bed):
    """The same extents in a store of each driver, made by esnap-scatter: an hour of I/O less."""
    facts = bed.results["facts"]
    origin_mib = 2 * EXTENTS * CHUNK_KIB // 1024
    store = origin_mib * 5 // 8
    with bed.stage() as stage:
        stage.next = 0
        origin = stage.region(origin_mib)
        chain = Esnapshot(stage, origin, CHUNK_KIB)
        chain.stores.append(chain.format(store))
        stage.drop(chain.device)
        scatter("esnapshot", chain.stores[0])
        arguments = (origin.sectors, "esnapshot-org", chain.table())
        seconds, chain.device = timed(lambda: stage.device(*arguments))
        extents = chain.device.status().split()[3].split("/")[0]
        facts[f"attaching {extents} extents: seconds, esnapshot, after a power cut"] = round(seconds, 3)
        stage.drop(chain.device)
        ours, chain.device = timed(lambda: stage.device(*arguments))
        facts["attaching the same: seconds, esnapshot, after a clean detach"] = round(ours, 3)
        image_seconds, image = timed(lambda: chain.image(0))
        read_seconds, _ = timed(lambda: read_one(image))
        facts["attaching the same: seconds for the image and its first read, in addition"] = round(image_seconds + read_seconds, 3)
        stage.drop(image)
        stage.drop(chain.device)

        cow = stage.region(store)
        wipe(cow.path)
        scatter("dm-snapshot", cow)
        words = f"{origin.path} {cow.path} P {CHUNK_KIB * 2}"
        theirs, image = timed(lambda: stage.device(origin.sectors, "snapshot", words))
        facts[f"attaching the same: seconds, dm-snapshot (status {image.status()})"] = round(theirs, 3)
        facts["attaching the same: dm-snapshot's time to esnapshot's after a clean detach"] = round(theirs / ours, 1)


def scatter(kind, store):
    subprocess.run(["esnap-scatter", kind, store.path, str(EXTENTS)], check=True, capture_output=True, text=True)


def read_one(device):
    file = os.open(device.path, os.O_RDONLY)
    try:
        return os.pread(file, 4096, device.sectors * 256 // 4096 * 4096)
    finally:
        os.close(file)


def huge(bed):
    """16 TiB out of two sparse disks, chunks of 64 KiB."""
    facts = bed.results["facts"]
    with bed.stage() as stage:
        stage.next = 0
        with open("/proc/meminfo", encoding="ascii") as file:
            facts["16 TiB: MiB of memory of the guest"] = int(file.readline().split()[1]) // 1024
        half = 8 << 31  # sectors: 8 TiB
        raw = Raw(stage.device(2 * half, "linear", [
            (0, half, "linear", f"{os.path.realpath(HUGE_DISKS[0])} 0"),
            (half, half, "linear", f"{os.path.realpath(HUGE_DISKS[1])} 0"),
        ]))
        before = available_kib()
        chain = Esnapshot(stage, raw.origin, 64)
        seconds, _ = timed(lambda: chain.snapshot(HUGE_STORE_MIB))
        facts["16 TiB: seconds to take the first snapshot"] = round(seconds, 3)
        facts["16 TiB: MiB of kernel memory, one snapshot"] = round((before - available_kib()) / 1024, 1)
        work = Work("huge", "randwrite", "64k", 8, ramp=0, runtime=3, size=raw.origin.mib)
        result = fio.run(work, chain.device.path, f"{bed.seed} huge")
        facts["16 TiB: first writes of 64 KiB, MiB/s (no budget)"] = round(result["mib_s"], 1)
        seconds, _ = timed(lambda: chain.snapshot(HUGE_STORE_MIB))
        facts["16 TiB: seconds to take the second snapshot"] = round(seconds, 3)
        result = fio.run(work, chain.device.path, f"{bed.seed} huge again")
        stage.drop(chain.device)
        arguments = (raw.origin.sectors, "esnapshot-org", chain.table())
        seconds, chain.device = timed(lambda: stage.device(*arguments))
        facts["16 TiB: seconds to attach with two snapshots"] = round(seconds, 3)
        state = chain.device.status().split()[0]
        if state != "ok":
            raise RuntimeError(f"the chain is {state} after attaching")


SERIES = {"attach": attach, "huge": huge}
