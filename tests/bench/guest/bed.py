# SPDX-License-Identifier: GPL-2.0-only
"""Where measurements happen: the disk cut into regions, and what was measured on them.

The origin's region is at the disk's start and filled with data that is not zero, because
old data that is zero takes no room in a store. Everything else is cut from behind it, and
given back at the end of a `stage`.
"""

import contextlib
import fcntl
import json
import os
import struct
import subprocess
import sys
import time

from . import dm, fio

MIB = 2048
BLKDISCARD, BLKGETSIZE64 = 0x1277, 0x80081272


def size_of(path):
    """In sectors."""
    with open(path, "rb") as file:
        answer = fcntl.ioctl(file, BLKGETSIZE64, bytes(8))
    return struct.unpack("=Q", answer)[0] // 512


def discard(path, offset_mib, size_mib):
    with open(path, "r+b", buffering=0) as file:
        fcntl.ioctl(file, BLKDISCARD, struct.pack("=QQ", offset_mib << 20, size_mib << 20))


def wipe(path, size=65536):
    """Makes the start of a device zero, as formatting asks for."""
    with open(path, "r+b", buffering=0) as file:
        file.write(bytes(size))
        os.fsync(file.fileno())


class Stage:
    """Devices that live for one measurement or a few; removed in reverse at the end."""

    def __init__(self, bed, disk, first_free):
        self.bed = bed
        self.disk = disk
        self.next = first_free
        self.end = size_of(disk)
        self.devices = []

    def region(self, mib, at=None):
        """A piece of the disk, from what is free unless AT (sectors) says where."""
        start = self.next if at is None else at
        if at is None:
            self.next += mib * MIB
        if start + mib * MIB > self.end:
            raise RuntimeError(f"the disk is too small: {(start + mib * MIB) // MIB} MiB wanted")
        return self.device(mib * MIB, "linear", f"{self.disk} {start}")

    def device(self, sectors, target, arguments, readonly=False):
        device = dm.Device(self.bed.new_name(), sectors, target, arguments, readonly)
        self.devices.append(device)
        return device

    def drop(self, device):
        device.remove()
        self.devices.remove(device)

    def close(self):
        """Stores are made after the devices that use them, so the order is found by trying."""
        left, patience = list(reversed(self.devices)), 50
        while left:
            busy = []
            for device in left:
                try:
                    device.remove()
                except dm.DmError as error:
                    busy.append(device)
                    last = error
            if len(busy) == len(left):
                patience -= 1
                time.sleep(0.1)
            if not patience:
                raise last
            left = busy


class Bed:
    """The disk, and the results.

    results: {"points": {name: [result, ...]}, "errors": {series: text}}, written out after
    every series, so that a run that breaks off leaves what it has.
    """

    def __init__(self, disk, origin_mib, seed, output):
        self.disk = disk
        self.origin_mib = origin_mib
        self.seed = seed
        self.output = output
        self.results = {"points": {}, "errors": {}, "facts": {}}
        self.names = 0
        self.began = time.monotonic()
        self.origin_good = False

    def new_name(self):
        self.names += 1
        return f"bench{self.names}"

    def say(self, text):
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def stage(self):
        stage = Stage(self, self.disk, self.origin_mib * MIB)
        try:
            yield stage
        finally:
            stage.close()

    def origin(self, stage, mib=0):
        """The origin's region, or the first MIB of it, holding data that is not zero."""
        device = stage.region(mib or self.origin_mib, at=0)
        if not self.origin_good:
            whole = stage.region(self.origin_mib, at=0)
            self.fill(whole)
            stage.drop(whole)
            self.origin_good = True
        return device

    def fill(self, device, mib=0, zeros=False):
        work = fio.Work("fill", "write", "1m", 8, size=mib or device.mib, runtime=0, zeros=zeros)
        fio.run(work, device.path, f"{self.seed} fill")

    def add(self, name, result):
        self.results["points"].setdefault(name, []).append(result)

    def note(self, name, result):
        """Adds and prints it."""
        self.add(name, result)
        self.say(f"{name}: {result['iops']:.0f} I/Os/s, {result['mib_s']:.1f} MiB/s")

    def fail(self, name, error):
        self.say(f"{name}: {error}")
        self.add(name, {"error": str(error)})

    def measure(self, name, work, device, store=None, first=False, path=None):
        """Runs WORK on DEVICE, notes the result as NAME and prints it.

        store: a device whose writes are noted apart. first: a block that is written twice
        would spoil the result. path: a file on the device.
        """
        work = work if work.size else work.over(0, device.mib)
        before = [dm.counters(path) for path in self.watched(device, store)]
        try:
            result = fio.run(work, path or device.path, f"{self.seed} {name}")
            after = [dm.counters(path) for path in self.watched(device, store)]
            result["user"], result["disk"], *rest = map(dm.difference, before, after)
            if rest:
                result["store"] = rest[0]
            if first and result["user"]["write_bytes"] > work.size << 20:
                raise RuntimeError("the range was written more than once; it is too small for the run")
            if work.writes and not result["user"]["writes"] or not result["iops"]:
                raise RuntimeError("nothing was done")
        except (OSError, RuntimeError, ValueError) as error:
            self.fail(name, error)
            return None
        self.note(name, result)
        return result

    def watched(self, device, store):
        return [device.path, self.disk] + ([store.path] if store else [])

    def series(self, name, function):
        began = time.monotonic()
        self.say(f"--- {name}")
        try:
            function(self)
        except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            self.say(f"{name} broke off: {error}")
            self.results["errors"][name] = str(error)
        self.results.setdefault("seconds", {})[name] = round(time.monotonic() - began, 1)
        self.write()

    def write(self):
        with open(self.output + ".new", "w", encoding="utf-8") as file:
            json.dump(self.results, file)
        os.replace(self.output + ".new", self.output)
