#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=8M --disk stores=32M --disk big=16M,lbs=4096 --timeout 600
#
# The origin fails, without a journal (journal_origin.sh is with one): its user gets the errors
# that he would get without snapshots, and no others; a snapshot loses what could not be read when
# it had to be copied, and nothing else. What must happen is in docs/faults.md.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"
# shellcheck source=tests/support/faults_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/faults_lib.sh"

# Tables of the origin's device; part FIRST COUNT TARGET...: these chunks of it are different.
healthy() { echo "0 $sectors linear $disks-origin 0"; }
part() {
    local at=$(($1 * 32)) nr=$(($2 * 32)) kind=$3
    [ "$at" -eq 0 ] || echo "0 $at linear $disks-origin 0"
    case $kind in
    unreadable) echo "$at $nr delay $m/bad 0 0 $disks-origin $at 0" ;;
    unreadable-later) echo "$at $nr delay $m/bad 0 2000 $disks-origin $at 0" ;;
    unwritable) echo "$at $nr delay $disks-origin $at 0 $m/bad 0 0" ;;
    unflushed) echo "$at $nr flakey $disks-origin $at 0 1 1 error_writes" ;;
    esac
    at=$((at + nr))
    [ "$at" -eq "$sectors" ] || echo "$at $((sectors - at)) linear $disks-origin $at"
}
chunks_of() { dd if="$1" bs=16k skip="$2" count="$3" iflag=direct status=none | summary; }
fresh() {
    dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
    esnap -q format --force --origin $m/org-real -c 16k $m/s1
    up $m/s1
    first=$(digest $m/img1)
}
write_chunks() { # write_chunks FIRST COUNT [SIZE]: by one write
    dd if=/dev/urandom of=$m/org bs="$(($2 * 16))k" seek=$(($1 / $2)) count=1 iflag=fullblock \
        oflag=direct status=none 2>/tmp/error
}
io_error() { # io_error WHAT COMMAND...: fails with an I/O error
    local what=$1
    shift
    if "$@" 2>/tmp/error; then fail "no error: $what"; fi
    grep -q "Input/output error" /tmp/error || fail "$what: $(cat /tmp/error)"
}

setup_devices s1

say "old data that cannot be read is lost to the snapshot; the write goes on"
fresh
before=$(chunks_of $m/img1 8 2) after=$(chunks_of $m/img1 11 501)
swap_under org-real "$(part 10 1 unreadable)"
new_words >/dev/null
write_chunks 8 4 || fail "a write failed: $(cat /tmp/error)"
new_words | tee /tmp/words | grep -q "sector 320: old data unreadable" || fail "not said: $(cat /tmp/words)"
expect ok "$(state)" "the chain's state"
swap_under org-real "$(healthy)"
io_error "a chunk that was lost" read_chunks img1 10 1
expect "$before" "$(chunks_of $m/img1 8 2)" "the chunks before it"
expect "$after" "$(chunks_of $m/img1 11 501)" "the chunks behind it"
expect "$(chunks_of "$disks-origin" 0 512)" "$(chunks_of $m/org 0 512)" "the origin"
down img1
up $m/s1
io_error "a chunk that was lost, attached again" read_chunks img1 10 1
expect "$after" "$(chunks_of $m/img1 11 501)" "the chunks behind it, attached again"
down img1
esnap check $m/s1

say "a read of more than a lost chunk fails, also where its end is read by way of memory"
esnap -q format --force --origin $m/org-real -c 16k "$disks-big"
dmsetup create org --table "$(org_table - "$disks-big")"
dmsetup create -r img1 --table "0 $sectors esnapshot $disks-big"
swap_under org-real "$(part 10 1 unreadable)"
write_chunks 8 4 || fail "a write failed: $(cat /tmp/error)"
swap_under org-real "$(healthy)"
# The store has blocks of 4 KiB; this read begins and ends within one.
io_error "a read that begins before a lost chunk, and ends behind it" \
    dd if=$m/img1 of=/dev/null bs=$((64 * 512)) count=1 skip=$(((9 * 32 + 1) * 512)) iflag=direct,skip_bytes
dd if=$m/img1 of=/dev/null bs=$((16 * 512)) count=1 skip=$(((11 * 32 + 1) * 512)) iflag=direct,skip_bytes ||
    fail "what lies behind the lost chunk cannot be read"
down img1

say "a chunk that can be read the second time is not lost"
fresh
swap_under org-real "$(part 10 1 unreadable-later)"
write_chunks 10 1 &
writer=$!
sleep 1
swap_under org-real "$(healthy)"
wait $writer || fail "a write failed: $(cat /tmp/error)"
expect "$first" "$(digest $m/img1)" "the snapshot"
down img1

say "a write in place fails: the writer is told, the snapshot has what was there"
fresh
swap_under org-real "$(part 10 2 unwritable)"
io_error "a write to what cannot be written" write_chunks 10 1
io_error "a write to it that needs no copy" write_chunks 10 1
io_error "a write that covers a part of it" write_chunks 8 4
write_chunks 12 4 || fail "a write beside it failed: $(cat /tmp/error)"
expect ok "$(state)" "the chain's state"
expect "$first" "$(digest $m/img1)" "the snapshot"
swap_under org-real "$(healthy)"
write_chunks 8 4 || fail "a write failed: $(cat /tmp/error)"
expect "$(digest "$disks-origin")" "$(digest $m/org)" "the origin"
expect "$first" "$(digest $m/img1)" "the snapshot, when it can be written again"

say "a flush fails: the one who asked for it is told"
swap_under org-real "$(part 511 1 unflushed)"
io_error "a flush that fails" dd if=/dev/zero of=$m/org bs=16k count=1 conv=fsync status=none
expect ok "$(state)" "the chain's state"
swap_under org-real "$(healthy)"
dd if=/dev/zero of=$m/org bs=16k count=1 conv=fsync status=none || fail "a flush failed"
expect "$first" "$(digest $m/img1)" "the snapshot"
down img1
esnap check $m/s1

say "a part cannot be read at the detach, and another one at the attach"
fresh
down img1
up $m/s1
swap_under org-real "$(part 0 1 unreadable)"
write_chunks 0 1 || fail "a write failed: $(cat /tmp/error)"
down img1
swap_under org-real "$(part 511 1 unreadable)"
new_words >/dev/null
up $m/s1
new_words | tee /tmp/words | grep -q "byte 8384512: reading it for the fingerprint" ||
    fail "not said: $(cat /tmp/words)"
expect ok "$(state)" "the chain's state"
swap_under org-real "$(healthy)"
io_error "a chunk that was lost" read_chunks img1 0 1
down img1
# It is still noticed when the origin was written meanwhile.
up $m/s1
down img1
dd if=/dev/urandom of="$disks-origin" bs=16k seek=511 count=1 oflag=direct status=none
swap_under org-real "$(part 0 1 unreadable)"
up $m/s1
expect suspect "$(state)" "the chain's state after a write from outside"
swap_under org-real "$(healthy)"
down img1

say "nothing of it can be read at the detach: the next attach has nothing to compare with"
fresh
down img1
up $m/s1
write_chunks 0 1
write_chunks 511 1
swap_under org-real "0 $sectors error"
new_words >/dev/null
down img1
new_words | grep -q "no fingerprint" || fail "not said"
swap_under org-real "$(healthy)"
up $m/s1
expect ok "$(state)" "the chain's state"
expect "$first" "$(digest $m/img1)" "the snapshot"

say "it cannot be flushed at the detach: what it holds is not said, for it may not be so"
down img1
up $m/s1
swap_under org-real "$(part 511 1 unflushed)"
new_words >/dev/null
down img1
new_words | grep -q "no fingerprint" || fail "not said"
swap_under org-real "$(healthy)"
dd if=/dev/urandom of="$disks-origin" bs=16k count=1 oflag=direct status=none # as a power cut may
up $m/s1
expect ok "$(state)" "the chain's state"
expect "$first" "$(digest $m/img1)" "the snapshot"

say "it is gone, and comes back: errors as long as it is away"
write_chunks 20 4
swap_under org-real "0 $sectors error"
io_error "a write without the origin" write_chunks 20 4
io_error "a read without the origin" read_chunks org 0 1
io_error "a read of the snapshot that needs the origin" read_chunks img1 100 1
read_chunks img1 20 4 || fail "what is in the store needs no origin"
expect ok "$(state)" "the chain's state"
down img1
refuse dmsetup create org --table "$(org_table - $m/s1)"
swap_under org-real "$(healthy)"
up $m/s1
write_chunks 24 4 || fail "a write failed: $(cat /tmp/error)"
expect "$first" "$(digest $m/img1)" "the snapshot"

say "it is slow, under four writers"
swap_under org-real "$(origin_table 20)"
start_writers 4 300
stop_writers
swap_under org-real "$(healthy)"
verify_writers $m/org "after a slow origin"
expect "$first" "$(digest $m/img1)" "the snapshot"

say "what was discarded may read as anything: it says nothing of the origin"
down img1
esnap -q format --force --origin $m/org-real -c 16k $m/s1
up $m/s1
write_chunks 511 1 || fail "a write failed: $(cat /tmp/error)"
blkdiscard -o $((511 * 16384)) -l 16384 $m/org
down img1
dd if=/dev/urandom of="$disks-origin" bs=16k seek=511 count=1 oflag=direct status=none
up $m/s1
expect ok "$(state)" "the chain's state"
first=$(digest $m/img1)
start_writers 4 300
stop_writers

say "it is shorter than its table says: refused, the one in force goes on"
swap_under org-real "0 $((sectors - 2048)) linear $disks-origin 0"
new_words >/dev/null
refuse dmsetup load org --table "$(org_table - $m/s1)"
new_words | tee /tmp/words | grep -q "$(kernel_name org-real): has $((sectors - 2048)) sectors" ||
    fail "not said: $(cat /tmp/words)"
dd if=$m/org of=$m/org bs=16k skip=30 seek=30 count=1 conv=notrunc iflag=direct oflag=direct \
    status=none || fail "a write failed"
io_error "a write behind the end" write_chunks 510 1
expect ok "$(state)" "the chain's state"
down img1
refuse dmsetup create org --table "$(org_table - $m/s1)"
swap_under org-real "$(healthy)"
up $m/s1
verify_writers $m/org "when it has its size again"
down img1
esnap check $m/s1
echo "all held"
