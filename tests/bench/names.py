# SPDX-License-Identifier: GPL-2.0-only
"""The series, in the order they are run, and what each is about. Known to both sides."""

# What the main table needs; ram has a guest of its own, with two processors.
QUICK = {
    "first": "first writes with one snapshot; dm-snapshot with one and eight",
    "chain": "a chain that grows to 256 snapshots: first writes, origin reads, image reads",
    "rewrite": "writes of chunks that are copied already",
    "whole": "a whole volume rewritten by random 4 KiB, chunk 64 KiB, beside dm-thin",
    "nothing": "first writes over zeros and over trimmed space",
    "ram": "processor cost on a RAM disk",
}
MORE = {
    "snapshots": "throughput with 0 to 256 snapshots; dm-snapshot with 0 to 8",
    "chunks": "chunks of 4 to 256 KiB, blocks of 4 KiB to 1 MiB and a file server's mix",
    "depths": "queue depths 1, 32 and 64, with dm-thin",
    "published": "bonnie-like sequential rewriting of a file with 0 to 8 snapshots",
    "images": "reading the newest and the oldest of eight snapshots",
    "load": "taking and dropping snapshots while small writes go on",
    "memory": "kernel memory per chunk and per extent",
    "latency": "small writes beside big ones, an old snapshot's attach, a view",
}
# These have guests of their own, see scripts/bench.
ALONE = {
    "attach": "attaching a million scattered extents, beside dm-snapshot",
    "huge": "an origin of 16 TiB in a guest with 512 MiB",
    "journal": "a write journal on the same disk and on its own, each with half of the budget's I/Os",
}
ALL = {**QUICK, **MORE, **ALONE}
