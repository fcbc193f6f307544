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
order=/run/order

dd if=/dev/urandom of="$disks-origin" bs=1M count=64 oflag=direct status=none
esnap -q format --origin "$disks-origin" -c 4k "$disks-store"
# Writes take 300 ms, reads nothing.
dmsetup create slow --table "0 $sectors delay $disks-store 0 0 $disks-store 0 300"
dmsetup create org --table "0 $sectors esnapshot-org $disks-origin 8 - 1 /dev/mapper/slow"
dmsetup create -r img --table "0 $sectors esnapshot /dev/mapper/slow"
before=$(digest /dev/mapper/img)

write() { # write NAME KIB OFFSET_IN_KIB
    dd if=/dev/urandom of=/dev/mapper/org bs="$2k" count=1 seek="$(($3 / $2))" oflag=direct status=none
    echo "$1" >>"$order"
}

say "one small write behind sixteen large ones, of which eight are there"
: >"$order"
for i in $(seq 16); do
    write "large$i" 1024 $((i * 1024)) &
done
until [ "$(dmsetup status org | cut -d' ' -f8)" -ge 8 ]; do sleep 0.02; done
write small 4 $((40 * 1024))
place=$(grep -n small "$order" | cut -d: -f1)
wait
expect 17 "$(wc -l <"$order")" "writes done"
echo "the small write was number $place of 17"
[ "$place" -le 4 ] || fail "the small write waited for $((place - 1)) large ones"
expect "$before" "$(digest /dev/mapper/img)" "the snapshot"

dmsetup remove --retry img
dmsetup remove --retry org
dmsetup remove --retry slow
esnap check "$disks-store"
echo "all held"
