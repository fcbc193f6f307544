# SPDX-License-Identifier: GPL-2.0-only
"""Reading snapshots: the newest and the oldest of eight, for both drivers."""

from .fio import WORKS
from .main_rows import Pieces
from .targets import DmSnapshot, Esnapshot, Raw

COUNT = 8
PIECES = 40  # of 64 KiB, overwritten after each snapshot
STORE = 48


def pictures(bed):
    half = bed.origin_mib // 2
    with bed.stage() as stage:
        raw = Raw(bed.origin(stage))
        works = [WORKS[name].over(0, half) for name in ("read4k-d32", "read1m-d4")]
        for work in works:
            bed.measure(f"images/{work.name}/raw", work, raw.device)
        with bed.stage() as inner:
            chain = Esnapshot(inner, raw.origin, 4)
            pieces = Pieces(bed, half)
            for _ in range(COUNT):
                chain.snapshot(STORE)
                pieces.write(chain.device.path, PIECES)
            read(bed, works, {"es-oldest": chain.image(0), "es-newest": chain.image(-1)})
        with bed.stage() as inner:
            thick = DmSnapshot(inner, raw.origin, 4, 0, STORE)
            pieces = Pieces(bed, half)
            for _ in range(COUNT):
                thick.snapshot(STORE)
                pieces.write(thick.device.path, PIECES)
            read(bed, works, {"dms-oldest": thick.images[0], "dms-newest": thick.images[-1]})


def read(bed, works, images):
    for work in works:
        for name, image in images.items():
            bed.measure(f"images/{work.name}/{name}.4k.s{COUNT}", work, image)


SERIES = {"images": pictures}
