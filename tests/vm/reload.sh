#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk s1=64M --disk s2=128M --disk small=8M --timeout 600
#
# Tables that change several things at once, or too late: an origin that grows and gets a snapshot,
# chunks of another size, a chain that becomes invalid between load and resume, and a store
# that is full before and after a suspend.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

disks=/dev/disk/by-id/virtio
m=/dev/mapper
origin=$m/origin
half=65536 whole=131072

state() { dmsetup status org | cut -d' ' -f4; }
random() { # random DEVICE MIB
    dd if=/dev/urandom of="$1" bs=1M count="$2" oflag=direct status=none
}
image() { # image NAME STORE SECTORS
    dmsetup create -r "$1" --table "0 $3 esnapshot $2"
}

dmsetup create origin --table "0 $half linear $disks-origin 0"
for s in s1 s2; do
    dmsetup create $s --table "0 $(blockdev --getsz "$disks-$s") linear $disks-$s 0"
done

say "one table lets the origin grow and takes a snapshot"
random "$disks-origin" 64
esnap -q format --origin $origin -c 4k $m/s1
dmsetup create org --table "0 $half esnapshot-org $origin 8 - 1 $m/s1"
image one $m/s1 $half
first=$(digest $m/one)
random $m/org 8
change origin "0 $whole linear $disks-origin 0" --noflush --nolockfs
esnap -q format --origin $origin --after $m/s1 $m/s2
change org "0 $whole esnapshot-org $origin 8 - 2 $m/s1 $m/s2"
expect ok "$(state)" "the chain that has grown"
image two $m/s2 $whole
second=$(digest $m/two)
expect "$(digest $m/org)" "$second" "the new snapshot"
random $m/org 64
expect "$first" "$(digest $m/one)" "the older snapshot, everything written"
expect "$second" "$(digest $m/two)" "the new snapshot, everything written"

say "an origin grows in the middle of a chunk: a snapshot keeps nothing of what lies behind its end"
dmsetup remove --retry one
dmsetup remove --retry two
dmsetup remove --retry org
random "$disks-origin" 64
change origin "0 1000 linear $disks-origin 0"
esnap -q format --force --origin $origin -c 64k $m/s1
dmsetup create org --table "0 1000 esnapshot-org $origin 128 - 1 $m/s1"
image one $m/s1 1000
first=$(digest $m/one)
change origin "0 $whole linear $disks-origin 0" --noflush --nolockfs
change org "0 $whole esnapshot-org $origin 128 - 1 $m/s1"
random $m/org 1
expect "$first" "$(digest $m/one)" "the snapshot, everything written"
dmsetup remove --retry one
dmsetup remove --retry org
esnap check $m/s1

say "the chain becomes invalid between load and resume: no snapshot, and the origin goes on"
dmsetup create org --table "0 $whole esnapshot-org $origin 8 - 0"
esnap -q format --force --origin $origin -c 4k $m/s1
change org "0 $whole esnapshot-org $origin 8 - 1 $m/s1"
esnap -q format --force --origin $origin --after $m/s1 $m/s2
dmsetup load org --table "0 $whole esnapshot-org $origin 8 - 2 $m/s1 $m/s2"
change s1 "0 $(blockdev --getsz "$disks-s1") error" --noflush --nolockfs
random $m/org 1
expect invalid "$(state)" "the chain without its store"
dmsetup suspend org
dmsetup resume org || fail "the origin was left suspended"
expect invalid "$(state)" "the chain after the resume"
timeout 30 dd if=/dev/urandom of=$m/org bs=1M count=1 oflag=direct status=none || fail "a write failed"
image two $m/s2 $whole 2>/dev/null && refuse dd if=$m/two of=/dev/null bs=4k count=1 iflag=direct
[ ! -e $m/two ] || dmsetup remove --retry two
change org "0 $whole esnapshot-org $origin 8 - 0"
dmsetup remove --retry org

say "what was trimmed is forgotten with the size of its chunks"
change s1 "0 $(blockdev --getsz "$disks-s1") linear $disks-s1 0" --noflush --nolockfs
random $origin 64
dmsetup create org --table "0 $whole esnapshot-org $origin 8 - 0"
blkdiscard -o 1M -l 1M $m/org
change org "0 $whole esnapshot-org $origin 32 - 0"
esnap -q format --force --origin $origin -c 16k $m/s2
change org "0 $whole esnapshot-org $origin 32 - 1 $m/s2"
image two $m/s2 $whole
live() { dd if="$1" bs=1M skip=2 iflag=direct status=none | summary; }
expect "$(live $m/org)" "$(live $m/two)" "what was not trimmed, in the snapshot"
dmsetup remove --retry two
dmsetup remove --retry org

say "a full store after a suspend: writes fail as before, they do not wait for ever"
random $origin 32
esnap -q format --force --origin $origin -c 64k "$disks-small"
dmsetup create org --table "0 $whole esnapshot-org $origin 128 - 1 $disks-small 2 queue_timeout=2 on_full=error"
refuse timeout 60 dd if=/dev/urandom of=$m/org bs=1M count=32 oflag=direct status=none
dmsetup suspend org
dmsetup resume org
code=0
timeout 60 dd if=/dev/urandom of=$m/org bs=1M count=32 oflag=direct status=none 2>/dev/null || code=$?
expect 1 "$code" "what dd says after the suspend (124: it was still waiting)"
expect full "$(state)" "the chain with a full store"
dmsetup remove --retry org
echo "all held"
