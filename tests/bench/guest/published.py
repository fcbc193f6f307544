# SPDX-License-Identifier: GPL-2.0-only
"""What bonnie measures when it rewrites: a file on ext4, overwritten in order through the page
cache and synced; with 0, 1, 2, 4 and 8 snapshots.

Not the device itself: the kernel writes a block device's page cache back in single pages, a
file system's in large pieces.
"""

import contextlib
import subprocess

from .fio import Work
from .main_rows import SMALL_STORE
from .targets import DmSnapshot, Esnapshot, Raw

COUNTS = (0, 1, 2, 4, 8)
FILE_MIB = 96
STORE = FILE_MIB + 40
DIRECTORY = "/run/bench"
FILE = f"{DIRECTORY}/file"
WORK = Work("bonnie", "write", "64k", 1, size=FILE_MIB, engine="psync", direct=False).once()


@contextlib.contextmanager
def mounted(device):
    subprocess.run(["mkdir", "-p", DIRECTORY], check=True)
    subprocess.run(["mount", "-o", "noatime", device.path, DIRECTORY], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", DIRECTORY], check=True)


def rewrite(bed, name, device):
    with mounted(device):
        bed.measure(f"published/bonnie/{name}", WORK, device, path=FILE)


def published(bed):
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        bed.origin_good = False
        subprocess.run(
            ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", raw.device.path],
            check=True, capture_output=True,
        )
        # The first time makes the file; what counts is to overwrite it where it is.
        rewrite(bed, "new-file", raw.device)
        rewrite(bed, "raw", raw.device)
        for count in COUNTS:
            with bed.stage() as inner:
                chain = Esnapshot(inner, raw.origin, 4)
                for number in range(count):
                    chain.snapshot(STORE if number == count - 1 else SMALL_STORE)
                rewrite(bed, f"es.4k.s{count}", chain.device)
            with bed.stage() as inner:
                rewrite(bed, f"dms.4k.s{count}", DmSnapshot(inner, raw.origin, 4, count, STORE).device)


SERIES = {"published": published}
