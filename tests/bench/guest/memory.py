# SPDX-License-Identifier: GPL-2.0-only
"""Kernel memory: for each chunk of an origin, and for each extent of a snapshot being read."""

import subprocess

from . import fio
from .bed import MIB
from .fio import WORKS
from .targets import DmSnapshot, Esnapshot, Raw

ORIGIN_GIB = 1024
TABLE_BYTES = "/sys/module/dm_esnapshot/parameters/table_bytes"
EXCEPTION = "/sys/kernel/slab/dm_exception/slab_size"


def number_in(path):
    with open(path, encoding="ascii") as file:
        return int(file.read())


def available_kib():
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("MemFree:"))


def memory(bed):
    per_chunk(bed)
    per_extent(bed)


def per_chunk(bed):
    """A large origin that is all zero, in chunks of 4 KiB, with a snapshot."""
    subprocess.run(["modprobe", "dm-zero"], check=True)
    with bed.stage() as stage:
        origin = stage.device(ORIGIN_GIB * 1024 * MIB, "zero", "")
        before = available_kib()
        chain = Esnapshot(stage, origin, 4)
        chain.snapshot(64)
        after = available_kib()
        chunks = origin.sectors // 8
        bed.results["facts"]["memory: bits per chunk, 1 TiB in chunks of 4 KiB, one snapshot"] = round(
            (before - after) * 8192 / chunks, 2
        )


def per_extent(bed):
    work = WORKS["rand4k-d32"]
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        chain = Esnapshot(stage, raw.origin, 4)
        chain.snapshot(64)
        before = number_in(TABLE_BYTES)
        image = chain.image(0)
        fio.run(work.over(0, bed.origin_mib), chain.device.path, f"{bed.seed} memory")
        fio.run(WORKS["read4k-d32"].over(0, bed.origin_mib), image.path, f"{bed.seed} memory")
        copied = int(chain.device.status().split()[3].split("/")[0])
        bed.results["facts"]["memory: bytes per extent while an image is read"] = round(
            (number_in(TABLE_BYTES) - before) / copied, 1
        )
        with bed.stage() as inner:
            DmSnapshot(inner, raw.origin, 4, 1, 64)
            bed.results["facts"]["memory: bytes per exception of dm-snapshot, always"] = number_in(EXCEPTION)


SERIES = {"memory": memory}
