#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk a=1G --timeout 2400
#
# Several commands at once on one volume group, of esnap and of LVM: each comes to its end, none
# spoils what another does, and all that was acknowledged is there.
#
#   cli_parallel.sh [ROUNDS]          default: 4

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"

rounds=${1:-4}
limit=300 # seconds for one command: whoever waits longer waits for ever

# try WHAT COMMAND...: must work, and end.
try() {
    local code=0 output
    output=$(timeout "$limit" "${@:2}" 2>&1) || code=$?
    [ "$code" = 0 ] || fail "$1: status $code ($output)"
}

# A chain of its own for each: snapshots come, the oldest goes, the newest grows.
chain() { # chain ORIGIN
    local i
    for ((i = 1; i <= rounds; i++)); do
        dd if=/dev/urandom of="/dev/vg/$1" bs=64k count=8 oflag=direct status=none
        digest "/dev/vg/$1" >"/tmp/sum-$1-$i"
        try "a snapshot of $1" esnap -q lvcreate --esnapshot -L 8M -n "$1_$i" "vg/$1"
        try "extending $1_$i" esnap -q lvextend -L +4M "vg/$1_$i"
        [ "$i" = 1 ] || try "removing $1_$((i - 1))" esnap -q lvremove -y "vg/$1_$((i - 1))"
    done
    : >"/tmp/done-$1"
}

plain() { # LVM by itself
    local i
    for ((i = 1; i <= rounds * 2; i++)); do
        try "lvcreate" lvcreate -y -Wn -Zn -L 4M -n "plain_$i" vg
        try "lvextend" lvextend -L +4M "vg/plain_$i"
        try "lvremove" lvremove -f "vg/plain_$i"
    done
    : >/tmp/done-plain
}

watcher() { # reading never disturbs, and is never disturbed
    while [ ! -e /tmp/stop ]; do
        try "esnap lvs" esnap lvs -a vg
        try "lvs" lvs -a vg
    done
}

lvm_ready /dev/disk/by-id/virtio-a
lv one 32M
lv two 32M
exec 8<>/dev/vg/one # one is taken over while it is in use, two is stacked
say "two chains, LVM and lists at once"
pids=()
for job in "chain one" "chain two" plain; do
    $job &
    pids+=($!)
done
watcher &
reader=$!
for pid in "${pids[@]}"; do
    wait "$pid" || fail "one of the jobs failed"
done
: >/tmp/stop
wait "$reader" || fail "a list failed"
for name in one two plain; do
    [ -e "/tmp/done-$name" ] || fail "$name did not come to its end"
done
for name in one two; do
    expect "$(cat "/tmp/sum-$name-$rounds")" "$(digest "/dev/vg/${name}_$rounds")" "the last snapshot of $name"
    expect 12.00m "$(esnap lvs --noheadings -o lv_size "vg/${name}_$rounds" | xargs)" "its room"
done
expect "one one_$rounds two two_$rounds" "$(esnap lvs --noheadings -o lv_name vg | xargs -n 1 | sort | xargs)" "what there is"
expect "" "$(lvs --noheadings -o lv_name -S 'lv_name=~^plain' vg 2>/dev/null)" "LVM's own volumes"
settled
echo "$rounds rounds, all held"
