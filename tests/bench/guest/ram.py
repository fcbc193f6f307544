# SPDX-License-Identifier: GPL-2.0-only
"""The cost in processor time: the same on a RAM disk, where the disk is no limit.

An emulated processor shared with others is not steady, so the targets take turns in short
rounds; the report takes the median. Each origin is a RAM disk of its own, without another layer
below, so that one driver is compared with one driver.
"""

import subprocess

from .bed import MIB, Stage, size_of
from .fio import Work
from .targets import DmSnapshot, Esnapshot, Raw

VOLUME_MIB = 48
STORE_MIB = 80
ROUNDS = 3
DISK = "/dev/ram0"
ORIGINS = ("/dev/ram1", "/dev/ram2")
WORKS = tuple(
    Work(f"{rw}4k-d32x2", rw, "4k", 32, jobs=2, ramp=0.3, runtime=1, size=VOLUME_MIB)
    for rw in ("randwrite", "randread")
)


class Origin:
    """The first part of a RAM disk, as it is."""

    def __init__(self, path):
        self.path = path
        self.sectors = size_of(path)
        self.mib = VOLUME_MIB


def ram(bed):
    mib = VOLUME_MIB + 2 * STORE_MIB + 16
    subprocess.run(["modprobe", "brd", f"rd_nr={1 + len(ORIGINS)}", f"rd_size={mib * 1024}"], check=True)
    if size_of(DISK) != mib * MIB:
        raise RuntimeError(f"{DISK} is not a RAM disk of {mib} MiB")
    stage = Stage(bed, DISK, 0)
    disk, bed.disk = bed.disk, DISK
    try:
        targets = {"raw": Raw(stage.region(VOLUME_MIB))}
        targets["es.4k.s1"] = Esnapshot(stage, Origin(ORIGINS[0]), 4)
        targets["es.4k.s1"].snapshot(STORE_MIB)
        targets["dms.4k.s1"] = DmSnapshot(stage, Origin(ORIGINS[1]), 4, 1, STORE_MIB)
        for target in targets.values():
            # Twice: brd takes its memory at the first write, and the first to a snapshot copies.
            for device in dict.fromkeys((target.origin, target.device)):
                bed.fill(device, VOLUME_MIB)
        for _ in range(ROUNDS):
            for work in WORKS:
                for name, target in targets.items():
                    bed.measure(f"ram/{work.name}/{name}", work, target.device)
    finally:
        bed.disk = disk
        stage.close()


SERIES = {"ram": ram}
