# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of the write journal share; they source it after vm_lib.sh. Their guests have a
# disk named origin, which org-real below org stands on.

m=/dev/mapper
disks=/dev/disk/by-id/virtio
sectors=$(blockdev --getsz "$disks-origin")
io=$(dirname -- "${BASH_SOURCE[0]}")/journal_io.py

# The origin takes its time for writes, so that there is something pending.
origin_table() { echo "0 $sectors delay $disks-origin 0 0 $disks-origin 0 $1"; }

# As a device that is not asked whether it may: nothing is flushed, nobody waits.
swap_under() { change "$1" "$2" --noflush --nolockfs; }

org_table() { # org_table JOURNAL STORE...
    local journal=$1
    shift
    echo "0 $sectors esnapshot-org $m/org-real 32 $journal $# $*"
}

field() { dmsetup status org | cut -d' ' -f"$1"; }
journal_state() { field 10; }
used() { field 9 | cut -d/ -f1; }
events() { dmsetup info -c --noheadings -o events "$1" | tr -d ' '; }

in_state() { [ "$(journal_state)" = "$1" ]; }

# Writers that go on until they are stopped: they must still be at it then, for none of them may
# see an error. Every other one goes through the page cache. Each has 2 MiB to itself.
writers=(--size 2 --max 64 --done /tmp/done)

writer_count() { tr -dc 0-9 <"/tmp/done.$1" || true; }
writer_works() { [ "$(writer_count "$1")" -gt "$2" ]; }

start_writers() { # start_writers HOW_MANY SEED
    local w
    blkdiscard -z $m/org
    for w in $(seq 0 $(($1 - 1))); do echo 0 >"/tmp/done.$w"; done
    python3 "$io" writers $m/org "$2" "$1" "${writers[@]}" &
    writer_pid=$! writer_seed=$2 writer_nr=$1
    writers_go_on
}

# Each of them gets some operations answered from here on.
writers_go_on() {
    local w counts=()
    for w in $(seq 0 $((writer_nr - 1))); do counts+=("$(writer_count "$w")"); done
    for w in $(seq 0 $((writer_nr - 1))); do
        wait_for 60 writer_works "$w" $((counts[w] + 5))
    done
    kill -0 "$writer_pid" || fail "a write failed, or read wrong"
}

stop_writers() {
    kill "$writer_pid" || fail "a write failed, or read wrong"
    wait "$writer_pid" || fail "a write failed, or read wrong"
    cat /tmp/done.* | tr -s '\n ' ' '
    echo operations
}

verify_writers() { # verify_writers DEVICE WHEN: what the writers were told is there
    timeout 200 python3 "$io" verify-writers "$1" "$writer_seed" "$writer_nr" "${writers[@]}" ||
        fail "wrong data on $1 $2"
}

# What the kernel has said since the last call of this.
new_words() {
    local all
    all=$(dmesg | wc -l)
    dmesg | tail -n "+$((${words_seen:-0} + 1))"
    words_seen=$all
}
