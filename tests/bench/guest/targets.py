# SPDX-License-Identifier: GPL-2.0-only
"""Snapshots as each of the drivers makes them.

All take a Stage for their devices. `device` is what a user would write to. A new snapshot
makes every chunk one that must be copied again.
"""

import subprocess
import time

from .bed import MIB, wipe

THIN_BLOCK_KIB = 64


class Esnapshot:
    """A chain on an origin."""

    def __init__(self, stage, origin, chunk_kib):
        self.stage = stage
        self.origin = origin
        self.chunk_kib = chunk_kib
        self.stores = []
        self.journal = None
        self.device = stage.device(origin.sectors, "esnapshot-org", self.table())

    def table(self):
        stores = " ".join(store.path for store in self.stores)
        journal = self.journal.path if self.journal else "-"
        return f"{self.origin.path} {self.chunk_kib * 2} {journal} {len(self.stores)} {stores}".rstrip()

    def format(self, mib):
        """A store that is ready to be added; not part of the chain yet."""
        store = self.stage.region(mib)
        wipe(store.path)
        after = ["--after", self.stores[-1].path] if self.stores else []
        subprocess.run(
            ["esnap", "-q", "format", "--origin", self.origin.path, "-c", f"{self.chunk_kib}k", *after, store.path],
            check=True, capture_output=True, text=True,
        )
        return store

    def switch(self, stores):
        """Loads the table with other stores; returns how long writes stood still, and all."""
        self.stores = stores
        began = time.monotonic()
        self.device.load("esnapshot-org", self.table())
        loaded = time.monotonic()
        self.device.suspend()
        self.device.resume()
        ended = time.monotonic()
        return {"stopped_s": ended - loaded, "all_s": ended - began}

    def snapshot(self, mib):
        began = time.monotonic()
        store = self.format(mib)
        formatted = time.monotonic()
        times = self.switch(self.stores + [store])
        times["all_s"] += formatted - began
        return times

    def drop_oldest(self):
        return self.switch(self.stores[1:])

    def add_journal(self, device):
        """Puts an empty ring on DEVICE before the origin."""
        wipe(device.path)
        subprocess.run(
            ["esnap", "-q", "format", "--journal-for", self.stores[-1].path, device.path],
            check=True, capture_output=True, text=True,
        )
        self.journal = device
        return self.switch(self.stores)

    def image(self, number):
        store = self.stores[number]
        return self.stage.device(self.origin.sectors, "esnapshot", store.path, readonly=True)

    def view(self, number, mib):
        store = self.stage.region(mib)
        wipe(store.path)
        subprocess.run(
            ["esnap", "-q", "format", "--view-of", self.stores[number].path, store.path],
            check=True, capture_output=True, text=True,
        )
        arguments = f"{store.path} {self.origin.path} {self.stores[number].path}"
        return self.stage.device(self.origin.sectors, "esnapshot-view", arguments)


class DmSnapshot:
    """Thick snapshots: each one has an exception store, and every write goes through all."""

    def __init__(self, stage, origin, chunk_kib, count, mib):
        self.stage = stage
        self.origin = origin
        self.chunk_kib = chunk_kib
        self.stores = []
        self.images = []
        for _ in range(count):
            self.add_store(mib)
        self.device = stage.device(origin.sectors, "snapshot-origin", origin.path)

    def add_store(self, mib):
        store = self.stage.region(mib)
        wipe(store.path)
        arguments = f"{self.origin.path} {store.path} P {self.chunk_kib * 2}"
        self.stores.append(store)
        self.images.append(self.stage.device(self.origin.sectors, "snapshot", arguments))

    def snapshot(self, mib):
        began = time.monotonic()
        self.device.suspend()
        suspended = time.monotonic()
        self.add_store(mib)
        self.device.resume()
        ended = time.monotonic()
        return {"stopped_s": ended - suspended, "all_s": ended - began}

    def drop_oldest(self):
        began = time.monotonic()
        self.device.suspend()
        suspended = time.monotonic()
        self.stage.drop(self.images.pop(0))
        self.device.resume()
        ended = time.monotonic()
        self.stores.pop(0)
        return {"stopped_s": ended - suspended, "all_s": ended - began}


class Thin:
    """A pool and a thin volume in it, every block of it provided for."""

    def __init__(self, stage, mib, spare_mib):
        self.stage = stage
        self.mib = mib
        meta = stage.region(8)
        data = stage.region(mib + spare_mib)
        wipe(meta.path)
        self.pool = stage.device(
            data.sectors, "thin-pool", f"{meta.path} {data.path} {THIN_BLOCK_KIB * 2} 0 1 skip_block_zeroing"
        )
        self.pool.message("create_thin 0")
        self.device = stage.device(mib * MIB, "thin", f"{self.pool.path} 0")
        self.snapshots = self.oldest = 0
        stage.bed.fill(self.device)

    def snapshot(self, _mib=0):
        began = time.monotonic()
        self.device.suspend()
        suspended = time.monotonic()
        self.snapshots += 1
        self.pool.message(f"create_snap {self.snapshots} 0")
        self.device.resume()
        ended = time.monotonic()
        return {"stopped_s": ended - suspended, "all_s": ended - began}

    def drop_oldest(self):
        """Needs no pause of the volume."""
        began = time.monotonic()
        self.oldest += 1
        self.pool.message(f"delete {self.oldest}")
        return {"stopped_s": 0, "all_s": time.monotonic() - began}


class Raw:
    """The bare region through dm-linear."""

    def __init__(self, origin):
        self.origin = self.device = origin
