#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=8M --disk stores=64M --timeout 600
#
# The store of a view fails, and the snapshot that it reads from. What must happen is in
# docs/faults.md: writes to the view fail, what was acknowledged stays, snapshot and origin do not
# notice.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"
# shellcheck source=tests/support/faults_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/faults_lib.sh"

view_up() { dmsetup create view --table "0 $sectors esnapshot-view $m/v $m/org-real $m/s1"; }
fresh_view() {
    esnap -q format --force --view-of $m/s1 $m/v
    view_up
    cp /tmp/first /tmp/view
}
# write_view SECTOR COUNT: to the view, and to what is expected of it
write_view() {
    dd if=/dev/urandom of=/tmp/new bs=512 count="$2" status=none
    dd if=/tmp/new of=$m/view bs=$(($2 * 512)) seek=$(($1 * 512)) oflag=direct,seek_bytes count=1 \
        status=none 2>/tmp/error || return 1
    dd if=/tmp/new of=/tmp/view bs=512 seek="$1" conv=notrunc status=none
}
no_write() { # no_write WHAT SECTOR COUNT
    if write_view "$2" "$3"; then fail "no error: $1"; fi
    grep -q "Input/output error" /tmp/error || fail "$1: $(cat /tmp/error)"
}
view_is_right() { # view_is_right WHEN
    expect "$(summary </tmp/view)" "$(digest $m/view)" "the view $1"
}
unaffected() { # unaffected WHEN
    expect "$first" "$(digest $m/img1)" "the snapshot $1"
    expect ok "$(state)" "the chain's state $1"
    overwrite 100 110
    expect "$first" "$(digest $m/img1)" "the snapshot $1, after a write"
}

setup_devices s1 v
dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
esnap -q format --force --origin $m/org-real -c 16k $m/s1
up $m/s1
first=$(digest $m/img1)
dd if=$m/img1 of=/tmp/first bs=1M iflag=direct status=none
overwrite 0 8

# The record of the N-th chunk that is written begins at block 16 + 5 * N.
for block in 26 27; do
    say "no write to block $block: the view fails, and keeps what was acknowledged"
    fresh_view
    write_view 0 32 || fail "a write failed: $(cat /tmp/error)"
    write_view 330 10 || fail "a write failed: $(cat /tmp/error)"
    timeout 60 dmsetup wait view "$(events view)" &
    waiter=$!
    swap_under v "$(unwritable v $block)"
    no_write "a write that needs a record" 3210 10
    wait $waiter || fail "no event"
    expect failed "$(area_state view)" "the view's state"
    view_is_right "while its store takes no writes"
    no_write "a write to a view that has failed" 0 32
    unaffected "while the view's store takes no writes"
    dmsetup remove --retry view
    swap_under v "$(good v)"
    view_up
    view_is_right "attached again"
    write_view 3210 10 || fail "a write failed: $(cat /tmp/error)"
    write_view 6400 64 || fail "a write failed: $(cat /tmp/error)"
    view_is_right "written again"
    dmsetup remove --retry view
    esnap check $m/v
done

say "no write in place: that one fails, the others go on"
fresh_view
write_view 0 32 || fail "a write failed: $(cat /tmp/error)"
write_view 320 32 || fail "a write failed: $(cat /tmp/error)"
swap_under v "$(unwritable v 17-20)"
no_write "a write in place" 8 8
write_view 328 8 || fail "a write failed: $(cat /tmp/error)"
write_view 640 8 || fail "a write failed: $(cat /tmp/error)"
expect ok "$(area_state view)" "the view's state"
view_is_right "when one write in place failed"
swap_under v "$(good v)"
write_view 8 8 || fail "a write failed: $(cat /tmp/error)"
view_is_right "when it can be written again"

say "its store cannot be read: errors where it is needed, and all is right later"
swap_under v "$(unreadable v)"
refuse read_chunks view 0 1
read_chunks view 100 100 || fail "what the view does not have itself cannot be read"
unaffected "while the view's store cannot be read"
swap_under v "$(good v)"
view_is_right "when it can be read again"

say "it is gone, comes back, and is attached again"
swap_under v "$(gone v)"
refuse read_chunks view 0 1
no_write "a write without its store" 960 32
expect failed "$(area_state view)" "the view's state"
unaffected "without the view's store"
dmsetup remove --retry view
if view_up 2>/dev/null; then fail "a view without its store came up"; fi
swap_under v "$(good v)"
view_up
view_is_right "when it is there again"

say "the snapshot cannot be read: writes that need it fail, writes of whole chunks do not"
swap_under s1 "$(unreadable s1)"
no_write "a part of a chunk that the snapshot has" 130 4
write_view 160 32 || fail "a write failed: $(cat /tmp/error)"
write_view 12800 4 || fail "a write failed: $(cat /tmp/error)"
expect ok "$(area_state view)" "the view's state"
swap_under s1 "$(good s1)"
view_is_right "when the snapshot can be read again"
write_view 130 4 || fail "a write failed: $(cat /tmp/error)"
view_is_right "written again"

say "a write of a whole chunk that meets one of a part, which fails: it does not"
swap_under s1 "0 $area delay $m/bad 0 3000 $disks-stores ${start[s1]} 0"
dd if=/dev/urandom of=$m/view bs=2048 seek=$((194 * 512)) count=1 oflag=direct,seek_bytes status=none 2>/dev/null &
part=$!
sleep 1
write_view 192 32 || fail "a write failed: $(cat /tmp/error)"
if wait $part; then fail "no error: a part of a chunk that the snapshot has"; fi
swap_under s1 "$(good s1)"
view_is_right "when the snapshot can be read again"

say "a read of its store takes long: writes to the origin do not wait for it"
write_view 9600 32 || fail "a write failed: $(cat /tmp/error)"
udevadm settle
udevadm control --stop-exec-queue # or it would read there, too
dmsetup load v --table "0 $area delay $disks-stores ${start[v]} 600000 $disks-stores ${start[v]} 0"
dmsetup suspend --noflush --nolockfs v
dmsetup resume --noudevsync v
read_chunks view 300 1 &
reader=$!
wait_for 30 eval 'dmsetup status v | grep -q " 1 0 "'
timeout 60 dd if=/dev/urandom of=$m/org bs=16k seek=300 count=1 oflag=direct status=none ||
    fail "a write to the origin waits for a view's store"
kill -0 $reader || fail "the read did not wait"
dmsetup load v --table "$(good v)"
dmsetup suspend --noflush --nolockfs v
dmsetup resume --noudevsync v
udevadm control --start-exec-queue
udevadm settle
wait $reader || fail "a read of the view failed"
view_is_right "after a slow read"
expect "$first" "$(digest $m/img1)" "the snapshot"

say "it is slow, and then too short: refused"
swap_under v "0 $area delay $disks-stores ${start[v]} 0 $disks-stores ${start[v]} 100"
write_view 15000 8 || fail "a write failed: $(cat /tmp/error)"
view_is_right "on a slow store"
swap_under v "0 $((area - 2048)) linear $disks-stores ${start[v]}"
refuse dmsetup load view --table "$(dmsetup table view)"
dmsetup remove --retry view
new_words >/dev/null
if view_up 2>/dev/null; then fail "a view whose store is too short came up"; fi
new_words | grep -q "$(kernel_name v).*smaller" || fail "not said"
swap_under v "$(good v)"
view_up
view_is_right "when its store has its size again"
dmsetup remove --retry view
esnap check $m/v

say "the chain is lost: so is the view, and the origin goes on"
view_up
swap_under s1 "$(unwritable s1 16-2000)"
overwrite 200 210
expect invalid "$(state)" "the chain's state"
refuse read_chunks view 100 1
now=$(digest $m/org)
dmsetup remove --retry view
down img1
expect "$now" "$(digest "$disks-origin")" "the origin"
esnap check $m/v
echo "all held"
