#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of tests/vm/journal_cut.sh: create | again | end.
#
# Four writers, each with a region and an operation in flight; how many were answered is in
# $VM_SHARE. Then the lights go out.

set -euo pipefail
here=$(dirname -- "${BASH_SOURCE[0]}")
# shellcheck source=tests/support/vm_lib.sh
. "$here/vm_lib.sh"

disks=/dev/disk/by-id/virtio
sectors=$(blockdev --getsz "$disks-origin")
io=$here/journal_io.py
truth=$VM_SHARE/truth
writers="1 2 3 4"

up() {
    dmsetup create org --table \
        "0 $sectors esnapshot-org $disks-origin 32 $disks-journal 1 $disks-store"
    dmsetup create -r img --table "0 $sectors esnapshot $disks-store"
}

# region N: options that name the region of writer N
region() { echo "--size 4 --at $((4 * ($1 - 1))) --max 64"; }

verify() { # verify DEVICE
    local w
    for w in $writers; do
        # shellcheck disable=SC2046
        python3 "$io" verify "$1" "$(cat "$VM_SHARE/seed.$w")" \
            "$(tr -dc 0-9 <"$VM_SHARE/done.$w")" $(region "$w") || fail "writer $w on $1"
    done
    expect "$(cat "$truth")" "$(digest /dev/mapper/img)" "the snapshot"
}

cut_while_writing() { # cut_while_writing SECONDS
    local w
    # What the last round left is overwritten first: the model begins with zeros.
    blkdiscard -z /dev/mapper/org
    for w in $writers; do
        echo $((RANDOM * 7 + w)) >"$VM_SHARE/seed.$w"
        echo 0 >"$VM_SHARE/done.$w"
    done
    for w in $writers; do
        # shellcheck disable=SC2046
        python3 "$io" run /dev/mapper/org "$(cat "$VM_SHARE/seed.$w")" 100000 \
            $(region "$w") --done "$VM_SHARE/done.$w" &
    done
    sleep $(($1 * slow))
    for w in $writers; do
        [ "$(tr -dc 0-9 <"$VM_SHARE/done.$w")" -gt 20 ] || fail "writer $w did next to nothing"
    done
    dmsetup status org
    echo b >/proc/sysrq-trigger
    sleep 60
}

case $1 in
create)
    dd if=/dev/urandom of="$disks-origin" bs=1M count=16 oflag=direct status=none
    esnap -q format --origin "$disks-origin" -c 16k "$disks-store"
    esnap -q format --journal-for "$disks-store" "$disks-journal"
    up
    digest /dev/mapper/img >"$truth"
    cut_while_writing 15
    ;;
again)
    up
    dmsetup status org
    verify /dev/mapper/org
    cut_while_writing 12
    ;;
end)
    up
    verify /dev/mapper/org
    dmsetup message org 0 drain
    verify "$disks-origin"
    dmsetup remove --retry img
    dmsetup remove --retry org
    esnap check "$disks-store"
    ;;
esac
