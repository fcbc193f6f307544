#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=8M --disk stores=20M --disk journals=4M --timeout 600
#
# The journal's device is gone while it is drained, removed from the table, detached, and while a
# snapshot is taken: the origin has everything, and comes up without it. It cannot be read when it is to be attached:
# nothing is touched, and all is there when it can be read again.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

ring=8192 # sectors of a journal

journal_table() { echo "0 $ring linear $disks-journals 0"; }

no_writes() { echo "0 $ring flakey $disks-journals 0 0 1 1 error_writes"; }
nothing() { echo "0 $ring error"; }
hole() { # hole FIRST COUNT: in some sectors only
    [ "$1" -eq 0 ] || echo "0 $1 linear $disks-journals 0"
    echo "$1 $2 error"
    echo "$(($1 + $2)) $((ring - $1 - $2)) linear $disks-journals $(($1 + $2))"
}
no_reads() { echo "0 $ring delay $m/bad 0 0 $disks-journals 0 0"; }

up() { # up JOURNAL
    dmsetup create org --table "$(org_table "$1" "${stores[@]}")"
    dmsetup create -r img --table "0 $sectors esnapshot $m/s1"
}
down() {
    dmsetup remove --retry img
    dmsetup remove --retry org
}

right() { # right WHEN
    verify_writers $m/org "$1"
    expect "$first" "$(digest $m/img)" "the snapshot $1"
}

new_journal() { # formatted, and added live
    esnap -q format --force --journal-for "${stores[-1]}" $m/j
    change org "$(org_table $m/j "${stores[@]}")"
    expect ok "$(journal_state)" "the new journal's state"
}

for i in 1 2; do
    dmsetup create s$i --table "0 20480 linear $disks-stores $(((i - 1) * 20480))"
done
stores=("$m/s1") # oldest first
dmsetup create bad --table "0 $sectors error"
dmsetup create j --table "$(journal_table)"
dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
dmsetup create org-real --table "$(origin_table 0)"
esnap -q format --origin "$m/org-real" -c 16k "$m/s1"
esnap -q format --journal-for "$m/s1" "$m/j"
up $m/j
first=$(digest $m/img)

say "it is gone while it is drained"
swap_under org-real "$(origin_table 30)"
start_writers 4 700
stop_writers
dmsetup message org 0 drain &
drain=$!
swap_under j "$(nothing)"
wait $drain || fail "the drain failed"
verify_writers "$disks-origin" "after a drain without the journal"

say "it is gone when it is removed from the table"
swap_under j "$(journal_table)"
expect ok "$(journal_state)" "the journal's state"
start_writers 4 800
stop_writers
swap_under j "$(nothing)"
change org "$(org_table - "${stores[@]}")"
expect - "$(field 9)" "the journal's place in the status"
right "after removal"
verify_writers "$disks-origin" "after removal"
down
up -
right "attached without the journal"

say "it is gone when the chain is detached: the chain comes up without it"
swap_under j "$(journal_table)"
new_journal
start_writers 4 900
stop_writers
swap_under j "$(nothing)"
down
verify_writers "$disks-origin" "after the detach"
up -
right "attached without the journal"
swap_under j "$(journal_table)"
swap_under org-real "$(origin_table 0)"
new_journal

say "it is gone when a snapshot is taken: that is taken, and the journal given up"
start_writers 4 950
stop_writers
now=$(digest $m/org)
esnap -q format --origin "$m/org-real" --after $m/s1 -c 16k $m/s2
swap_under j "$(nothing)"
change org "$(org_table $m/j $m/s1 $m/s2)"
expect ok "$(field 4)" "the chain's state"
wait_for 60 in_state failed
blkdiscard -z $m/org
dmsetup create -r img2 --table "0 $sectors esnapshot $m/s2"
expect "$now" "$(digest $m/img2)" "the new snapshot"
dmsetup remove --retry img2
down
swap_under j "$(journal_table)"
stores=("$m/s1" "$m/s2")
up -
new_journal

say "unreadable when it is to be attached: refused, nothing touched, and all there later"
start_writers 4 1000
stop_writers
dmsetup message org 0 drain
# The origin fails, so that the ring still holds what is needed.
swap_under org-real "0 $sectors delay $disks-origin 0 0 $m/bad 0 0"
dd if=/dev/urandom of=/tmp/new bs=64k count=24 status=none
dd if=/tmp/new of=$m/org bs=64k oflag=direct status=none
down
swap_under org-real "$(origin_table 0)"
cmp -s /tmp/new <(dd if="$disks-origin" bs=64k count=24 iflag=direct status=none) &&
    fail "nothing is pending: this proves nothing"
before=$(digest "$disks-origin") ring_before=$(digest $m/j) store_before=$(digest $m/s2)
needed=$(esnap dump $m/j --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["records"][-3]["offset"] // 512)')
for table in "$(hole 0 8)" "$(hole 0 72)" "$(hole "$needed" 8)" \
    "$(hole $((needed + 64)) 8)" "$(no_reads)" "$(nothing)" "$(no_writes)"; do
    swap_under j "$table"
    new_words >/dev/null
    refuse dmsetup create org --table "$(org_table $m/j "${stores[@]}")"
    swap_under j "$(journal_table)"
    new_words | tee /tmp/words | grep -q "journal device\|reading the ring failed\|superblock" ||
        { cat /tmp/words; fail "no word of why with '$table'"; }
    expect "$before" "$(digest "$disks-origin")" "the origin after an attach that failed"
    expect "$ring_before" "$(digest $m/j)" "the ring after an attach that failed ($table)"
    # What can be read but not written is found out last.
    [ "$table" = "$(no_writes)" ] ||
        expect "$store_before" "$(digest $m/s2)" "the store after an attach that failed ($table)"
done
refuse dmsetup create org --table "$(org_table - "${stores[@]}")"
up $m/j
dmsetup message org 0 drain
cmp /tmp/new <(dd if="$disks-origin" bs=64k count=24 iflag=direct status=none)
expect "$first" "$(digest $m/img)" "the snapshot after all"
down
for i in 1 2; do esnap check $m/s$i; done
esnap check $m/j
echo "all held"
