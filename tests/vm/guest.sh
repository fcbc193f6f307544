#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk plain=64M --disk big-sectors=64M,lbs=4096 --disk slow=32M,iops=100 --timeout 300
#
# The guest is what tests rely on: disks by name, device-mapper with its testing targets,
# file systems, discard, a budget that holds, the module if one is built.

set -euo pipefail
id=/dev/disk/by-id/virtio

[ "$(id -u)" = 0 ]
[ "$(blockdev --getss "$id-plain")" = 512 ]
[ "$(blockdev --getss "$id-big-sectors")" = 4096 ]
[ "$(blockdev --getsize64 "$id-slow")" = $((32 << 20)) ]
blkdiscard "$id-plain"

modprobe -a dm-snapshot dm-thin-pool dm-log-writes dm-flakey dm-delay loop brd
for target in linear snapshot thin-pool log-writes flakey delay; do
    dmsetup targets | grep -q "^$target "
done
dmsetup create --notable empty
dmsetup remove --retry empty

for make in mkfs.ext4 mkfs.ext2; do
    $make -q -F "$id-big-sectors"
    mount "$id-big-sectors" /mnt
    echo data >/mnt/file
    umount /mnt
done

pvcreate -q "$id-plain"
vgcreate -q testvg "$id-plain"
lvcreate -q -y -W n -L 8M -n lv testvg
[ -b /dev/testvg/lv ]
vgremove -q -f testvg

writes=$(fio --name=budget --filename="$id-slow" --rw=randwrite --bs=4k --direct=1 --ioengine=libaio \
    --iodepth=8 --runtime=4 --time_based --output-format=json |
    python3 -c 'import json, sys; print(round(json.load(sys.stdin)["jobs"][0]["write"]["iops"]))')
echo "disk with a budget of 100: $writes writes per second"
[ "$writes" -ge 80 ] && [ "$writes" -le 120 ]

echo result >"$VM_SHARE/result"
if [ -e /run/esnap-vm/dm-esnapshot.ko ]; then
    grep -q '^dm_esnapshot ' /proc/modules
fi
