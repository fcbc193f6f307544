#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=16M --disk b=16M --disk s=32M --disk s2=32M --disk v=32M --disk u=32M --timeout 300
#
# Devices that two tables want, devices that changed since a table was loaded, chains on top of
# each other, and stores that go while somebody reads them.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

disks=/dev/disk/by-id/virtio
m=/dev/mapper
size=32768

load() { dmsetup load "$1" --table "$2"; }
empty() { dmsetup create "$1" --notable; }
org_table() { echo "0 $size esnapshot-org $1 8 - $(($# - 1)) ${*:2}"; }
view_table() { echo "0 $size esnapshot-view $1 $2 $3"; }
state() { dmsetup status "$1" | cut -d' ' -f4; }
said() { dmesg | grep -q "$1" || fail "the log does not say: $1"; }
random() { dd if=/dev/urandom of="$1" bs=1M count="$2" oflag=direct status=none; }
delayed() { dmsetup status "$1" | sed -n 's/.* delay \([0-9]*\) \([0-9]*\) .*/\1 \2/p'; } # reads, writes
format() { esnap -q format --force --origin "$disks-a" -c 4k "$@"; }
is_delayed() { delayed "$1" | grep -qx "$2"; }

# Reads of SLOW_DISK, SECTORS long, take nine seconds in its middle: udev does not look there, and
# what the fourth MiB of an image needs lies there.
slow_middle() { # slow_middle DEVICE SLOW_DISK SECTORS
    printf '%s\n' "0 4096 linear $2 0" "4096 12288 delay $2 4096 9000 $2 4096 0" \
        "16384 $(($3 - 16384)) linear $2 16384" | dmsetup load "$1"
    dmsetup suspend "$1"
    dmsetup resume "$1"
}

random "$disks-a" 16
random "$disks-b" 16

say "one store, two origins: the first to resume has it"
format "$disks-s"
empty one
empty two
load one "$(org_table "$disks-a" "$disks-s")"
load two "$(org_table "$disks-b" "$disks-s")"
dmsetup resume one
refuse dmsetup resume two
said "store is given twice"
dmsetup create snap -r --table "0 $size esnapshot $disks-s"
before=$(digest $m/snap)
expect "$(digest "$disks-a")" "$before" "the snapshot"
random $m/one 4
expect "$before" "$(digest $m/snap)" "the snapshot, 4 MiB written"

say "the same, where the second is a live origin: it goes on without"
dmsetup remove two
dmsetup remove --retry snap
dmsetup remove --retry one
format "$disks-s"
dmsetup create two --table "$(org_table "$disks-b")"
load two "$(org_table "$disks-b" "$disks-s")"
dmsetup create one --table "$(org_table "$disks-a" "$disks-s")"
dmsetup suspend two
dmsetup resume two || fail "a live origin does not resume"
expect failed "$(state two)" "the live origin's state"
random $m/two 1
dmsetup create snap -r --table "0 $size esnapshot $disks-s"
expect "$(digest "$disks-a")" "$(digest $m/snap)" "the snapshot of the other"
dmsetup remove --retry two

say "a table that was loaded before another device had the chain, and gave it back"
random $m/one 1
before=$(digest $m/snap)
dmsetup remove --retry snap
dmsetup remove --retry one
format "$disks-s2"
empty one
empty two
load one "$(org_table "$disks-a" "$disks-s2")"
load two "$(org_table "$disks-a" "$disks-s2")"
dmsetup resume two
random $m/two 1
dmsetup remove --retry two
refuse dmsetup resume one
said "has changed since the table was loaded"
dmsetup remove one
dmsetup create one --table "$(org_table "$disks-a" "$disks-s2")"
dmsetup create snap -r --table "0 $size esnapshot $disks-s2"
before=$(digest $m/snap)
random $m/one 16
expect "$before" "$(digest $m/snap)" "the snapshot, all written"
dmsetup remove --retry snap
dmsetup remove --retry one

say "a table is loaded while the one before it is being put in force"
dmsetup create slow --table "0 $size delay $disks-a 0 0 $disks-a 0 3000"
format "$disks-s"
dmsetup create one --table "$(org_table $m/slow "$disks-s")"
format --after "$disks-s" "$disks-s2"
table=$(org_table $m/slow "$disks-s" "$disks-s2")
load one "$table"
random $m/one 1 &
writer=$!
wait_for 10 is_delayed slow "0 [1-9][0-9]*"
dmsetup resume one &
resume=$!
sleep 1
load one "$table" # the one before waits for the write
wait $resume || fail "the first one was not put in force"
wait $writer
dmsetup suspend one
dmsetup resume one
dmsetup create snap -r --table "0 $size esnapshot $disks-s2"
before=$(digest $m/snap)
random $m/one 2
expect "$before" "$(digest $m/snap)" "the snapshot, 2 MiB written"
dmsetup remove --retry snap
dmsetup remove --retry one
dmsetup remove --retry slow

say "a table is being loaded whose new store does not answer: the origin resumes"
format "$disks-s"
dmsetup create one --table "$(org_table "$disks-a" "$disks-s")"
dmsetup create slow --table "0 65536 linear $disks-s2 0"
format --after "$disks-s" $m/slow
dmsetup suspend slow
load one "$(org_table "$disks-a" "$disks-s" $m/slow)" &
loader=$!
sleep 2
kill -0 $loader || fail "the table was loaded although its store does not answer"
dmsetup suspend one
timeout 60 dmsetup resume one || fail "the origin does not resume"
random $m/one 1
dmsetup resume slow
wait $loader || fail "the table was not loaded"
dmsetup remove --retry one
dmsetup remove --retry slow

say "one view's store, two devices: the first to resume has it"
format "$disks-s"
dmsetup create one --table "$(org_table "$disks-a" "$disks-s")"
esnap -q format --force --view-of "$disks-s" "$disks-v"
empty view
empty other
table=$(view_table "$disks-v" "$disks-a" "$disks-s")
load view "$table"
load view "$table"
load other "$table"
dmsetup resume view
refuse dmsetup resume other
dmsetup remove other
random $m/view 4
refuse dmsetup create other --table "$table"

say "a view's store is formatted again while its table is loaded"
dmsetup create alias --table "0 65536 linear $disks-u 0" # nobody asks it whether it is in use
esnap -q format --force --view-of "$disks-s" $m/alias
empty other
load other "$(view_table "$disks-u" "$disks-a" "$disks-s")"
esnap -q format --force --view-of "$disks-s" $m/alias
load other "$(view_table "$disks-u" "$disks-a" "$disks-s")"
dmsetup resume other
dmsetup remove --retry other
esnap -q format --force --view-of "$disks-s" $m/alias
empty other
load other "$(view_table "$disks-u" "$disks-a" "$disks-s")"
esnap -q format --force --view-of "$disks-s" $m/alias
refuse dmsetup resume other
dmsetup remove other
esnap check "$disks-u"
dmsetup remove --retry alias

say "a view that is suspended, with a chain on it that is being attached: it resumes"
esnap -q format --force --origin $m/view -c 4k "$disks-u"
dmsetup suspend view
dmsetup create upper --table "$(org_table $m/view "$disks-u")" &
upper=$!
sleep 2
kill -0 $upper || fail "the chain was attached although its origin is suspended"
timeout 60 dmsetup resume view || fail "the view does not resume"
wait $upper || fail "the chain on top was not attached"
random $m/upper 1
dmsetup remove --retry upper
dmsetup remove --retry view
dmsetup remove --retry one

say "stores that go while an image is read: the read ends before their devices may"
dmsetup create slow --table "0 65536 linear $disks-s 0"
format $m/slow
dmsetup create one --table "$(org_table "$disks-a" $m/slow)"
random $m/one 8
format --after $m/slow "$disks-s2"
change one "$(org_table "$disks-a" $m/slow "$disks-s2")"
dmsetup create snap -r --table "0 $size esnapshot $m/slow"
dd if=$m/snap of=/dev/null bs=4k count=1 skip=3000 iflag=direct status=none # its table is in memory
slow_middle slow "$disks-s" 65536
dd if=$m/snap of=/dev/null bs=4k count=1 skip=1000 iflag=direct status=none &
reader=$!
wait_for 10 is_delayed slow "1 0"
change one "$(org_table "$disks-a" "$disks-s2")"
expect "0 0" "$(delayed slow)" "reads of a store that was dropped, after that"
wait $reader || fail "a read that began before failed"
refuse dd if=$m/snap of=/dev/null bs=4k count=1 iflag=direct status=none
udevadm settle
dmsetup remove --retry snap
dmsetup remove --retry one
dmsetup remove --retry slow

say "all stores go while an image is read at the origin: it does not see what is written then"
dmsetup create slow --table "0 $size linear $disks-a 0"
format "$disks-s"
dmsetup create one --table "$(org_table $m/slow "$disks-s")"
dmsetup create snap -r --table "0 $size esnapshot $disks-s"
dd if=$m/snap of=/tmp/before bs=4k count=1 skip=1000 iflag=direct status=none
slow_middle slow "$disks-a" $size
dd if=$m/snap of=/tmp/read bs=4k count=1 skip=1000 iflag=direct status=none &
reader=$!
wait_for 10 is_delayed slow "1 0"
load one "$(org_table $m/slow)"
dmsetup suspend one
dmsetup resume one &
resume=$!
dd if=/dev/urandom of=$m/one bs=4k count=1 seek=1000 oflag=direct status=none
if wait $reader; then
    cmp /tmp/before /tmp/read || fail "an image showed what was written after it was dropped"
fi
wait $resume || fail "the origin was left suspended"
expect ok "$(state one)" "the origin without stores"
change slow "0 $size linear $disks-a 0" # udev may be reading, too
udevadm settle
dmsetup remove --retry snap
dmsetup remove --retry one

say "two origins come back with each other's device numbers, while images of both are there"
major=$(awk '$2 == "device-mapper" { print $1 }' /proc/devices)
numbered() { dmsetup create "$1" --major "$major" --minor "$2" --table "0 $size linear $3 0"; } # NAME MINOR DISK
both_up() {
    numbered under_one "$1" "$disks-a"
    numbered under_two "$2" "$disks-b"
    dmsetup create one --table "$(org_table $m/under_one "$disks-s")"
    dmsetup create two --table "$(org_table $m/under_two "$disks-s2")"
}
format "$disks-s"
esnap -q format --force --origin "$disks-b" -c 4k "$disks-s2"
both_up 200 201
dmsetup create snap -r --table "0 $size esnapshot $disks-s"
dmsetup create snap2 -r --table "0 $size esnapshot $disks-s2"
before=$(digest $m/snap)
before2=$(digest $m/snap2)
dmsetup remove --retry one
dmsetup remove --retry two
dmsetup remove --retry under_one
dmsetup remove --retry under_two
both_up 201 200
random $m/one 2
random $m/two 2
expect "$before" "$(digest $m/snap)" "the first one's snapshot"
expect "$before2" "$(digest $m/snap2)" "the second one's snapshot"
for device in snap snap2 one two under_one under_two; do dmsetup remove --retry $device; done

echo "all held"
