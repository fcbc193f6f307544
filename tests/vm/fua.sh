#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=8M --disk origin-log=64M --disk store=16M --disk view=16M --disk view-log=64M --disk ring=8M --disk ring-log=64M --timeout 300
#
# A write with FUA is durable when it is acknowledged, whatever way it took: dm-log-writes under origin,
# view and journal tells how it arrived there. A power cut does not show it: the kernel
# sends a flush after each O_DSYNC write; a file system's log write has none. The same way: what a detach
# says of the origin is durable there before.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

log=$(dirname -- "${BASH_SOURCE[0]}")/../support/writes_log.py
disks=/dev/disk/by-id/virtio
m=/dev/mapper
sectors=16384 # of the origin; chunks of 16 KiB

logged() { # logged NAME: $m/NAME over the disk NAME, with its log
    dmsetup create "$1" --table "0 $(blockdev --getsz "$disks-$1") log-writes $disks-$1 $disks-$1-log"
}

# write MARK DEVICE KIB AT_KIB oflag=dsync|conv=fsync: one write, between marks in all logs. Without FUA
# it is logged with the flush behind it.
write() {
    local name
    for name in origin view ring; do dmsetup message "$name" 0 mark "$1"; done
    dd if=/dev/urandom of="$2" bs="$3k" count=1 seek="$(($4 * 1024))" oflag=direct,seek_bytes "$5" status=none
    for name in origin view ring; do dmsetup message "$name" 0 mark end; done
}

arrived() { # arrived MARK NAME WORD...: what the log of NAME has between
    expect "${*:3}" "$(python3 "$log" "$disks-$2-log" "$1" | xargs)" "what '$1' was at the $2"
}

dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
logged origin
logged view
logged ring
esnap -q format --origin "$m/origin" -c 16k "$disks-store"
esnap -q format --view-of "$disks-store" "$m/view"
esnap -q format --journal-for "$disks-store" "$m/ring"
dmsetup create org --table "0 $sectors esnapshot-org $m/origin 32 - 1 $disks-store"
dmsetup create try --table "0 $sectors esnapshot-view $m/view $m/origin $disks-store"

say "the origin, without and with a copy before it"
write first-fua $m/org 4 0 oflag=dsync
write first-plain $m/org 4 16 conv=fsync
write again-fua $m/org 4 8 oflag=dsync
write again-plain $m/org 4 24 conv=fsync
write half-copied-fua $m/org 16 24 oflag=dsync
write whole-chunks-fua $m/org 64 64 oflag=dsync

say "a view: chunks that it has, and has not"
write view-first-fua $m/try 4 0 oflag=dsync
write view-again-fua $m/try 4 8 oflag=dsync
write view-again-plain $m/try 4 4 conv=fsync
write view-whole-fua $m/try 16 64 oflag=dsync
write view-mixed-fua $m/try 32 64 oflag=dsync

say "a journal, and what it writes in place"
dmsetup load org --table "0 $sectors esnapshot-org $m/origin 32 $m/ring 1 $disks-store"
dmsetup suspend org
dmsetup resume org
write ring-fua $m/org 4 256 oflag=dsync
write ring-plain $m/org 4 512 conv=fsync
dmsetup message org 0 drain

dmsetup remove --retry try

say "a clean detach: what the store says of the origin is durable there"
dmsetup load org --table "0 $sectors esnapshot-org $m/origin 32 - 1 $disks-store"
dmsetup suspend org
dmsetup resume org
dmsetup message origin 0 mark detach
dd if=/dev/urandom of="$m/org" bs=4k count=1 oflag=direct status=none
dmsetup remove --retry org
for name in origin view ring; do dmsetup remove --retry "$name"; done
arrived first-fua origin fua flush
arrived first-plain origin plain flush
arrived again-fua origin fua flush
arrived again-plain origin plain flush
arrived half-copied-fua origin fua fua flush
arrived whole-chunks-fua origin fua flush
# Data of chunks that a view has not: it is durable before the record that makes it count.
arrived view-first-fua view plain flush fua flush
arrived view-again-fua view fua flush
arrived view-again-plain view plain flush
arrived view-whole-fua view plain flush fua flush
arrived view-mixed-fua view fua plain flush fua flush
arrived ring-fua ring fua
arrived ring-plain ring fua
arrived detach origin plain flush
echo "all held"
