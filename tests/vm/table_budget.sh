#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=32M --disk stores=640M --timeout 2400
#
# The memory of location tables stays within its budget while 32 readers read the oldest of
# 32 snapshots and others, comes back under memory pressure and with the last image, and what is
# read is right throughout.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "$0")/../support/vm_lib.sh"

disks=/dev/disk/by-id/virtio
sectors=65536
snapshots=32
store_sectors=40960 # room for a header with each of the chunks, if no two share one
stores=()
digests=()
parameters=/sys/module/dm_esnapshot/parameters

table_bytes() { cat "$parameters/table_bytes"; }
table() { echo "0 $sectors esnapshot-org $disks-origin 8 - ${#stores[@]} ${stores[*]}"; }

# Some 2000 chunks all over the volume, most of which cannot be joined.
scatter() {
    fio --name=w --filename=/dev/mapper/org --rw=randwrite --bs=4k --direct=1 \
        --ioengine=libaio --iodepth=32 --io_size=8M --size=32M --randseed="$1" \
        --minimal >/dev/null
}

snapshot() { # snapshot NUMBER
    local after=()
    dmsetup create "s$1" --table "0 $store_sectors linear $disks-stores $(($1 * store_sectors))"
    [ "$1" -eq 0 ] || after=(--after "${stores[-1]}")
    esnap -q format --origin "$disks-origin" -c 4k "${after[@]}" "/dev/mapper/s$1"
    stores+=("/dev/mapper/s$1")
    digests+=("$(digest /dev/mapper/org)")
    dmsetup load org --table "$(table)"
    dmsetup suspend org
    dmsetup resume org
}

say "$snapshots snapshots with scattered differences"
dd if=/dev/urandom of="$disks-origin" bs=1M count=32 oflag=direct status=none
dmsetup create org --table "0 $sectors esnapshot-org $disks-origin 8 - 0"
for i in $(seq 0 $((snapshots - 1))); do
    snapshot "$i"
    # The newest stays small: its table is not sealed, and is in memory as a whole.
    [ "$i" -eq $((snapshots - 1)) ] || scatter "$i"
done
for i in $(seq 0 $((snapshots - 1))); do
    dmsetup create -r "i$i" --table "0 $sectors esnapshot /dev/mapper/s$i"
done

say "without a limit that matters"
expect "${digests[0]}" "$(digest /dev/mapper/i0)" "the oldest snapshot"
whole=$(table_bytes)
echo "$((whole / 1024)) KiB of tables for the oldest snapshot"
[ "$whole" -gt $((1 << 20)) ] || fail "too little for the test: $whole bytes"

say "memory pressure takes them"
echo 2 >/proc/sys/vm/drop_caches
echo 2 >/proc/sys/vm/drop_caches # the first one took the marks of use
[ "$(table_bytes)" -lt $((whole / 4)) ] || fail "$(table_bytes) bytes of $whole are still there"
expect "${digests[0]}" "$(digest /dev/mapper/i0)" "the oldest snapshot after memory pressure"

check_readers() { # check_readers BUDGET_IN_MIB
    local limit=$(($1 << 20)) most=0 now i pids=()
    echo "$1" >"$parameters/table_budget_mib"
    for i in $(seq 0 $((snapshots - 1))); do
        (expect "${digests[i]}" "$(digest "/dev/mapper/i$i")" "snapshot $i") &
        pids+=($!)
    done
    while kill -0 "${pids[0]}" 2>/dev/null; do
        now=$(table_bytes)
        [ "$now" -le "$most" ] || most=$now
        sleep 0.05
    done
    for i in "${pids[@]}"; do
        wait "$i" || fail "a reader with a budget of $1 MiB"
    done
    echo "at most $((most / 1024)) KiB with a budget of $1 MiB"
    [ "$most" -gt 0 ] || fail "no table was seen in memory"
    [ "$most" -le "$limit" ] || fail "$most bytes with a budget of $limit"
}

say "32 readers, a budget of 1 MiB"
dmsetup remove --retry i0
dmsetup create -r i0 --table "0 $sectors esnapshot /dev/mapper/s0"
echo 2 >/proc/sys/vm/drop_caches
echo 2 >/proc/sys/vm/drop_caches
check_readers 1

say "no budget at all: slow, but right"
echo 0 >"$parameters/table_budget_mib"
piece() { dd if="$1" bs=64k skip=100 count=16 iflag=direct status=none | summary; }
tight=$(piece /dev/mapper/i0)
echo 64 >"$parameters/table_budget_mib"
expect "$tight" "$(piece /dev/mapper/i0)" "a piece of the oldest snapshot"

say "nothing is left behind the last image"
for i in $(seq 0 $((snapshots - 1))); do dmsetup remove --retry "i$i"; done
expect 0 "$(table_bytes)" "tables in memory without images"
dmsetup remove --retry org
for i in $(seq 0 $((snapshots - 1))); do
    esnap check "/dev/mapper/s$i" >/dev/null
    dmsetup remove --retry "s$i"
done
echo "all held"
