#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=8M --disk stores=32M --disk journals=4M --timeout 600
#
# The origin fails under a journal: a part of it takes no writes, its flushes fail, all of it is
# gone. What was acknowledged reads right, writes go on as long as there is room in the ring and
# get an error then, and everything arrives when the origin is well, or at the next attach.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

ring=$(blockdev --getsz "$disks-journals")
last=$((sectors - 8))

good_origin() { echo "0 $sectors linear $disks-origin 0"; }
# From sector 2048 to 4096 nothing can be written.
holed_origin() {
    echo "0 2048 linear $disks-origin 0"
    echo "2048 2048 delay $disks-origin 2048 0 $m/bad 2048 0"
    echo "4096 $((sectors - 4096)) linear $disks-origin 4096"
}
# 16 blocks fail, a little later than the others go well.
pitted_origin() {
    echo "0 2048 delay $disks-origin 0 0 $disks-origin 0 100"
    echo "2048 256 delay $disks-origin 2048 0 $m/bad 2048 150"
    echo "2304 $((sectors - 2304)) delay $disks-origin 2304 0 $disks-origin 2304 100"
}
unwritable_origin() { echo "0 $sectors delay $disks-origin 0 0 $m/bad 0 0"; }
# scatter SEED: every other block of the first 3 MiB, those that will fail first.
scatter() {
    timeout 100 python3 - "$m/org" "$1" <<'PYTHON'
import hashlib, mmap, os, sys
device = os.open(sys.argv[1], os.O_WRONLY | os.O_DIRECT)
buffer = mmap.mmap(-1, 4096)
for block in [*range(256, 288, 2), *range(0, 256, 2), *range(288, 768, 2)]:
    buffer[:] = hashlib.shake_128(f"{sys.argv[2]} {block}".encode()).digest(4096)
    os.pwrite(device, buffer, 4096 * block)
PYTHON
}
# scatter_pending SEED: the same while nothing can be written in place; what reads then is in $written.
scatter_pending() {
    blkdiscard -z $m/org
    dmsetup message org 0 drain
    swap_under org-real "$(unwritable_origin)"
    scatter "$1" || fail "a write failed"
    written=$(digest $m/org)
}
# beside_pit DEVICE: what is in the first 4 MiB but for the pit.
beside_pit() {
    {
        dd if="$1" bs=128k count=8 iflag=direct status=none
        dd if="$1" bs=128k skip=9 count=23 iflag=direct status=none
    } | md5sum
}
# A flush is sent to every target: that of the last sectors fails it.
flushless_origin() {
    echo "0 $last linear $disks-origin 0"
    echo "$last 8 flakey $disks-origin $last 0 1 1 error_writes"
}
no_origin() { echo "0 $sectors error"; }

up() {
    dmsetup create org --table "$(org_table $m/j $m/s1)"
    dmsetup create -r img --table "0 $sectors esnapshot $m/s1"
}
down() {
    dmsetup remove --retry img
    dmsetup remove --retry org
}
run() { # run COUNT SEED [OPTION]: in the first 4 MiB
    timeout 100 python3 "$io" run $m/org "$2" "$1" --size 4 --max 16 "${@:3}"
}
verify() { # verify DEVICE COUNT SEED
    timeout 100 python3 "$io" verify "$1" "$3" "$2" --size 4 --max 16 || fail "wrong data on $1"
}
# Write to the last 4 MiB, but for the last blocks, until that fails; $filled KiB went well.
fill() {
    filled=0
    while timeout 30 dd if=/tmp/fill of=$m/org bs=64k count=1 seek=$((64 + filled / 64 % 63)) \
        oflag=direct status=none 2>/tmp/error; do
        filled=$((filled + 64))
        [ $filled -lt 65536 ] || fail "no write ever failed"
    done
    grep -q "Input/output error" /tmp/error || fail "a write hangs: $(cat /tmp/error)"
    echo "$filled KiB were taken before a write failed"
}

dmsetup create s1 --table "0 65536 linear $disks-stores 0"
dmsetup create bad --table "0 $sectors error"
dmsetup create j --table "0 $ring linear $disks-journals 0"
dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
dd if=/dev/urandom of=/tmp/fill bs=64k count=1 status=none
dmsetup create org-real --table "$(good_origin)"
esnap -q format --origin "$m/org-real" -c 16k "$m/s1"
esnap -q format --journal-for "$m/s1" "$m/j"
up
first=$(digest $m/img)
blkdiscard -z $m/org
dmsetup message org 0 drain

say "a part of the origin takes no writes"
swap_under org-real "$(holed_origin)"
run 150 1 || fail "a write failed, or read wrong"
refuse timeout 30 dmsetup message org 0 drain
verify $m/org 150 1
expect ok "$(journal_state)" "the journal's state"
[ "$(used)" -gt 0 ] || fail "nothing is pending: this proves nothing"
fill
[ "$filled" -gt 0 ] || fail "there was no room at all"
verify $m/org 150 1
swap_under org-real "$(good_origin)"
sleep 1.5
run 20 99 --no-read
dmsetup message org 0 drain || fail "an origin that is well again is not written"
expect "$(digest $m/org)" "$(digest "$disks-origin")" "the origin, well again"
expect "$first" "$(digest $m/img)" "the snapshot"

say "little of the origin takes no writes: all else gets to its place"
scatter_pending 5
swap_under org-real "$(pitted_origin)"
refuse timeout 60 dmsetup message org 0 drain
expect "$(beside_pit $m/org)" "$(beside_pit "$disks-origin")" "what could be written"
[ "$(used)" -gt 0 ] || fail "nothing is pending: this proves nothing"
swap_under org-real "$(good_origin)"
dmsetup message org 0 drain || fail "an origin that is well again is not written"
expect "$written" "$(digest "$disks-origin")" "the origin, well again"

say "the same, and the journal is gone: its end, too, waits for what can be written"
scatter_pending 6
beside=$(beside_pit $m/org)
swap_under j "0 $ring error"
refuse timeout 60 dd if=/tmp/fill of=$m/org bs=64k count=1 seek=100 oflag=direct status=none
swap_under org-real "$(pitted_origin)"
down
expect "$beside" "$(beside_pit "$disks-origin")" "what could be written"
swap_under j "0 $ring linear $disks-journals 0"
swap_under org-real "$(good_origin)"
up
expect "$written" "$(digest $m/org)" "the origin, attached again"
dmsetup message org 0 drain || fail "the next attach does not drain"
expect "$written" "$(digest "$disks-origin")" "the origin, drained"

say "the origin fails its flushes: the ring keeps everything, the next attach replays it"
blkdiscard -z $m/org
dmsetup message org 0 drain
swap_under org-real "$(flushless_origin)"
run 100 2 || fail "a write failed, or read wrong"
refuse timeout 30 dmsetup message org 0 drain
verify $m/org 100 2
kept=$(used)
[ "$kept" -gt 0 ] || fail "released although the flush failed"
fill
swap_under org-real "$(good_origin)"
sleep 2.5
refuse timeout 30 dmsetup message org 0 drain
[ "$(used)" -ge "$kept" ] || fail "what a failed flush may have lost was released"
down
# What the origin lost with the flush: as if it had never been written.
dd if=/dev/zero of="$disks-origin" bs=1M count=1 seek=1 oflag=direct status=none
up
verify $m/org 100 2
dmsetup message org 0 drain || fail "the next attach does not drain"
verify "$disks-origin" 100 2
expect "$first" "$(digest $m/img)" "the snapshot"

say "flushes fail, and then the journal is gone: the origin goes on"
swap_under org-real "$(flushless_origin)"
run 20 3 --no-read
refuse timeout 30 dmsetup message org 0 drain
swap_under j "0 $ring error"
dd if=/tmp/fill of=$m/org bs=64k count=1 oflag=direct status=none 2>/dev/null || true
swap_under org-real "$(good_origin)"
wait_for 60 in_state failed
dd if=/tmp/fill of=$m/org bs=64k count=1 oflag=direct,sync status=none || fail "a write failed"
swap_under j "0 $ring linear $disks-journals 0"
change org "$(org_table - $m/s1)"
esnap -q format --force --journal-for $m/s1 $m/j
change org "$(org_table $m/j $m/s1)"

say "the origin is gone; detached, and attached when it is there again"
blkdiscard -z $m/org
dmsetup message org 0 drain
swap_under org-real "$(unwritable_origin)"
run 100 4 || fail "a write failed, or read wrong"
swap_under org-real "$(no_origin)"
down
refuse dmsetup create org --table "$(org_table $m/j $m/s1)"
swap_under org-real "$(good_origin)"
up
verify $m/org 100 4
dmsetup message org 0 drain
verify "$disks-origin" 100 4
expect "$first" "$(digest $m/img)" "the snapshot"
down
esnap check $m/s1
esnap check $m/j
echo "all held"
