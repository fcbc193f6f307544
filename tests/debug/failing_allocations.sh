#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 1 --disk origin=8M --disk stores=64M --disk journal=8M --timeout 1200
#
# Memory that is refused to the module. Of each operation on tables one allocation fails, then only a
# later one, and so on until none is left: it is refused or done, and what was there is right and can
# be used. Then all fail for a while, and one of five, under reads and writes: none is lost or wrong.
#
#   failing_allocations.sh [SEED | all]
#
# Most of the hundreds of allocations of an attach are the pages of a reserve. So the first eight
# fail one by one, and then SEED (default 1) chooses the next within an eighth; "all" leaves none out.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

here=$(dirname -- "${BASH_SOURCE[0]}")
io=$here/../support/journal_io.py
disks=/dev/disk/by-id/virtio
m=/dev/mapper
sectors=$(blockdev --getsz "$disks-origin")
attributes=(/sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc)

# Only allocations with the module in their stack fail, whoever makes them.
prepare_injection() {
    local size address dir name
    read -r size address < <(awk '$1 == "dm_esnapshot" { print $2, $6 }' /proc/modules)
    for dir in "${attributes[@]}"; do
        for name in ignore-gfp-wait ignore-gfp-highmem; do
            [ ! -e "$dir/$name" ] || echo N >"$dir/$name"
        done
        [ ! -e "$dir/min-order" ] || echo 0 >"$dir/min-order"
        echo 32 >"$dir/stacktrace-depth"
        echo "$address" >"$dir/require-start"
        printf '0x%x\n' $((address + size)) >"$dir/require-end"
        echo 0 >"$dir/verbose"
        echo 0 >"$dir/probability"
        echo 1000000000 >"$dir/times"
    done
}

probability() { # probability PERCENT: of all allocations of the module
    local dir
    for dir in "${attributes[@]}"; do echo "$1" >"$dir/probability"; done
}

# How many have failed: the kernel counts down.
failed_so_far() {
    local dir left sum=0
    for dir in "${attributes[@]}"; do
        read -r left <"$dir/times"
        sum=$((sum + 1000000000 - left))
    done
    echo "$sum"
}

# with_nth N COMMAND...: the N-th allocation of the command fails
with_nth() (
    echo "$1" >/proc/self/fail-nth
    exec "${@:2}"
)

later() { # later N RANDOM: which allocation fails after the N-th
    if [ "$seed" = all ]; then echo $(($1 + 1)); else echo $(($1 + 1 + $2 % (1 + $1 / 8))); fi
}

# try_each WHAT NAME COMMAND...: NAME is the device that it makes, or does not make
try_each() {
    local what=$1 name=$2 n before refused=0 tried=0
    shift 2
    for ((n = 1; ; n = $(later "$n" "$RANDOM"))); do
        before=$(failed_so_far)
        if with_nth "$n" "$@" 2>/tmp/said; then
            [ "$(failed_so_far)" != "$before" ] || break
            tried=$((tried + 1))
            dmsetup remove --retry "$name"
        else
            [ "$(failed_so_far)" != "$before" ] || fail "$what: failed, but no allocation did: $(cat /tmp/said)"
            refused=$((refused + 1)) tried=$((tried + 1))
            [ ! -e "$m/$name" ] || fail "$what: refused and there, after a failure of allocation $n"
        fi
    done
    echo "$what: $tried of less than $n allocations failed, refused $refused times"
    [ "$tried" -gt 0 ] || fail "$what: no allocation failed: this proves nothing"
}

table() { # table JOURNAL STORE...
    local journal=$1
    shift
    echo "0 $sectors esnapshot-org $disks-origin 32 $journal $# $*"
}
remove_org() { dmsetup remove --retry org; }
remove_img() { dmsetup remove --retry img; }
origin_is_right() { expect "$before_all" "$(digest $m/org)" "the origin"; }

# dmsetup makes the nodes itself then; udev would take most of the time.
udevadm control --exit
rm -f /run/udev/control
export DM_DISABLE_UDEV=1
for i in 1 2 3; do
    dmsetup create "s$i" --table "0 32768 linear $disks-stores $(((i - 1) * 32768))"
done
dd if=/dev/urandom of="$disks-origin" bs=1M count=8 oflag=direct status=none
esnap -q format --origin "$disks-origin" -c 16k $m/s1
before_all=$(digest "$disks-origin")
prepare_injection
seed=${1:-1}
[ "$seed" = all ] || RANDOM=$seed

say "attaching"
try_each "the first attach" org dmsetup create org --table "$(table - $m/s1)"
origin_is_right
dd if=/dev/urandom of=$m/org bs=64k count=40 oflag=direct status=none
remove_org
esnap check $m/s1
before_all=$(digest "$disks-origin")
try_each "an attach" org dmsetup create org --table "$(table - $m/s1)"
origin_is_right
remove_org
esnap check $m/s1
esnap -q format --journal-for $m/s1 "$disks-journal"
try_each "an attach with a journal" org dmsetup create org --table "$(table "$disks-journal" $m/s1)"
origin_is_right

say "an attach that is tried again with the same table"
remove_org
for ((n = 1; ; n = $(later "$n" "$RANDOM"))); do
    before=$(failed_so_far)
    dmsetup create --notable org
    dmsetup load org --table "$(table "$disks-journal" $m/s1)"
    with_nth "$n" dmsetup resume org 2>/tmp/said || dmsetup resume org || fail "allocation $n: it is not resumed any more"
    [ "$(failed_so_far)" != "$before" ] || break
    remove_org
done
echo "less than $n allocations"

say "images and views"
try_each "an image" img dmsetup create -r img --table "0 $sectors esnapshot $m/s1"
first=$(digest $m/img)
esnap -q format --view-of $m/s1 $m/s3
try_each "a view" view dmsetup create view --table "0 $sectors esnapshot-view $m/s3 $disks-origin $m/s1"
dmsetup remove --retry view

say "a second snapshot"
# The resume of a table whose store cannot be taken into use goes on with the old one.
add_snapshot() {
    dmsetup load org --table "$(table "$disks-journal" $m/s1 $m/s2)"
    dmsetup suspend org
    with_nth "$1" dmsetup resume org 2>/tmp/said
}
still_right() {
    dd if=/dev/urandom of=$m/org bs=64k count=4 oflag=direct status=none || fail "the origin takes no writes"
    expect "$first" "$(digest $m/img)" "the first snapshot $1"
}
fresh_chain() {
    remove_img
    remove_org
    esnap -q format --force --origin "$disks-origin" -c 16k $m/s1
    esnap -q format --force --journal-for $m/s1 "$disks-journal"
    esnap -q format --force --origin "$disks-origin" --after $m/s1 -c 16k $m/s2
    dmsetup create org --table "$(table "$disks-journal" $m/s1)"
    dmsetup create -r img --table "0 $sectors esnapshot $m/s1"
    first=$(digest $m/img)
}
states=()
for ((n = 1; ; n = $(later "$n" "$RANDOM"))); do
    fresh_chain
    before=$(failed_so_far)
    if ! add_snapshot "$n"; then
        dmsetup resume org || fail "the origin does not resume: $(cat /tmp/said)"
    fi
    states+=("$(dmsetup status org | cut -d' ' -f4)")
    still_right "after a failure of allocation $n"
    [ "$(failed_so_far)" != "$before" ] || break
done
expect ok "${states[-1]}" "the state when no allocation failed"
echo "a second snapshot: less than $n allocations; states: ${states[*]}"
[ "$n" -gt 1 ] || fail "no allocation failed: this proves nothing"

say "no memory at all for three seconds"
rm -f /tmp/done
blkdiscard -z $m/org
python3 "$io" run $m/org 7 1000000 --size 8 --done /tmp/done &
writer=$!
operations() { tr -dc 0-9 </tmp/done 2>/dev/null || true; }
until [ "$(operations)0" -ge 500 ]; do sleep 0.1; done
probability 100
sleep 3
probability 0
seen=$(operations)
for ((left = 60 * slow; left > 0; left--)); do
    [ "$(operations)" -lt $((seen + 50)) ] || break
    sleep 1
done
[ "$left" -gt 0 ] || fail "memory is there again, but writes are not taken: $(dmsetup status org)"
kill "$writer" || fail "the writer ended: a write failed, or something read wrong"
wait "$writer" || true
timeout 60 dmsetup message org 0 drain || fail "the journal does not drain any more"
timeout 100 python3 "$io" verify $m/org 7 "$(operations)" --size 8 || fail "wrong data"
expect "$first" "$(digest $m/img)" "the first snapshot"

say "one allocation of five fails"
before=$(failed_so_far)
blkdiscard -z $m/org
probability 20
python3 "$io" run $m/org 1 300 --size 8 || fail "wrong data, or an error"
probability 0
echo "$(($(failed_so_far) - before)) allocations failed under reads and writes"
[ "$(failed_so_far)" -gt "$before" ] || fail "no allocation failed"
timeout 100 python3 "$io" verify $m/org 1 300 --size 8 || fail "wrong data"
expect "$first" "$(digest $m/img)" "the first snapshot"
probability 20
piece() { dd if=$m/img of=/tmp/piece bs=64k iflag=direct status=none; }
for i in 1 2 3 4 5; do
    # Reads may fail for want of memory, but may not be wrong.
    piece || continue
    expect "$first" "$(summary </tmp/piece)" "the first snapshot, without memory"
done

say "detaching"
remove_img
remove_org
probability 0
for i in 1 2; do esnap check "$m/s$i" >/dev/null || fail "store $i"; done
echo "all held"
