# SPDX-License-Identifier: GPL-2.0-only
"""The main table: what is compared with what, and the bar for it.

A row names points of a run as guest/ does: KIND/WORK/TARGET.
"""

from dataclasses import dataclass, field

RAW_IOPS, RAW_MIB = "iops", "mib_s"


@dataclass(frozen=True)
class Row:
    """`point` divided by `base` must reach `bar`; `others` are shown beside it.

    kind "ratio": at least; "ios", "store", "tail": of the point alone, at most (see measures.py).
    limit: what physics leaves; fastest: a point whose own ratio to `base` is the limit, as measured.
    """

    name: str
    title: str
    bar: float | str
    point: str
    base: str = ""
    unit: str = RAW_IOPS
    kind: str = "ratio"
    series: str = "first"
    limit: str = ""
    fastest: str = ""
    others: dict = field(default_factory=dict)


def first(work, snapshots, bar, limit, title, **more):
    return Row(
        f"first-{work}-s{snapshots}", title, bar, f"first/{work}/es.4k.s{snapshots}", f"first/{work}/raw",
        limit=limit, **more,
    )


RAND, SERIAL, SEQ = "rand4k-d32", "rand4k-d1", "seq1m-d4"
THICK = {"dm-snapshot 1": f"first/{RAND}/dms.4k.s1", "dm-snapshot 8": f"first/{RAND}/dms.4k.s8"}
THICK_SEQ = {"dm-snapshot 1": f"first/{SEQ}/dms.4k.s1", "dm-thin": f"first/{SEQ}/thin.64k.s1"}


def chain(snapshots):
    return first(
        RAND, snapshots, 0.47, "0.5", f"first write, random 4 KiB, depth 32, {snapshots} snapshots",
        series="chain", others=THICK if snapshots == 8 else {},
    )


def rewrite(work, title, unit=RAW_IOPS):
    return Row(
        f"rewrite-{work}", f"rewrite of copied chunks, {title}", 0.98, f"rewrite/{work}/es.4k.s1",
        f"rewrite/{work}/raw", unit, series="rewrite", limit="1",
    )


def read(work, title, unit=RAW_IOPS):
    return Row(
        f"read-{work}", f"origin reads with 256 snapshots, {title}", 0.98, f"read/{work}/es.4k.s256",
        f"read/{work}/raw", unit, series="chain", limit="1",
    )


def trimmed(work, title, unit, others):
    return Row(
        f"trimmed-{work}", f"first write into space trimmed before, {title}", 0.95, f"trimmed/{work}/es.4k.s1",
        f"trimmed/{work}/raw", unit, series="nothing", limit="1", others=others,
    )


RAM_REWRITE, RAM_READ = "ram/randwrite4k-d32x2", "ram/randread4k-d32x2"


def ram(name, work, title, *counts):
    """To dm-linear, and to dm-snapshot. Nobody who stands where dm-linear stands is faster than it."""
    others = {f"dm-snapshot {count}": f"{work}/dms.4k.s{count}" for count in counts}
    title = f"RAM disk, {title}, 4 KiB, depth 32, two jobs"
    own, bare, thick = (f"{work}/{target}" for target in ("es.4k.s1", "raw", "dms.4k.s1"))
    yield Row(f"ram-{name}-raw", f"{title}, to dm-linear", 0.92, own, bare, series="ram", limit="1", others=others)
    yield Row(f"ram-{name}-dms", f"{title}, to dm-snapshot", 1.5, own, thick, series="ram", fastest=bare)


ROWS = (
    first(RAND, 1, 0.47, "0.5", "first write, random 4 KiB, depth 32, 1 snapshot", others=THICK),
    chain(8),
    chain(64),
    chain(256),
    first(SERIAL, 1, 0.31, "0.33", "first write, random 4 KiB, depth 1",
          others={"dm-snapshot 1": f"first/{SERIAL}/dms.4k.s1"}),
    first(SEQ, 1, 0.31, "0.33", "first write, sequential 1 MiB", unit=RAW_MIB, others=THICK_SEQ),
    Row("whole-64k", "random 4 KiB, chunk 64 KiB, whole volume once, to dm-thin", 1, "whole/rand4k-d32/es.64k.s1",
        "whole/rand4k-d32/thin.64k.s1", series="whole", others={"raw": "whole/rand4k-d32/raw"}),
    trimmed(RAND, "random 4 KiB", RAW_IOPS, {"dm-snapshot 1": THICK["dm-snapshot 1"]}),
    trimmed(SEQ, "sequential 1 MiB", RAW_MIB, THICK_SEQ),
    Row("zero", "first write over zeros, sequential 1 MiB", 0.46, f"zero/{SEQ}/es.4k.s1", f"trimmed/{SEQ}/raw",
        RAW_MIB, series="nothing", limit="0.5", others={"dm-snapshot 1": THICK_SEQ["dm-snapshot 1"]}),
    rewrite(RAND, "random 4 KiB, depth 32"),
    rewrite("rand64k-d32", "random 64 KiB, depth 32"),
    rewrite(SEQ, "sequential 1 MiB", RAW_MIB),
    read("read4k-d32", "random 4 KiB, depth 32"),
    read("read1m-d4", "sequential 1 MiB", RAW_MIB),
    Row("image-newest", "sequential read of the newest snapshot of 256", 0.95, "image/read1m-d4/newest.4k.s256",
        "image/read1m-d4/raw", RAW_MIB, series="chain", limit="1"),
    Row("image-oldest", "sequential read of the oldest of 256, to the newest", 0.9, "image/read1m-d4/oldest.4k.s256",
        "image/read1m-d4/newest.4k.s256", RAW_MIB, series="chain", limit="1"),
    *ram("rewrite", RAM_REWRITE, "rewrite of copied chunks", 1, 8),
    *ram("read", RAM_READ, "reads", 1),
    Row("ios", "device I/Os per first write, random 4 KiB, depth 32", 2.2, f"first/{RAND}/es.4k.s1", kind="ios",
        limit="2.03", others={"dm-snapshot 1": THICK["dm-snapshot 1"]}),
    Row("store-bytes", "bytes written to the store per byte of old data, the same", 1.15, f"first/{RAND}/es.4k.s1",
        kind="store", limit="1", others={"dm-snapshot 1": THICK["dm-snapshot 1"]}),
)


def journal(work, title, same, own, against="raw"):
    """A row for each place of the ring. AGAINST: what "same" is compared with; "own" is with the bare disk."""
    for place, where, bar, base in (("same", "same disk", same, against), ("own", "its own disk", own, "raw")):
        note = "" if base == "raw" else ", to no journal"
        yield Row(
            f"journal-{work}-{place}", f"{title}; {where}{note}", bar, f"journal/{work}/{place}",
            f"journal/{work}/{base}", series="journal",
            others={} if note else {"no journal": f"journal/{work}/none"},
        )


def tail(place, where):
    return Row(
        f"journal-tail-{place}", f"ring long full, p99.9 to the median of what a write waits; {where}", 4,
        f"journal/full-d32/{place}", kind="tail", series="journal",
        others={"no journal": "journal/full-d32/none"},
    )


JOURNAL_ROWS = (
    *journal("burst-d32", "burst of 32 MiB, random 4 KiB first writes, depth 32", 4, 8),
    *journal("burst-d1", "burst of 8 MiB, the same at depth 1", 0.9, 0.95),
    *journal("full-d32", "ring long full, random 4 KiB first writes, depth 32", 0.45, 0.47),
    *journal("zipf-d32", "ring long full, zipf 1.1 over 1 GiB, depth 32", 1, 0.9, against="none"),
    *journal("fsync-d1", "random 4 KiB, each with fsync, depth 1", 0.9, 0.95),
    *journal("pending-d1", "reads of what is pending, random 4 KiB, depth 1", 0.5, 0.5),
    tail("same", "same disk"),
    tail("own", "its own disk"),
)
