#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=32M --disk stores=64M --timeout 1200
#
# What protects a chain from its surroundings: no other target can be loaded over it, an origin
# written while nobody watched is noticed, images of what is gone fail and come back, the tables
# that dmsetup prints can be loaded again, and events tell what happens to a store.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

origin=/dev/disk/by-id/virtio-origin
stores=/dev/disk/by-id/virtio-stores
sectors=$(blockdev --getsz "$origin")

org_table() { # org_table STORE...
    local path line="0 $sectors esnapshot-org $origin 128 - $#"
    for path in "$@"; do line+=" /dev/mapper/$path"; done
    echo "$line"
}
image_table() { echo "0 $sectors esnapshot /dev/mapper/$1"; }
switch() { dmsetup suspend "$1" && dmsetup resume "$1"; }
state() { dmsetup status org | cut -d' ' -f4; }
image_state() { dmsetup status "$1" | cut -d' ' -f6; }
events() { dmsetup info -c --noheadings -o events "$1"; }
write() { # write MIB_FROM MIB: random data on the origin
    dd if=/dev/urandom of=/dev/mapper/org bs=1M seek="$1" count="$2" oflag=direct status=none
}

for i in 1 2; do
    dmsetup create "s$i" --table "0 65536 linear $stores $(((i - 1) * 65536))"
done
dd if=/dev/urandom of="$origin" bs=1M oflag=direct status=none 2>/dev/null || true
dmsetup create org --table "$(org_table)"

say "a snapshot of a pass-through, its events, and one more"
esnap -q format --origin "$origin" /dev/mapper/s1
dmsetup load org --table "$(org_table s1)"
switch org
first=$(digest "$origin")
dmsetup create -r one --table "$(image_table s1)"
expect ok "$(image_state one)" "state of the image"
before=$(events one)
write 0 24
expect low "$(image_state one)" "state of the image at 24 of 32 MiB"
[ "$(events one)" -gt "$before" ] || fail "no event when the store got low"
expect "$first" "$(digest /dev/mapper/one)" "the first snapshot"

say "no other target over a live chain"
refuse dmsetup load org --table "0 $sectors linear $origin 0"
expect ok "$(state)" "state after a refused load"

say "tables can be loaded as dmsetup prints them"
for device in org one; do
    table=$(dmsetup table "$device")
    dmsetup load "$device" --table "$table"
    switch "$device"
    expect "$table" "$(dmsetup table "$device")" "table of $device"
done
expect "$first" "$(digest /dev/mapper/one)" "the first snapshot after loading its own table"

say "an image without its chain fails, and comes back with it"
dmsetup remove --retry org
expect failed "$(image_state one)" "state of the image while detached"
refuse dd if=/dev/mapper/one of=/dev/null bs=1M count=1 iflag=direct status=none
dmsetup create org --table "$(org_table s1)"
expect "$first" "$(digest /dev/mapper/one)" "the first snapshot, attached again"

say "an origin that was written meanwhile is noticed"
esnap -q format --origin "$origin" --after /dev/mapper/s1 /dev/mapper/s2
dmsetup load org --table "$(org_table s1 s2)"
switch org
second=$(digest "$origin")
dmsetup create -r two --table "$(image_table s2)"
expect "$second" "$(digest /dev/mapper/two)" "the second snapshot"
dmsetup remove --retry org
saved=$(mktemp)
dd if="$origin" of="$saved" bs=4k count=1 status=none
dd if=/dev/urandom of="$origin" bs=4k count=1 oflag=direct status=none
changed=$(digest "$origin")
dmsetup create org --table "$(org_table s1 s2)"
expect suspect "$(state)" "state after a change from outside"
for image in one two; do
    refuse dd if=/dev/mapper/$image of=/dev/null bs=1M count=1 iflag=direct status=none
    expect failed "$(image_state $image)" "state of the suspect image"
done
write 25 1

say "it stays suspect until the administrator decides"
dmsetup remove --retry org
dmsetup create org --table "$(org_table s1 s2)"
expect suspect "$(state)" "state after attaching once more"
refuse dmsetup message org 0 nonsense
dd if="$saved" of=/dev/mapper/org bs=4k count=1 oflag=direct status=none
dmsetup message org 0 accept_origin
expect ok "$(state)" "state after accept_origin"
expect "$first" "$(digest /dev/mapper/one)" "the first snapshot: its own copy of what was changed"
expect "$changed" "$(digest /dev/mapper/two)" "the second snapshot: with the change that was accepted"

say "an image of a dropped snapshot fails, the others do not"
dmsetup load org --table "$(org_table s2)"
switch org
refuse dd if=/dev/mapper/one of=/dev/null bs=1M count=1 iflag=direct status=none
expect "$changed" "$(digest /dev/mapper/two)" "the second snapshot without the first"

say "and without any snapshot it is a pass-through again"
dmsetup remove --retry one two
dmsetup load org --table "$(org_table)"
switch org
write 0 32
expect "$(digest "$origin")" "$(digest /dev/mapper/org)" "the pass-through"
dmsetup remove --retry org
for i in 1 2; do
    refuse dmsetup create org --table "$(org_table "s$i")"
    esnap check "/dev/mapper/s$i"
done
echo "all held"
