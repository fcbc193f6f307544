#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=128M --timeout 1800
#
# A store without room, and one that fails: writes wait, go on when the store has grown, and
# otherwise the origin lives on while the snapshots answer with errors, never with wrong data.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

origin=/dev/disk/by-id/virtio-origin
stores=/dev/disk/by-id/virtio-stores
sectors=$(blockdev --getsz "$origin")

# store NAME START LENGTH
store() { dmsetup create "$1" --table "0 $3 linear $stores $2"; }
table() { echo "0 $sectors esnapshot-org $origin 128 - $*"; }
state() { dmsetup status org | cut -d' ' -f4; }
fill() { dd if=/dev/urandom of=/dev/mapper/org bs=1M count="$1" oflag=direct status=none; }

wait_for() {
    local tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt $((200 * slow)) ] || fail "never came: $*"
        sleep 0.1
    done
}
is_state() { [ "$(state)" = "$1" ]; }

start() { # start STORE FEATURE...
    local name=$1 image
    shift
    dd if=/dev/urandom of="$origin" bs=1M count=16 oflag=direct status=none
    esnap -q format --force --origin "$origin" -c 64k "/dev/mapper/$name"
    dmsetup create org --table "$(table 1 "/dev/mapper/$name" "$@")"
    dmsetup create -r img --table "0 $sectors esnapshot /dev/mapper/$name"
    image=$(digest /dev/mapper/img)
    expect "$image" "$(digest "$origin")" "the image is the origin"
}

stop() { dmsetup remove --retry img && dmsetup remove org; }

say "writes wait for room and go on when the store has grown"
store s 0 8192
start s
before=$(digest /dev/mapper/img)
fill 16 &
writer=$!
wait_for is_state full
expect full "$(dmsetup status img | awk '{print $6}')" "the image says full"
kill -0 "$writer" || fail "the writer did not wait"
expect "$before" "$(digest /dev/mapper/img)" "a full store is still right"
change s "0 65536 linear $stores 0"
dmsetup suspend img
dmsetup resume img
wait "$writer" || fail "a write was lost"
is_state ok || fail "state $(state) after growing"
expect "$before" "$(digest /dev/mapper/img)" "the snapshot after growing"
stop
esnap check /dev/mapper/s
dmsetup remove --retry s

say "the low-water mark can be moved, and growth is seen before it is needed"
area() { dmsetup status img | awk -v field="$1" '{ sub(".*/", "", $4); print $field }'; } # area FIELD
is_area() { [ "$(area 6)" = "$1" ]; }
events() { dmsetup info -c --noheadings -o events img; }
store s 0 8192
start s
expect 70 "$(area 7)" "the low-water mark"
for wrong in "low_water 0" "low_water 101" "low_water x" "low_water" "low_water 50 50" "high_water 50"; do
    refuse dmsetup message img 0 "$wrong"
done
line=$(dmsetup table img)
dmsetup message img 0 low_water 90
fill 2
is_area ok || fail "state $(area 6) below the mark"
seen=$(events)
dmsetup message img 0 low_water 30
wait_for is_area low
expect "$((seen + 1))" "$(events)" "events when the mark has come down"
dmsetup message img 0 low_water 31 # and it is still beyond it
expect "$((seen + 2))" "$(events)" "events when the mark has moved again"
expect "$line" "$(dmsetup table img)" "the table line, which has no mark in it"
change s "0 65536 linear $stores 0"
dmsetup suspend --noflush img
dmsetup resume img
wait_for is_area ok
expect 65536 "$(area 4)" "the room after growing"
expect "$((seen + 3))" "$(events)" "events when it has grown"
fill 16
is_state ok || fail "state $(state) after growing in time"
stop
esnap check /dev/mapper/s
dmsetup remove --retry s

say "a noflush suspend takes waiting writes back, a resume brings them again"
store s 131072 8192
start s
before=$(digest /dev/mapper/img)
fill 16 &
writer=$!
wait_for is_state full
timeout 60 dmsetup suspend --noflush --nolockfs org || fail "noflush suspend did not end"
kill -0 "$writer" || fail "the writer did not wait"
change s "0 65536 linear $stores 131072"
dmsetup resume org
wait "$writer" || fail "a write was lost"
is_state ok || fail "state $(state) after the suspend"
expect "$before" "$(digest /dev/mapper/img)" "the snapshot after the suspend"
stop
esnap check /dev/mapper/s
dmsetup remove --retry s

say "a store whose device shrank takes nothing until its end is back"
store s 131072 65536
start s
before=$(digest /dev/mapper/img)
fill 4
resize() {
    dmsetup load s --table "0 $1 linear $stores 131072"
    dmsetup suspend s
    dmsetup resume s
}
resize 40960
dd if=/dev/urandom of=/dev/mapper/org bs=1M seek=4 count=4 oflag=direct status=none &
writer=$!
wait_for is_state full
dmesg | grep -q 'has 40960 sectors, its store 65536' || fail "the kernel log does not name what shrank"
resize 65536
refuse dmsetup message img 0 shrunk
dmsetup message img 0 grown
wait "$writer" || fail "a write was lost"
is_state ok || fail "state $(state) after the device had its size again"
expect "$before" "$(digest /dev/mapper/img)" "the snapshot after the device had its size again"
stop
esnap check /dev/mapper/s
dmsetup remove --retry s

say "a full store that has grown, and nobody said so: the time-out finds it"
store s 90112 8192
start s 1 queue_timeout=3
before=$(digest /dev/mapper/img)
fill 16 &
writer=$!
wait_for is_state full
change s "0 65536 linear $stores 90112"
wait "$writer" || fail "a write was lost"
is_state ok || fail "state $(state) after growing"
expect "$before" "$(digest /dev/mapper/img)" "the snapshot after growing"
stop
esnap check /dev/mapper/s
dmsetup remove --retry s

say "a full store for too long: the chain is dropped, the origin goes on"
store s 65536 8192
start s 1 queue_timeout=2
fill 16
is_state invalid || fail "state $(state) instead of invalid"
fill 32
refuse dd if=/dev/mapper/img of=/dev/null bs=1M iflag=direct count=1 status=none
stop
refuse dmsetup create org --table "$(table 1 /dev/mapper/s)"
dmsetup remove --retry s

say "on_full=error: writes that need space fail, others do not, the snapshot stays"
store s 73728 8192
start s 2 queue_timeout=1 on_full=error
before=$(digest /dev/mapper/img)
refuse dd if=/dev/urandom of=/dev/mapper/org bs=1M count=16 oflag=direct status=none
fill 1
expect "$before" "$(digest /dev/mapper/img)" "the snapshot with on_full=error"
is_state full || fail "state $(state) with on_full=error"
change s "0 16384 linear $stores 73728"
dmsetup message img 0 grown
wait_for is_state ok # although nothing waits any more
stop
esnap check /dev/mapper/s
dmsetup remove --retry s

say "a store that cannot be written: the chain is dropped, the origin goes on"
store s 81920 65536
start s
fill 1
dmsetup load s --table "0 65536 error"
dmsetup suspend --noflush --nolockfs s
dmsetup resume s
fill 16
is_state invalid || fail "state $(state) instead of invalid"
refuse dd if=/dev/mapper/img of=/dev/null bs=1M iflag=direct count=1 status=none
stop
dmsetup remove --retry s

say "old data that cannot be read is lost to the snapshot, not to the origin"
store s 81920 65536
dmsetup create bad --table "$(printf '%s\n' "0 4096 linear $origin 0" "4096 8 error" \
    "4104 $((sectors - 4104)) linear $origin 4104")"
esnap -q format --force --origin /dev/mapper/bad -c 64k /dev/mapper/s
dmsetup create org --table "0 $sectors esnapshot-org /dev/mapper/bad 128 - 1 /dev/mapper/s"
dmsetup create -r img --table "0 $sectors esnapshot /dev/mapper/s"
chunks() { dd if="$1" bs=64k skip="$2" count="$3" iflag=direct status=none | summary; }
good=$(chunks "$origin" 33 3)
refuse dd if=/dev/urandom of=/dev/mapper/org bs=256k seek=8 count=1 oflag=direct status=none
is_state ok || fail "state $(state) after an unreadable chunk"
dmsetup load bad --table "0 $sectors linear $origin 0"
dmsetup suspend bad
dmsetup resume bad
fill 4
refuse dd if=/dev/mapper/img of=/dev/null bs=64k skip=32 count=1 iflag=direct status=none
expect "$good" "$(chunks /dev/mapper/img 33 3)" "the chunks beside the unreadable one"
stop
dmsetup remove --retry bad
esnap check /dev/mapper/s
dmsetup remove --retry s

echo "all held"
