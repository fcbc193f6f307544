#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=16M --disk stores=48M --disk journals=8M --disk a=128M --timeout 900
#
# The commands for devices, on what is in use: a journal and a store are checked under writers,
# a file below a loop device is refused, and what lay where lvcreate makes a store is wiped.

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/journal_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/journal_lib.sh"

start_writer() {
    while :; do
        dd if=/dev/urandom of=$m/org bs=64k count=256 oflag=direct conv=notrunc status=none
    done &
    writer=$!
}

stop_writer() {
    kill "$writer" || fail "the writer ended: a write failed"
    wait "$writer" || true
}

# checked COMMAND...: no fault; it may say that not all was verified, and must then fail
checked() {
    local status=0
    "$@" >/tmp/out 2>&1 || status=$?
    tail -n 1 /tmp/out
    ! grep -q '^fault' /tmp/out || fail "$*: $(cat /tmp/out)"
    if grep -q '^not verified' /tmp/out; then
        expect 5 $status "status of $* that did not verify all"
    else
        expect 0 $status "status of $*"
        grep -q ': clean;' /tmp/out || fail "$*: $(cat /tmp/out)"
    fi
}

say "a journal and a store under a writer"
dmsetup create s1 --table "0 98304 linear $disks-stores 0"
dmsetup create j --table "0 16384 linear $disks-journals 0"
dmsetup create org-real --table "$(origin_table 0)"
esnap -q format --origin "$m/org-real" -c 16k "$m/s1"
esnap -q format --journal-for "$m/s1" "$m/j"
dmsetup create org --table "$(org_table $m/j $m/s1)"
start_writer
for _ in 1 2 3 4 5 6; do
    checked esnap check $m/j
    checked esnap check $m/s1
done
checked esnap scrub --rate 4m $m/j
stop_writer
esnap check $m/j
esnap check $m/s1
dmsetup remove org
esnap check $m/j
esnap check $m/s1

say "a file below a loop device"
modprobe loop
truncate -s 8M /tmp/store
loop=$(losetup --find --show /tmp/store)
for command in "format --origin $m/org-real" "format --force --origin $m/org-real" "repair -y"; do
    # shellcheck disable=SC2086 # words
    refuse esnap $command /tmp/store
    # shellcheck disable=SC2086
    esnap $command /tmp/store >/tmp/out 2>&1 || true
    grep -q "it is in use by ${loop#/dev/}" /tmp/out || fail "$command: $(cat /tmp/out)"
done
esnap -q format --origin "$m/org-real" "$loop"
esnap check /tmp/store
losetup -d "$loop"
esnap repair /tmp/store | grep 'nothing is wrong' || fail "a sound store is not"

say "what lay where lvcreate makes a store"
vgcreate -q vg "$disks-a"
lvcreate -q -y -Wy -Zy -l 4 -n data vg
lvcreate -q -y -Wn -Zn -l 100%FREE -n old vg
printf '\x01\x16\x19\x70\0\0\0\x01' | dd of=/dev/vg/old bs=65536 seek=1 conv=notrunc status=none
printf '\0\0\x07\x09\0\0\x07\x6c' | dd of=/dev/vg/old bs=1 seek=$((65536 + 24)) conv=notrunc status=none
blkid -p /dev/vg/old | grep gfs2 || fail "libblkid does not know what was written"
lvremove -q -y vg/old
esnap -q lvcreate --esnapshot -L 40M -n monday vg/data
lvs --noheadings -o seg_pe_ranges vg/monday_ecow 2>/dev/null | grep ':4-' >/dev/null || fail "it lies elsewhere"
expect "" "$(blkid -p /dev/mapper/vg-monday_ecow || true)" "what libblkid finds in the store"
esnap check /dev/mapper/vg-monday_ecow
esnap -q lvremove -y vg/monday
echo "all as it should be"
