# SPDX-License-Identifier: GPL-2.0-only
"""fio: the workloads, and a result of one as numbers."""

import json
import subprocess
import zlib
from dataclasses import dataclass, replace

# IOMeter's file server, as writes.
FILE_SERVER = "512/10:1k/5:2k/5:4k/60:8k/2:16k/4:32k/4:64k/10"


@dataclass(frozen=True)
class Work:
    """What is done to a device. Sizes in MiB, times in seconds.

    ramp: not counted, and uses up what a disk with a budget has saved while idle.
    runtime 0: one pass over the range instead. more: further options of fio.
    """

    name: str
    rw: str
    bs: str
    depth: int
    jobs: int = 1
    ramp: float = 0.5
    runtime: float = 2.5
    offset: int = 0
    size: int = 0
    zeros: bool = False
    rate_iops: int = 0
    engine: str = "libaio"
    direct: bool = True
    more: tuple = ()

    def over(self, offset, size):
        return replace(self, offset=offset, size=size)

    def once(self):
        return replace(self, runtime=0, ramp=0)

    def block_bytes(self, side):
        """Of a mix the mean of what was done."""
        if "/" in self.bs:
            return side["io_bytes"] / max(side["total_ios"], 1)
        return int(self.bs[:-1]) << {"k": 10, "m": 20}[self.bs[-1]]

    @property
    def writes(self):
        return "write" in self.rw


# Sequential runs are shorter, or a pass over the volume would not last.
WORKS = {
    work.name: work
    for work in (
        Work("rand4k-d1", "randwrite", "4k", 1),
        Work("rand4k-d32", "randwrite", "4k", 32),
        Work("rand4k-d64", "randwrite", "4k", 64),
        Work("rand64k-d32", "randwrite", "64k", 32, runtime=2),
        Work("seq1m-d4", "write", "1m", 4, runtime=2),
        Work("files-d32", "randwrite", FILE_SERVER, 32),
        Work("read4k-d32", "randread", "4k", 32),
        Work("read1m-d4", "read", "1m", 4, runtime=2),
    )
}


def command(work, path, seed):
    size = "bssplit" if "/" in work.bs else "bs"
    words = [
        "fio", "--output-format=json", "--name=w", f"--filename={path}", f"--rw={work.rw}",
        f"--{size}={work.bs}", f"--iodepth={work.depth}", f"--ioengine={work.engine}", f"--direct={int(work.direct)}",
        f"--offset={work.offset}m", f"--size={work.size}m", "--percentile_list=50:99:99.9",
        f"--randseed={zlib.crc32(seed.encode())}", "--thread", "--group_reporting",
        *work.more,
    ]
    if work.jobs > 1:
        words.append(f"--numjobs={work.jobs}")
    if work.runtime:
        words += ["--time_based", f"--ramp_time={work.ramp * 1000:.0f}ms", f"--runtime={work.runtime * 1000:.0f}ms"]
    if not work.direct:
        words.append("--end_fsync=1")
    if work.zeros:
        words.append("--zero_buffers")
    if work.rate_iops:
        words.append(f"--rate_iops={work.rate_iops}")
    return words


def start(work, path, seed):
    """A run in the background; finish() waits for it."""
    return subprocess.Popen(command(work, path, seed), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(work, process):
    out, err = process.communicate()
    if process.returncode:
        raise RuntimeError(f"fio ended with {process.returncode}: {(err or out).strip()[-300:]}")
    return result(work, json.loads(out[out.index("{"):]))


def run(work, path, seed):
    return finish(work, start(work, path, seed))


def result(work, report):
    """The numbers of a report: rates per second, latencies in microseconds."""
    job = report["jobs"][0]
    side = job["write" if work.writes else "read"]
    latency = side["clat_ns"]
    percentile = latency.get("percentile", {})
    return {
        "iops": side["iops"],
        "mib_s": side["bw_bytes"] / 2**20,
        "seconds": side["runtime"] / 1000,
        "block_bytes": work.block_bytes(side),
        "latency_us": {
            "p50": percentile.get("50.000000", 0) / 1000,
            "p99": percentile.get("99.000000", 0) / 1000,
            "p99.9": percentile.get("99.900000", 0) / 1000,
            "max": latency.get("max", 0) / 1000,
        },
    }
