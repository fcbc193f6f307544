#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=8M --disk stores=32M --disk journals=16M --timeout 600
#
# The journal's device fails under four writers, in several ways: no write fails, none is lost, the
# snapshot stays right, status and an event tell, and another journal is added live.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

ring=16384 # sectors of a journal

journal_table() { echo "0 $ring linear $disks-journals $((($1 - 1) * ring))"; }

# Tables of a journal device N that fails.
no_writes() { echo "0 $ring flakey $disks-journals $((($1 - 1) * ring)) 0 1 1 error_writes"; }
nothing() { echo "0 $ring error"; }
hole() { # hole N FIRST COUNT: in some sectors only
    local at=$((($1 - 1) * ring))
    [ "$2" -eq 0 ] || echo "0 $2 linear $disks-journals $at"
    echo "$2 $3 error"
    echo "$(($2 + $3)) $((ring - $2 - $3)) linear $disks-journals $((at + $2 + $3))"
}

up() { # up JOURNAL
    dmsetup create org --table "$(org_table "$1" $m/s1)"
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

new_journal() { # new_journal N: formatted, and added live
    esnap -q format --force --journal-for $m/s1 $m/j"$1"
    change org "$(org_table $m/j"$1" $m/s1)"
    expect ok "$(journal_state)" "the new journal's state"
}

dmsetup create s1 --table "0 65536 linear $disks-stores 0"
for i in 1 2; do dmsetup create j$i --table "$(journal_table $i)"; done
dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
dmsetup create org-real --table "$(origin_table 0)"
esnap -q format --origin "$m/org-real" -c 16k "$m/s1"
esnap -q format --journal-for "$m/s1" "$m/j1"
up $m/j1
first=$(digest $m/img)

live=1 other=2
fails_with() { # fails_with WHAT TABLE
    local event waiter
    say "$1, under four writers"
    swap_under org-real "$(origin_table 30)"
    start_writers 4 "$((100 * live + other))"
    sleep 1
    event=$(events org)
    timeout 100 dmsetup wait org "$event" &
    waiter=$!
    swap_under j$live "$2"
    wait_for 60 in_state failed
    wait $waiter || fail "no event"
    writers_go_on
    new_journal $other
    writers_go_on
    stop_writers
    right "after the failure"
    # Where the failed one is written again it says that it has failed, and is not taken back.
    swap_under j$live "$(journal_table $live)"
    refuse dmsetup load org --table "$(org_table $m/j$live $m/s1)"
    swap_under org-real "$(origin_table 0)"
    now=$(digest $m/org)
    dmsetup message org 0 drain
    expect "$now" "$(digest "$disks-origin")" "the origin after drain"
    down
    up $m/j$other
    expect "$now" "$(digest $m/org)" "the origin attached again"
    expect "$first" "$(digest $m/img)" "the snapshot attached again"
    i=$live live=$other other=$i
}

fails_with "every write to the journal fails" "$(no_writes $live)"
fails_with "some sectors of the ring fail" "$(hole $live 2048 64)"

say "a journal that is gone does not keep its table from being loaded, as it is printed"
start_writers 2 600
swap_under j$live "$(nothing)"
wait_for 60 in_state failed
change org "$(dmsetup table org)"
expect failed "$(journal_state)" "the journal's state under the same table"
writers_go_on
stop_writers
right "under the same table"
swap_under j$live "$(journal_table $live)"
new_journal $other
i=$live live=$other other=$i
down
esnap check $m/s1
esnap check $m/j$live
echo "all held"
