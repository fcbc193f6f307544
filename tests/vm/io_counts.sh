#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk disk=160M,iops=2000 --timeout 1200
#
# What a write costs in I/Os of origin and store, by the devices' own counters: that does not
# depend on the machine. Random 4 KiB writes, 32 at a time, chunks of 4 KiB. Both are on one disk
# with a limit, so that writes meet and share appends.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "$0")/../support/vm_lib.sh"

disk=/dev/disk/by-id/virtio-disk
origin=/dev/mapper/origin
store=/dev/mapper/store
sectors=131072
writes=4096

# counters NAME: reads, sectors read, writes, sectors written
counters() {
    local stat
    read -r -a stat <"/sys/block/$(dmsetup info -c --noheadings -o blkdevname "$1")/stat"
    echo "${stat[0]} ${stat[2]} ${stat[4]} ${stat[6]}"
}

# cost COMMAND...: sets origin_* and store_*, the I/Os and bytes for 1000 writes
cost() {
    local o0 o1 s0 s1
    read -r -a o0 <<<"$(counters origin)"
    read -r -a s0 <<<"$(counters store)"
    "$@"
    read -r -a o1 <<<"$(counters origin)"
    read -r -a s1 <<<"$(counters store)"
    origin_reads=$(((o1[0] - o0[0]) * 1000 / writes))
    origin_writes=$(((o1[2] - o0[2]) * 1000 / writes))
    store_reads=$(((s1[0] - s0[0]) * 1000 / writes))
    store_writes=$(((s1[2] - s0[2]) * 1000 / writes))
    store_bytes=$(((s1[3] - s0[3]) * 1000 / (writes * 8))) # for 1000 bytes of old data
    echo "for 1000 writes: origin $origin_reads reads, $origin_writes writes;" \
        "store $store_reads reads, $store_writes writes, $store_bytes bytes for 1000 of old data"
}

random() { # random WRITE-OR-READ SEED
    fio --name=w --filename=/dev/mapper/org --rw="rand$1" --bs=4k --size=64M \
        --io_size=$((writes * 4))k --direct=1 --ioengine=libaio --iodepth=32 --randseed="$2" \
        --minimal >/dev/null
}

# within WHAT FOUND LEAST MOST
within() {
    [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] && return
    fail "$1: $2 for 1000 writes, wanted $3 to $4"
}

begin() { # begin: a fresh snapshot
    dmsetup create org --table "0 $sectors esnapshot-org $origin 8 - 0"
    [ -z "${1:-}" ] || "$1"
    esnap -q format --force --origin "$origin" -c 4k "$store"
    dmsetup load org --table "0 $sectors esnapshot-org $origin 8 - 1 $store"
    dmsetup suspend org
    dmsetup resume org
}
end() {
    dmsetup remove --retry org
    esnap check "$store"
}

# Udev would read every device that was written to. Holding up its queue for the time of a measurement
# was tried: once in some fifty runs dmsetup waited for ever for an event that udevd never came to.
udevadm settle
udevadm control --exit
rm -f /run/udev/control
export DM_DISABLE_UDEV=1
disk=$(readlink -f "$disk")

dmsetup create origin --table "0 $sectors linear $disk 0"
dmsetup create store --table "0 $((96 * 2048)) linear $disk $sectors"

say "first writes: one read, one write in place, a share of an append"
dd if=/dev/urandom of="$origin" bs=1M count=64 oflag=direct status=none
begin
cost random write 1
within "origin reads" "$origin_reads" 1000 1000
within "origin writes" "$origin_writes" 1000 1000
within "store reads" "$store_reads" 0 0
within "store writes" "$store_writes" 1 200
within "store bytes" "$store_bytes" 1000 1150

say "rewrites of the same: one write"
cost random write 1
within "origin reads" "$origin_reads" 0 0
within "origin writes" "$origin_writes" 1000 1000
within "store writes" "$store_writes" 0 0

say "reads: one read"
cost random read 1
within "origin reads" "$origin_reads" 1000 1000
within "store reads" "$store_reads" 0 0
end

say "first writes of neighbouring blocks from the page cache: they are put together"
begin
read -r -a before <"/sys/block/$(basename "$disk")/stat"
dd if=/dev/urandom of=/dev/mapper/org bs=1M count=16 conv=fsync status=none
read -r -a after <"/sys/block/$(basename "$disk")/stat"
reads=$((after[0] - before[0])) written=$((after[4] - before[4]))
echo "4096 blocks: $reads reads, $written writes of the disk"
[ "$reads" -le 512 ] || fail "$reads reads of the disk for 4096 neighbouring blocks"
[ "$written" -le 1024 ] || fail "$written writes of the disk for 4096 neighbouring blocks"
end

say "first writes over zeros: no payload"
dd if=/dev/zero of="$origin" bs=1M count=64 oflag=direct status=none
begin
cost random write 2
within "origin reads" "$origin_reads" 1000 1000
within "origin writes" "$origin_writes" 1000 1000
within "store bytes" "$store_bytes" 1 150
end

say "first writes into space trimmed before the snapshot: one write"
trim() { blkdiscard /dev/mapper/org; }
begin trim
cost random write 3
within "origin reads" "$origin_reads" 0 0
within "origin writes" "$origin_writes" 1000 1000
within "store writes" "$store_writes" 0 0
end
echo "all held"
