#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=16M --disk stores=64M --disk journals=32M --disk big=16M,lbs=4096 --timeout 900
#
# A write journal before an origin: what is pending reads right, snapshots and origin are right,
# a ring of the minimum size gets on under 64 writers, journals are added and removed on a live
# origin, a device that fails costs nobody a write, and what cannot be a journal is refused.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

# A writer that goes on until it is stopped: it must still be at it then.
start_writer() { # start_writer SEED
    blkdiscard -z $m/org
    python3 "$io" run $m/org "$1" 1000000 --size 8 --done /tmp/done &
    writer=$!
    wait_for 60 test -s /tmp/done
}

stop_writer() { # stop_writer SEED
    kill "$writer" || fail "the writer ended: a write failed, or something read wrong"
    wait "$writer" || true
    count=$(tr -dc 0-9 </tmp/done)
    echo "$count operations"
    timeout 200 python3 "$io" verify $m/org "$1" "$count" --size 8 || fail "wrong data"
}

refused() { # refused MESSAGE TABLE
    local mark
    mark=$(dmesg | wc -l)
    refuse dmsetup create refused --table "$2"
    dmesg | tail -n "+$((mark + 1))" | grep -qF "$1" || fail "no word of '$1' for $2"
}

disks_ready() {
    local i
    for i in 1 2; do
        dmsetup create "s$i" --table "0 49152 linear $disks-stores $(((i - 1) * 49152))"
    done
    dmsetup create j1 --table "0 8192 linear $disks-journals 0"
    dmsetup create j2 --table "0 16384 linear $disks-journals 8192"
    dmsetup create j3 --table "0 8191 linear $disks-journals 24576"
    dd if=/dev/urandom of="$disks-origin" bs=1M count=16 oflag=direct status=none
    dmsetup create org-real --table "$(origin_table 0)"
    esnap -q format --origin "$m/org-real" -c 16k "$m/s1"
    esnap -q format --journal-for "$m/s1" "$m/j1"
}

say "the constructor refuses what cannot be the journal, and says why"
disks_ready
refused "A journal needs at least one store" "$(org_table $m/j1)"
refused "blank" "$(org_table $m/j2 $m/s1)"
refused "given twice" "$(org_table $m/s1 $m/s1)"
refused "given twice" "$(org_table $m/org-real $m/s1)"
dd if=/dev/urandom of=$m/j3 bs=64k count=1 oflag=direct status=none
refused "no esnapshot magic" "$(org_table $m/j3 $m/s1)"
refused "logical blocks" "$(org_table "$disks-big" $m/s1)"
refused "Cannot open the journal device" "$(org_table /dev/nothing $m/s1)"
esnap -q format --origin "$m/org-real" -c 16k "$m/s2"
refused "a store, not a write journal" "$(org_table $m/s2 $m/s1)"
esnap -q format --journal-for "$m/s2" "$m/j2"
refused "belongs to another chain" "$(org_table $m/j2 $m/s1)"

say "pending writes read right, and reach the origin"
dmsetup create org --table "$(org_table $m/j1 $m/s1)"
expect "$(org_table 254:x 254:y | wc -w)" "$(dmsetup table org | wc -w)" "words of the table line"
table=$(dmsetup table org)
dmsetup create -r img1 --table "0 $sectors esnapshot $m/s1"
first=$(digest $m/img1)
blkdiscard -z $m/org
change org-real "$(origin_table 40)"
most=0
timeout 300 python3 "$io" run $m/org 1 500 --size 8 &
writer=$!
while kill -0 "$writer" 2>/dev/null; do
    now=$(used)
    [ "$now" -le "$most" ] || most=$now
done
wait "$writer" || fail "wrong data through the journal"
echo "at most $most sectors of the ring were needed"
[ "$most" -gt 1000 ] || fail "next to nothing was pending: this proves little"
timeout 100 python3 "$io" verify $m/org 1 500 --size 8 || fail "wrong data through the journal"
dmsetup message org 0 drain
expect 0 "$(used)" "sectors used after the message drain"
python3 "$io" verify "$disks-origin" 1 500 --size 8 || fail "the origin is wrong after drain"
expect "$first" "$(digest $m/img1)" "the snapshot"

say "a second snapshot drains first"
timeout 200 python3 "$io" run $m/org 2 150 --size 8 --at 8 --no-read
now=$(digest $m/org)
esnap -q format --origin "$m/org-real" --after $m/s1 -c 16k --force $m/s2
[ "$(used)" -gt 0 ] || dd if=$m/org of=$m/org bs=512 count=1 oflag=direct iflag=direct status=none
change org "$(org_table $m/j1 $m/s1 $m/s2)"
dmsetup create -r img2 --table "0 $sectors esnapshot $m/s2"
expect "$now" "$(digest $m/img2)" "the new snapshot"
timeout 200 python3 "$io" run $m/org 3 200 --size 8 --no-read
expect "$now" "$(digest $m/img2)" "the new snapshot, after writes"
expect "$first" "$(digest $m/img1)" "the old snapshot, after writes"

say "the table line loads again"
change org "$(dmsetup table org)"
[ "$table" != "$(dmsetup table org)" ]
expect ok "$(journal_state)" "the journal's state"

say "the smallest ring and 64 writers"
fio --name=many --filename=$m/org --rw=randwrite --bs=4k --size=128k --numjobs=64 --offset_increment=128k \
    --direct=1 --ioengine=psync --verify=crc32c --do_verify=1 --group_reporting --output=/tmp/fio ||
    { cat /tmp/fio; fail "64 writers"; }
dmsetup status org

say "the journal is removed and another one added while somebody writes"
rm -f /tmp/done
start_writer 4
sleep 2
change org "$(org_table - $m/s1 $m/s2)"
expect - "$(field 9)" "the journal's place in the status"
sleep 1
esnap -q format --force --journal-for $m/s2 $m/j2
change org "$(org_table $m/j2 $m/s1 $m/s2)" --noflush
sleep 2
change org "$(org_table $m/j1 $m/s1 $m/s2)" --nolockfs
sleep 1
stop_writer 4
expect "$now" "$(digest $m/img2)" "the new snapshot, after journals came and went"

say "taken down and up"
for i in 1 2; do dmsetup remove --retry img$i; done
change org-real "$(origin_table 0)"
dmsetup remove --retry org
# Drained and detached it is not named any more, and is used all the same.
dmsetup create org --table "$(org_table $m/j1 $m/s1 $m/s2)"
timeout 100 python3 "$io" verify $m/org 4 "$count" --size 8 || fail "wrong data after the next attach"
for i in 1 2; do dmsetup create -r img$i --table "0 $sectors esnapshot $m/s$i"; done
expect "$now" "$(digest $m/img2)" "the new snapshot, attached again"

say "the journal's device fails: no write is lost, none fails, and a new journal comes"
change org-real "$(origin_table 40)"
events=$(dmsetup info -c --noheadings -o events org)
rm -f /tmp/done
start_writer 5
sleep 2
change j1 "0 8192 error" --noflush --nolockfs
wait_for 60 in_state failed
[ "$(dmsetup info -c --noheadings -o events org)" -gt "$events" ] || fail "no event"
esnap -q format --force --journal-for $m/s2 $m/j2
change org "$(org_table $m/j2 $m/s1 $m/s2)"
expect ok "$(journal_state)" "the new journal's state"
sleep 1
stop_writer 5
dmsetup message org 0 drain
timeout 100 python3 "$io" verify "$disks-origin" 5 "$count" --size 8 || fail "the origin is wrong"
expect "$now" "$(digest $m/img2)" "the new snapshot, after the failure"
expect "$first" "$(digest $m/img1)" "the old snapshot, after the failure"

say "the failed one is refused"
change j1 "0 8192 linear $disks-journals 0" --noflush --nolockfs
refuse dmsetup load org --table "$(org_table $m/j1 $m/s1 $m/s2)"

say "the newest store is full and given up: so is the journal, which it would name for ever"
dmsetup create s3 --table "0 4096 linear $disks-stores 98304"
esnap -q format --origin "$m/org-real" --after $m/s2 -c 16k $m/s3
change org-real "$(origin_table 0)"
change org "$(org_table $m/j2 $m/s1 $m/s2 $m/s3) 1 queue_timeout=2"
dd if=/dev/urandom of=/tmp/want bs=64k count=128 status=none
timeout 100 dd if=/tmp/want of=$m/org bs=64k oflag=direct status=none || fail "a write failed or hung"
wait_for 100 in_state failed
expect invalid "$(field 4)" "the chain's state"
dd if="$disks-origin" bs=64k count=128 iflag=direct status=none | cmp - /tmp/want || fail "not all is in place"
esnap dump $m/s3 | grep -q 'state *invalid' || fail "the store is not marked invalid"
esnap dump $m/s3 | grep -i 'journal' && fail "the invalid store names a journal"
dd if=/tmp/want of=$m/org bs=64k count=16 skip=16 oflag=direct status=none || fail "the origin does not go on"

for i in 1 2; do dmsetup remove --retry img$i; done
dmsetup remove --retry org
for i in 1 2; do esnap check $m/s$i; done
echo "all held"
