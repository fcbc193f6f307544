#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=8M --disk stores=64M --timeout 600
#
# The newest store fails, in one block after the other, as a whole, and under four writers; it
# cannot be read, it is slow, it is too short. What must happen is in docs/faults.md: no write to
# the origin fails or is lost, and no image ever shows anything wrong, also not later, when the
# store is well again.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"
# shellcheck source=tests/support/faults_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/faults_lib.sh"

# A new snapshot in s1, with small segments: the log's first one is blocks 16 to 79.
fresh() {
    dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
    esnap -q format --force --origin $m/org-real -c 16k --segment 256k $m/s1
    up $m/s1
    first=$(digest $m/img1)
}

# The chain was lost while the store was away, and stays so: $1: when the store is well again.
invalid_for_good() {
    swap_under s1 "$(good s1)"
    refuse dmsetup create org --table "$(org_table - $m/s1)"
    esnap check $m/s1 | tee /tmp/check
    grep -q "is invalid" /tmp/check || fail "esnap check does not say that it is invalid $1"
}

# fails WHAT BLOCK...: blocks of s1 that take no writes. Records have 5 blocks, from block 16 on.
fails() {
    local what=$1 waiter
    shift
    say "no write to $what"
    fresh
    timeout 60 dmsetup wait img1 "$(events img1)" &
    waiter=$!
    swap_under s1 "$(unwritable s1 "$@")"
    overwrite 0 12
    expect invalid "$(state)" "the chain's state"
    expect invalid "$(area_state img1)" "the image's state"
    wait $waiter || fail "no event"
    overwrite 12 24
    refuse read_chunks img1 0 1
    refuse read_chunks img1 400 1
    now=$(digest $m/org)
    down img1
    expect "$now" "$(digest "$disks-origin")" "the origin"
    invalid_for_good "after writes to $what failed"
}

setup_devices s1 s2
fails "the first header" 16
fails "payload of the first record" 18
fails "a header in the middle" 36
fails "a copy of the superblock, and a record" 0 40
fails "the other copy, and a record" 8 40

say "no write to a summary: nothing is lost but time"
fresh
swap_under s1 "$(unwritable s1 79)"
overwrite 0 24
expect ok "$(state)" "the chain's state"
expect "$first" "$(digest $m/img1)" "the snapshot"
down img1
swap_under s1 "$(good s1)"
up $m/s1
expect "$first" "$(digest $m/img1)" "the snapshot, attached again"
down img1
esnap check $m/s1

say "the only store is gone, and comes back while the chain is up: it is marked then"
fresh
swap_under s1 "$(gone s1)"
new_words >/dev/null
overwrite 0 8
expect invalid "$(state)" "the chain's state"
new_words | tee /tmp/words | grep -q "could not be marked invalid" || fail "not said: $(cat /tmp/words)"
swap_under s1 "$(good s1)"
wait_for 40 marked_invalid s1
down img1
invalid_for_good "when it came back"

say "and when it comes back only for the detach"
fresh
swap_under s1 "$(gone s1)"
overwrite 0 8
expect invalid "$(state)" "the chain's state"
swap_under s1 "$(good s1)"
down img1
invalid_for_good "when it was detached"

say "the newest of two stores is gone: the older one alone tells that the chain is lost"
fresh
add_second
swap_under s2 "$(gone s2)"
overwrite 0 8
expect invalid "$(state)" "the chain's state"
for image in img1 img2; do
    refuse read_chunks $image 0 1
    expect invalid "$(area_state $image)" "the state of $image"
done
down img1 img2
swap_under s2 "$(good s2)"
refuse dmsetup create org --table "$(org_table - $m/s1 $m/s2)"
refuse dmsetup create org --table "$(org_table - $m/s1)"

say "it is gone under four writers"
fresh
start_writers 4 100
add_second
swap_under s2 "$(gone s2)"
wait_for 60 in_chain_state invalid
writers_go_on
stop_writers
verify_writers $m/org "without the store"
refuse read_chunks img1 0 1
swap_under s2 "$(good s2)"
down img1 img2
refuse dmsetup create org --table "$(org_table - $m/s1 $m/s2)"
refuse dmsetup create org --table "$(org_table - $m/s2)"
verify_writers "$disks-origin" "detached"

say "it cannot be read: reads that need it fail, copies go on, and all is right later"
fresh
overwrite 0 4
swap_under s1 "$(unreadable s1)"
refuse read_chunks img1 0 1
overwrite 4 8
expect ok "$(state)" "the chain's state"
swap_under s1 "$(good s1)"
expect "$first" "$(digest $m/img1)" "the snapshot"

say "it cannot be read at the attach: refused, nothing written, and right later"
down img1
dmsetup create org --table "$(org_table - $m/s1)"
overwrite 8 10
cut_off s1
before=$(digest $m/s1) origin_before=$(digest "$disks-origin")
for block in 0 8 16 36 62 79; do
    swap_under s1 "$(holed s1 "$block")"
    new_words >/dev/null
    refuse dmsetup create org --table "$(org_table - $m/s1)"
    new_words | grep "$(kernel_name s1).* byte" || fail "block $block: device and place are not named"
    swap_under s1 "$(good s1)"
    expect "$before" "$(digest $m/s1)" "the store after block $block could not be read"
done
swap_under s1 "$(gone s1)"
refuse dmsetup create org --table "$(org_table - $m/s1)"
swap_under s1 "$(unwritable s1 0 8)"
refuse dmsetup create org --table "$(org_table - $m/s1)"
swap_under s1 "$(good s1)"
expect "$before" "$(digest $m/s1)" "the store after it could not be attached"
expect "$origin_before" "$(digest "$disks-origin")" "the origin after it could not be attached"
up $m/s1
expect "$first" "$(digest $m/img1)" "the snapshot"

say "it is slow: so are first writes, and nothing else happens"
swap_under s1 "0 $area delay $disks-stores 0 0 $disks-stores 0 100"
overwrite 16 20
expect ok "$(state)" "the chain's state"
swap_under s1 "$(good s1)"
expect "$first" "$(digest $m/img1)" "the snapshot"

say "it is shorter than it was: tables that name it are refused, the one in force goes on"
swap_under s1 "0 $((area - 2048)) linear $disks-stores 0"
for table in "$(org_table - $m/s1)" "$(org_table - $m/s1) 1 queue_timeout=9"; do
    new_words >/dev/null
    refuse dmsetup load org --table "$table"
    new_words | tee /tmp/words | grep -q "$(kernel_name s1).*smaller" || fail "not said: $(cat /tmp/words)"
done
expect "$first" "$(digest $m/img1)" "the snapshot"
overwrite 0 8
swap_under s1 "$(good s1)"
change org "$(org_table - $m/s1)"
overwrite 20 24
expect ok "$(state)" "the chain's state"
expect "$first" "$(digest $m/img1)" "the snapshot"
down img1
swap_under s1 "0 $((area - 2048)) linear $disks-stores 0"
refuse dmsetup create org --table "$(org_table - $m/s1)"
swap_under s1 "$(good s1)"
up $m/s1
expect "$first" "$(digest $m/img1)" "the snapshot"
down img1
esnap check $m/s1
echo "all held"
