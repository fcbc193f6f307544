#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=8M --disk stores=64M --timeout 600
#
# The store of an older snapshot fails, when it is read, sealed, dropped, and when it gets a
# successor; a new store fails when it comes into use. What must happen is in docs/faults.md: the
# origin and the newer snapshot do not notice, and the older one gives errors, never wrong data,
# and only where it needs the store.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"
# shellcheck source=tests/support/faults_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/faults_lib.sh"

# s1 has chunks 0 to 15: the record of chunk N begins at block 16 + 5 * N, as long as the first
# segment has room for it, its payload follows. Block 79 is the segment's summary, and
# behind the second one, in block 144, comes the index.
first_snapshot() {
    dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
    esnap -q format --force --origin $m/org-real -c 16k --segment 256k $m/s1
    up $m/s1
    first=$(digest $m/img1)
    overwrite 0 16
}
second_snapshot() {
    second=$(digest $m/org)
    add_second
}
is_sealed() { esnap check "$m/$1" 2>/dev/null | grep -q "sealed"; }

images_are_right() { # images_are_right WHEN
    expect "$first" "$(digest $m/img1)" "the first snapshot $1"
    expect "$second" "$(digest $m/img2)" "the second snapshot $1"
}

# What was in memory of the stores is forgotten.
forget_tables() {
    dmsetup remove --retry img1 img2
    for i in 1 2; do dmsetup create -r img$i --table "0 $sectors esnapshot $m/s$i"; done
}

unaffected() { # unaffected WHEN: the second snapshot and the origin
    expect "$second" "$(digest $m/img2)" "the second snapshot $1"
    expect ok "$(state)" "the chain's state $1"
    overwrite 8 12
    change org "$(dmsetup table org)"
    expect ok "$(state)" "the chain's state $1, loaded again"
}

setup_devices s1 s2
first_snapshot
second_snapshot
wait_for 30 is_sealed s1
overwrite 8 24

say "payload of the old store cannot be read"
forget_tables
swap_under s1 "$(holed s1 32-35)"
refuse read_chunks img1 3 1
good_chunks() { dd if="$1" bs=16k skip=4 count=508 iflag=direct status=none | summary; }
seen=$(good_chunks $m/img1)
unaffected "with bad payload"
swap_under s1 "$(good s1)"
expect "$seen" "$(good_chunks $m/img1)" "the chunks that could be read"
images_are_right "when the payload can be read again"

say "its index cannot be read: the log serves"
new_words >/dev/null
swap_under s1 "$(holed s1 144)"
forget_tables
images_are_right "without the index"
new_words | tee /tmp/words | grep -q "index unusable" || fail "the index was not looked for: $(cat /tmp/words)"

say "the same when the index is in use already: what was read of it is not kept"
swap_under s1 "$(good s1)"
forget_tables
budget=/sys/module/dm_esnapshot/parameters/table_budget_mib
mib=$(cat $budget)
echo 0 >$budget
images_are_right "with its index"
swap_under s1 "$(holed s1 144)"
images_are_right "when the index has gone bad"
echo "$mib" >$budget

say "neither index nor log can be read: errors, and all is right later"
swap_under s1 "$(holed s1 79 144)"
forget_tables
refuse read_chunks img1 0 1
refuse read_chunks img1 100 1
unaffected "without index and log"
swap_under s1 "$(good s1)"
images_are_right "when index and log can be read again"

say "it is gone while it is in use: errors where it is needed only"
forget_tables
images_are_right "before it is gone"
swap_under s1 "$(gone s1)"
refuse read_chunks img1 0 1
read_chunks img1 16 400 || fail "a chunk that is not in the store that is gone cannot be read"
unaffected "while the old store is gone"
swap_under s1 "$(good s1)"
images_are_right "when it is there again"

say "it is gone when the chain is to be attached: refused, but for the newer snapshot alone"
down img1 img2
swap_under s1 "$(gone s1)"
refuse dmsetup create org --table "$(org_table - $m/s1 $m/s2)"
dmsetup create org --table "$(org_table - $m/s2)"
dmsetup create -r img2 --table "0 $sectors esnapshot $m/s2"
expect "$second" "$(digest $m/img2)" "the second snapshot alone"
down img2
swap_under s1 "$(good s1)"
up $m/s1 $m/s2
images_are_right "attached again"

say "it is shorter than it was: the table is refused, the one in force goes on"
swap_under s1 "0 1024 linear $disks-stores ${start[s1]}"
new_words >/dev/null
refuse dmsetup load org --table "$(org_table - $m/s1 $m/s2)"
new_words | tee /tmp/words | grep -q "$(kernel_name s1).*smaller" || fail "not said: $(cat /tmp/words)"
images_are_right "from a store that is too short"
swap_under s1 "$(good s1)"

say "it cannot be marked as removed: the chain goes on without it, and the log says so"
swap_under s1 "$(unwritable s1 0 8)"
dmsetup remove --retry img1
new_words >/dev/null
change org "$(org_table - $m/s2)"
new_words | tee /tmp/words | grep -q "$(kernel_name s1): could not be marked as removed" ||
    fail "not said: $(cat /tmp/words)"
unaffected "when the old one is dropped"
swap_under s1 "$(good s1)"
down img2
esnap check $m/s2

say "one copy of the superblock is enough to mark it"
for block in 0 8; do
    first_snapshot
    second_snapshot
    wait_for 30 is_sealed s1
    swap_under s1 "$(unwritable s1 $block)"
    dmsetup remove --retry img1
    change org "$(org_table - $m/s2)"
    down img2
    swap_under s1 "$(good s1)"
    refuse dmsetup create org --table "$(org_table - $m/s1 $m/s2)"
done

say "its index cannot be written: it is left without, until the table is loaded again"
first_snapshot
swap_under s1 "$(unwritable s1 144-200)"
new_words >/dev/null
second_snapshot
has_words() { dmesg | tail -n "+$((words_seen + 1))" | grep -q "$1"; }
wait_for 30 has_words "$(kernel_name s1): has no index"
overwrite 8 24
images_are_right "without an index"
swap_under s1 "$(good s1)"
change org "$(org_table - $m/s1 $m/s2)"
wait_for 30 is_sealed s1
images_are_right "with an index"
down img1 img2

say "its superblock cannot be written when the index is there"
first_snapshot
swap_under s1 "$(pieces slow_write s1 144-200)"
new_words >/dev/null
second_snapshot
swap_under s1 "$(unwritable s1 0 8)"
wait_for 30 has_words "$(kernel_name s1): has no index"
overwrite 8 24
images_are_right "without a superblock that names the index"
down img1 img2
swap_under s1 "$(good s1)"
up $m/s1 $m/s2
wait_for 30 is_sealed s1
images_are_right "attached again"
down img1 img2
esnap check $m/s1
esnap check $m/s2

say "a new store cannot be written: no snapshot is taken, the chain goes on with the older one"
for blocks in "0 8" "16-40"; do
    first_snapshot
    # What is trimmed is the first thing a new store is told.
    overwrite 256 320
    blkdiscard -o $((4 << 20)) -l $((1 << 20)) $m/org
    esnap -q format --force --origin $m/org-real --after $m/s1 -c 16k $m/s2
    # shellcheck disable=SC2086 # a list of blocks
    swap_under s2 "$(unwritable s2 $blocks)"
    change org "$(org_table - $m/s1 $m/s2)"
    expect failed "$(state)" "the chain's state without the new store"
    overwrite 24 64
    expect "$first" "$(digest $m/img1)" "the first snapshot"
    now=$(digest $m/org)
    down img1
    swap_under s2 "$(good s2)"
    if [ "$blocks" = 16-40 ]; then
        # It was in use already, without any copy of what was written since.
        refuse dmsetup create org --table "$(org_table - $m/s1 $m/s2)"
    fi
    up $m/s1
    expect "$first" "$(digest $m/img1)" "the first snapshot, attached again"
    expect "$now" "$(digest $m/org)" "the origin"
    down img1
    esnap check $m/s1
done

say "the newest store cannot be told of its successor: it may be cut off there, so all is invalid"
first_snapshot
esnap -q format --force --origin $m/org-real --after $m/s1 -c 16k $m/s2
swap_under s1 "$(unwritable s1 0 8)"
change org "$(org_table - $m/s1 $m/s2)"
expect invalid "$(state)" "the chain's state"
overwrite 16 64
refuse read_chunks img1 0 1
now=$(digest $m/org)
swap_under s1 "$(good s1)"
wait_for 40 marked_invalid s1
down img1
refuse dmsetup create org --table "$(org_table - $m/s1)"
refuse dmsetup create org --table "$(org_table - $m/s1 $m/s2)"
expect "$now" "$(digest "$disks-origin")" "the origin"
echo "all held"
