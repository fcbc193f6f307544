# SPDX-License-Identifier: GPL-2.0-only
"""The cost in processor time: the same on a RAM disk, where the disk is no limit.

An emulated processor shared with others is not steady, so the targets take turns in short
rounds; the report takes the median of the rounds' ratios. Each origin is a RAM disk of its own,
without another layer below, so that one driver is compared with one driver.
"""

import subprocess

from .bed import MIB, Stage, size_of
from .fio import Work
from .targets import DmSnapshot, Esnapshot, Raw

VOLUME_MIB = 32
STORE_MIB = 48
ROUNDS = 7
DISK = "/dev/ram0"
REWRITE, READ = (
    Work(f"{rw}4k-d32x2", rw, "4k", 32, jobs=2, ramp=0.2, runtime=0.8, size=VOLUME_MIB)
    for rw in ("randwrite", "randread")
)


class Origin:
    """The first part of a RAM disk, as it is."""

    def __init__(self, number):
        self.path = f"/dev/ram{number}"
        self.sectors = size_of(self.path)
        self.mib = VOLUME_MIB


def chain(stage, origin):
    target = Esnapshot(stage, origin, 4)
    target.snapshot(STORE_MIB)
    return target


def make_targets(stage):
    """With the works each is measured with: reads do not care how many snapshots there are."""
    return {
        "raw": (Raw(stage.region(VOLUME_MIB)), (REWRITE, READ)),
        "es.4k.s1": (chain(stage, Origin(1)), (REWRITE, READ)),
        "dms.4k.s1": (DmSnapshot(stage, Origin(2), 4, 1, STORE_MIB), (REWRITE, READ)),
        "dms.4k.s8": (DmSnapshot(stage, Origin(3), 4, 8, STORE_MIB), (REWRITE,)),
    }


def ram(bed):
    mib = VOLUME_MIB + (1 + 1 + 8) * STORE_MIB + 16
    subprocess.run(["modprobe", "brd", "rd_nr=4", f"rd_size={mib * 1024}"], check=True)
    if size_of(DISK) != mib * MIB:
        raise RuntimeError(f"{DISK} is not a RAM disk of {mib} MiB")
    stage = Stage(bed, DISK, 0)
    disk, bed.disk = bed.disk, DISK
    try:
        targets = make_targets(stage)
        for target, _ in targets.values():
            # Twice: brd takes its memory at the first write, and the first to a snapshot copies.
            for device in dict.fromkeys((target.origin, target.device)):
                bed.fill(device, VOLUME_MIB)
        for _ in range(ROUNDS):
            for work in (REWRITE, READ):
                for name, (target, works) in targets.items():
                    if work in works:
                        bed.measure(f"ram/{work.name}/{name}", work, target.device)
    finally:
        bed.disk = disk
        stage.close()


SERIES = {"ram": ram}
