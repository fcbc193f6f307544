#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=32M --disk stores=16M --disk journals=64M --timeout 300
#
# The newest store is full, and writes wait in the journal: all stores are taken out, and everything
# that was acknowledged is in place. Where that cannot be, nobody gets the origin without them.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

# same FILE DEVICE MIB: read past every cache
same() { dd if="$2" bs=1M count="$3" iflag=direct status=none | cmp -s "$1"; }
is_full() { [ "$(field 4)" = full ]; }

begin() {
    dd if=/dev/urandom of=$m/org-real bs=1M count=32 oflag=direct status=none
    esnap -q format --force --origin $m/org-real -c 16k $m/s1
    esnap -q format --force --journal-for $m/s1 $m/j
    dmsetup create org --table "$(org_table $m/j $m/s1)"
    new_words >/dev/null
}

dmsetup create s1 --table "0 16384 linear $disks-stores 0"
dmsetup create s2 --table "0 16384 linear $disks-stores 16384"
dmsetup create j --table "0 $(blockdev --getsz "$disks-journals") linear $disks-journals 0"
dmsetup create org-real --table "$(origin_table 0)"
dd if=/dev/urandom of=/tmp/data bs=1M count=32 status=none

say "a full store is taken out while the journal holds what it had no room for"
begin
dd if=/tmp/data of=$m/org bs=64k oflag=direct status=none
wait_for 60 is_full
change org "$(org_table -)" || fail "the origin was left suspended"
expect ok "$(field 4)" "the state without stores"
same /tmp/data $m/org 32 || fail "acknowledged writes are missing"
dmsetup remove --retry org
same /tmp/data "$disks-origin" 32 || fail "acknowledged writes are not in place"

say "the origin takes no writes, and its stores are taken out: not without what is in the journal"
begin
dmsetup create nowhere --table "0 $sectors error"
swap_under org-real "0 $sectors delay $disks-origin 0 0 $m/nowhere 0 0"
dd if=/dev/urandom of=/tmp/new bs=1M count=4 status=none
dd if=/tmp/new of=$m/org bs=64k oflag=direct status=none
dmsetup load org --table "$(org_table -)"
dmsetup suspend --noflush org
refuse dmsetup resume org
refuse dmsetup resume org
new_words | grep -q "keeps acknowledged writes" || fail "nobody says why"
swap_under org-real "$(origin_table 0)"
dmsetup load org --table "$(org_table $m/j $m/s1)"
dmsetup resume org
same /tmp/new $m/org 4 || fail "acknowledged writes are missing"
change org "$(org_table -)"
same /tmp/new "$disks-origin" 4 || fail "acknowledged writes are not in place"
dmsetup remove --retry org

say "the only store is replaced by one that cannot be used: no journal stays that no store names"
begin
esnap -q format --force --origin $m/org-real --after $m/s1 -c 16k $m/s2
dmsetup load org --table "$(org_table $m/j $m/s2)"
dmsetup create alias --table "0 16384 linear $disks-stores 16384"
esnap -q format --force --origin $m/org-real --after $m/s1 -c 16k $m/alias
dd if=/tmp/new of=$m/org bs=64k oflag=direct status=none
dmsetup suspend org
dmsetup resume org || fail "the origin was left suspended"
expect failed "$(field 4)" "the state with a store that could not be used"
expect failed "$(journal_state)" "the journal's state"
dd if=/tmp/data of=$m/org bs=1M count=8 oflag=direct status=none
dmsetup remove --retry org
dd if=/tmp/data bs=1M count=8 status=none >/tmp/some
same /tmp/some "$disks-origin" 8 || fail "acknowledged writes are not in place"
esnap check $m/j

say "an attach with a table that is shorter than what the ring holds writes for"
dmsetup create short --table "0 $((sectors / 2)) linear $disks-origin 0"
esnap -q format --force --origin $m/short -c 16k $m/s1
dmsetup remove --retry short
esnap -q format --force --journal-for $m/s1 $m/j
dmsetup create org --table "$(org_table $m/j $m/s1)"
swap_under org-real "0 $sectors delay $disks-origin 0 0 $m/nowhere 0 0"
dd if=/tmp/data of=$m/org bs=64k seek=$((sectors / 2 / 128 + 8)) count=64 oflag=direct status=none
dmsetup remove --retry org
swap_under org-real "$(origin_table 0)"
refuse dmsetup create org --table "0 $((sectors / 2)) esnapshot-org $m/org-real 32 $m/j 1 $m/s1"
new_words | grep -q "journalled write out of bounds" || fail "nobody says why"
dmsetup create org --table "$(org_table $m/j $m/s1)"
dd if=$m/org bs=64k skip=$((sectors / 2 / 128 + 8)) count=64 iflag=direct status=none >/tmp/some
cmp -n 4194304 /tmp/some /tmp/data || fail "acknowledged writes are missing"
dmsetup remove --retry org
echo "all held"
