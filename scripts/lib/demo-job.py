#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The work that goes on while snapshots are taken.

    demo-job.py SEED ACKNOWLEDGED DIRECTORY...

Two threads per DIRECTORY, the top of a file system:

  worker  changes files below files/ at random: overwrites, appends, replaces, truncates,
          creates, deletes
  clock   writes the numbers 1, 2, 3, ... to ticks/first, and each then to ticks/second. It is
          never paused, so the two files show whether a copy of them is of one instant. What is
          synced it notes in ACKNOWLEDGED/NAME, outside the file system.

One command per line of input, one line of reply:

  pause      the workers stop between two changes; the reply counts changes so far
  go         they go on
  changes N  wait until each worker has made N more
  stop       end everything; the reply counts changes and ticks
"""

import os
import random
import sys
import threading
import time

# Seconds. Mostly slow, to leave an emulated processor to those who compare files meanwhile;
# fast while somebody waits for changes.
SLOW = 0.1
FAST = 0.005
PAUSE_BETWEEN_TICKS = 0.1
CHANGES_PER_SYNC = 25


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


class Worker(threading.Thread):
    def __init__(self, directory, seed):
        super().__init__(daemon=True)
        self.directory = os.path.join(directory, "files")
        self.random = random.Random(f"{seed} {directory}")
        self.between_changes = threading.Lock()
        self.stopping = False
        self.pause_between_changes = SLOW
        self.changes = 0
        self.files = sorted(
            os.path.join(parent, name) for parent, _, names in os.walk(self.directory) for name in names
        )

    def run(self):
        changes = (self.overwrite, self.append, self.replace, self.truncate, self.create, self.delete)
        weights = (40, 15, 15, 5, 13, 12)
        while not self.stopping:
            with self.between_changes:
                self.random.choices(changes, weights)[0]()
                self.changes += 1
                if self.changes % CHANGES_PER_SYNC == 0:
                    self.sync()
            time.sleep(self.pause_between_changes)

    def data(self, most):
        return self.random.randbytes(self.random.randint(1, most))

    def overwrite(self):
        with open(self.random.choice(self.files), "r+b", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(self.random.randint(0, size))
            file.write(self.data(8192))

    def append(self):
        with open(self.random.choice(self.files), "ab", buffering=0) as file:
            file.write(self.data(8192))

    def replace(self):
        path = self.random.choice(self.files)
        with open(path + ".new", "wb", buffering=0) as file:
            file.write(self.data(16384))
        os.rename(path + ".new", path)

    def truncate(self):
        path = self.random.choice(self.files)
        os.truncate(path, self.random.randint(0, os.path.getsize(path)))

    def create(self):
        path = os.path.join(self.directory, f"created-{self.random.getrandbits(64):016x}")
        with open(path, "xb", buffering=0) as file:
            file.write(self.data(16384))
        self.files.append(path)

    def delete(self):
        os.unlink(self.files.pop(self.random.randrange(len(self.files))))

    def sync(self):
        with open(self.random.choice(self.files), "rb") as file:
            os.fsync(file.fileno())


class Clock(threading.Thread):
    def __init__(self, directory, acknowledged):
        super().__init__(daemon=True)
        ticks = os.path.join(directory, "ticks")
        os.makedirs(ticks, exist_ok=True)
        self.first, self.second = (
            os.open(os.path.join(ticks, name), os.O_RDWR | os.O_CREAT | os.O_APPEND)
            for name in ("first", "second")
        )
        self.acknowledged = os.path.join(acknowledged, os.path.basename(directory))
        self.ticks = self.restart()
        self.stopping = False

    def restart(self):
        """Goes on after the last number both files have; a power cut may leave more in the first."""
        with open(self.second, "rb", closefd=False) as file:
            ticks = file.read().count(b"\n")
        os.truncate(self.first, sum(len(str(n)) + 1 for n in range(1, ticks + 1)))
        return ticks

    def run(self):
        while not self.stopping:
            self.ticks += 1
            line = f"{self.ticks}\n".encode()
            write_all(self.first, line)
            write_all(self.second, line)
            if self.ticks % 10 == 0:
                os.fsync(self.first)
                os.fsync(self.second)
                self.acknowledge()
            time.sleep(PAUSE_BETWEEN_TICKS)

    def acknowledge(self):
        with open(self.acknowledged + ".new", "w", encoding="ascii") as file:
            file.write(f"{self.ticks}\n")
        os.rename(self.acknowledged + ".new", self.acknowledged)


class Job:
    def __init__(self, seed, acknowledged, directories):
        self.workers = [Worker(directory, seed) for directory in directories]
        self.clocks = [Clock(directory, acknowledged) for directory in directories]
        self.is_paused = False
        for thread in (*self.workers, *self.clocks):
            thread.start()

    def changes(self):
        return sum(worker.changes for worker in self.workers)

    def pause(self):
        for worker in self.workers:
            worker.between_changes.acquire()
        self.is_paused = True
        return f"paused {self.changes()}"

    def go_on(self):
        for worker in self.workers:
            worker.between_changes.release()
        self.is_paused = False
        return "going"

    def set_pause(self, seconds):
        for worker in self.workers:
            worker.pause_between_changes = seconds

    def wait_for(self, more):
        goals = [(worker, worker.changes + more) for worker in self.workers]
        self.set_pause(FAST)
        while any(worker.changes < goal for worker, goal in goals):
            time.sleep(0.05)
        self.set_pause(SLOW)
        return f"changed {self.changes()}"

    def stop(self):
        if self.is_paused:
            self.go_on()
        for thread in (*self.workers, *self.clocks):
            thread.stopping = True
        for thread in (*self.workers, *self.clocks):
            thread.join()
        return f"stopped {self.changes()} {sum(clock.ticks for clock in self.clocks)}"


def end_on_error(arguments):
    """A thread that fails ends everything: whoever waits for a reply then gets none."""
    sys.excepthook(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    os._exit(1)


def main():
    threading.excepthook = end_on_error
    job = Job(sys.argv[1], sys.argv[2], sys.argv[3:])
    commands = {"pause": job.pause, "go": job.go_on, "stop": job.stop}
    for line in sys.stdin:
        word, *rest = line.split()
        reply = job.wait_for(int(rest[0])) if word == "changes" else commands[word]()
        print(reply, flush=True)
        if word == "stop":
            break


main()
