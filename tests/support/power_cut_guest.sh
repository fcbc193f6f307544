#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of tests/vm/power_cut.sh: create | again | end.

set -euo pipefail
here=$(dirname -- "${BASH_SOURCE[0]}")
# shellcheck source=tests/support/vm_lib.sh
. "$here/vm_lib.sh"

origin=/dev/disk/by-id/virtio-origin
disk=/dev/disk/by-id/virtio-stores
sectors=$(blockdev --getsz "$origin")
truth=$VM_SHARE/truth
slot=98304

slots() {
    local i
    for i in 1 2 3 4; do
        dmsetup create "st$i" --table "0 $slot linear $disk $((slot * (i - 1)))"
    done
}

org_table() { # org_table COUNT
    local i line="0 $sectors esnapshot-org $origin 32 - $1"
    for ((i = 1; i <= $1; i++)); do line+=" /dev/mapper/st$i"; done
    echo "$line"
}

snapshot() { # snapshot NUMBER
    local after=()
    [ "$1" = 1 ] || after=(--after "/dev/mapper/st$(($1 - 1))")
    esnap -q format --origin "$origin" -c 16k "${after[@]}" "/dev/mapper/st$1"
    dmsetup load org --table "$(org_table "$1")"
    dmsetup suspend org
    digest "$origin" >"$truth.st$1"
    dmsetup resume org
}

images() {
    local i
    for i in 1 2 3; do
        dmsetup create -r "img$i" --table "0 $sectors esnapshot /dev/mapper/st$i"
    done
}

verify() {
    local i
    for i in 1 2 3; do
        expect "$(cat "$truth.st$i")" "$(digest "/dev/mapper/img$i")" "snapshot $i"
    done
    expect "$(cat "$truth.view")" \
        "$(dd if=/dev/mapper/view bs=1M count=8 iflag=direct status=none | summary)" "the view"
    echo "snapshots and view as they were"
}

view() { dmsetup create view --table "0 $sectors esnapshot-view /dev/mapper/st4 $origin /dev/mapper/st2"; }

# Write to the origin and to the upper part of the view until the lights go out.
cut_while_writing() {
    fio --name=o --filename=/dev/mapper/org --rw=randwrite --bsrange=512-64k --direct=1 \
        --ioengine=libaio --iodepth=16 --time_based --runtime=60 --norandommap >/dev/null 2>&1 &
    fio --name=v --filename=/dev/mapper/view --offset=8M --rw=randwrite --bsrange=512-64k \
        --direct=1 --ioengine=libaio --iodepth=8 --time_based --runtime=60 >/dev/null 2>&1 &
    sleep $((1 + RANDOM % 4)).$((RANDOM % 10))
    echo b >/proc/sysrq-trigger
    sleep 60
}

create() {
    local i
    slots
    dd if=/dev/urandom of="$origin" bs=1M count=48 oflag=direct status=none
    dmsetup create org --table "$(org_table 0)"
    for i in 1 2 3; do
        snapshot "$i"
        dd if=/dev/urandom of=/dev/mapper/org bs=64k seek=$((i * 50)) count=60 oflag=direct \
            status=none
    done
    esnap -q format --view-of /dev/mapper/st2 /dev/mapper/st4
    view
    dd if=/dev/urandom of=/dev/mapper/view bs=32k seek=3 count=40 oflag=direct conv=fsync \
        status=none
    dd if=/dev/mapper/view bs=1M count=8 iflag=direct status=none | summary >"$truth.view"
    sync
    cut_while_writing
}

attach() {
    local i
    slots
    for i in 1 2 3 4; do esnap check "/dev/mapper/st$i"; done
    dmsetup create org --table "$(org_table 3)"
    images
    view
    verify
}

case $1 in
create) create ;;
again) attach && cut_while_writing ;;
end)
    attach
    dmsetup remove --retry view
    for i in 1 2 3; do dmsetup remove --retry "img$i"; done
    dmsetup remove --retry org
    for i in 1 2 3 4; do esnap check "/dev/mapper/st$i"; done
    ;;
esac
