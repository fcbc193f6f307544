#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=8M --disk stores=32M --disk journals=32M --timeout 600
#
# Buffers that change while they are written (O_DIRECT, another process scribbles on them): what
# is pending reads the same every time, its checksums are right in the ring, and a replay and
# write-behind bring just that to the origin.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

ring=$(blockdev --getsz "$disks-journals")
scribble=$(dirname -- "${BASH_SOURCE[0]}")/../support/scribble.py

good_origin() { echo "0 $sectors linear $disks-origin 0"; }
slow_origin() { echo "0 $sectors delay $disks-origin 0 0 $disks-origin 0 20"; }
# Its writes fail: what is written stays in the ring.
broken_origin() { echo "0 $sectors delay $disks-origin 0 0 $m/bad 0 0"; }
up() { dmsetup create org --table "$(org_table $m/j $m/s1)"; }

no_damage() { # no_damage: every payload in the ring is what its checksum says
    esnap check $m/j || fail "a checksum in the ring is wrong"
    esnap dump $m/j --json | python3 -c '
import json, sys
states = [e["crc_state"] for r in json.load(sys.stdin)["records"] for e in r["entries"]
          if e["crc"] is not None]
print(len(states), "payloads:", set(states))
assert len(states) >= 100 and set(states) == {"ok"}'
}

dmsetup create s1 --table "0 65536 linear $disks-stores 0"
dmsetup create bad --table "0 $sectors error"
dmsetup create j --table "0 $ring linear $disks-journals 0"
dmsetup create org-real --table "$(good_origin)"
esnap -q format --origin "$m/org-real" -c 16k "$m/s1"
esnap -q format --journal-for "$m/s1" "$m/j"
up
blkdiscard -z $m/org
dmsetup message org 0 drain

say "what stays in the ring"
swap_under org-real "$(broken_origin)"
python3 "$scribble" $m/org 150 /tmp/written 8 || fail "a write failed, or is wrong"
now=$(digest $m/org)
expect "$now" "$(digest $m/org)" "what is pending, read twice"
dmsetup remove --retry org
swap_under org-real "$(good_origin)"
no_damage
up
expect "$now" "$(digest $m/org)" "after the attach that replays"
dmsetup message org 0 drain
expect "$now" "$(digest "$disks-origin")" "the origin after the replay"
python3 "$scribble" --verify "$disks-origin" /tmp/written || fail "the origin holds what nobody wrote"

say "what is written behind at the same time"
swap_under org-real "$(slow_origin)"
python3 "$scribble" $m/org 300 /tmp/written 8 || fail "a write failed, or is wrong"
now=$(digest $m/org)
dmsetup message org 0 drain
expect "$now" "$(digest "$disks-origin")" "the origin after write-behind"
python3 "$scribble" --verify "$disks-origin" /tmp/written || fail "the origin holds what nobody wrote"
dmsetup remove --retry org
no_damage
esnap check $m/s1
echo "all held"
