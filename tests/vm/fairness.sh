#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=64M --disk store=64M --timeout 300
#
# A write of 4 KiB does not wait for others' megabytes: with a store that takes its time for
# every append, it is done before most of sixteen large writes that came earlier.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "$0")/../support/vm_lib.sh"

disks=/dev/disk/by-id/virtio
sectors=131072

dd if=/dev/urandom of="$disks-origin" bs=1M count=64 oflag=direct status=none
esnap -q format --origin "$disks-origin" -c 4k "$disks-store"
# Writes take 300 ms, reads nothing.
dmsetup create slow --table "0 $sectors delay $disks-store 0 0 $disks-store 0 300"
dmsetup create org --table "0 $sectors esnapshot-org $disks-origin 8 - 1 /dev/mapper/slow"
dmsetup create -r img --table "0 $sectors esnapshot /dev/mapper/slow"
before=$(digest /dev/mapper/img)

say "one small write behind sixteen large ones, of which eight are there"
python3 - <<'PYTHON'
import mmap
import os
import subprocess
import threading
import time

MIB = 1 << 20
device = os.open("/dev/mapper/org", os.O_WRONLY | os.O_DIRECT)
done = []


def block(size):
    memory = mmap.mmap(-1, size)
    memory[:] = os.urandom(size)
    return memory


def write_large(data, offset):
    assert os.pwrite(device, data, offset) == MIB
    done.append(offset)


def waiting():
    words = subprocess.run(["dmsetup", "status", "org"], check=True, capture_output=True).stdout.split()
    return int(words[7])


# All that takes time is done before: what counts are writes that end between two lines of this program.
small = block(4096)
threads = [threading.Thread(target=write_large, args=(block(MIB), i * MIB)) for i in range(1, 17)]
for thread in threads:
    thread.start()
while waiting() < 8:
    time.sleep(0.02)
before = len(done)
assert before < 8, f"{before} large writes were through: this proves nothing"
assert os.pwrite(device, small, 40 * MIB) == 4096
waited_for = len(done) - before
for thread in threads:
    thread.join()
assert len(done) == 16, f"{len(done)} of 16 large writes went well"
print(f"{before} large writes were through, {waited_for} ended while the small one waited")
assert waited_for <= 3, f"the small write waited for {waited_for} large ones"
PYTHON
expect "$before" "$(digest /dev/mapper/img)" "the snapshot"

dmsetup remove --retry img
dmsetup remove --retry org
dmsetup remove --retry slow
esnap check "$disks-store"
echo "all held"
