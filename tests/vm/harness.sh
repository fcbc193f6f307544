#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: host
#
# scripts/vm keeps its promises: status, output, time-out, power cut, kernel complaints.

# shellcheck disable=SC2016  # the guest's shell expands, not this one
set -euo pipefail
vm=$(cd -- "$(dirname -- "$0")/../.." && pwd)/scripts/vm
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# expect STATUS ARGUMENT...: runs scripts/vm, leaves its streams in $work/out and $work/err.
expect() {
    local want=$1 got=0
    shift
    "$vm" --smp 1 --no-module "$@" >"$work/out" 2>"$work/err" || got=$?
    if [ "$got" -ne "$want" ]; then
        echo "status $got instead of $want: $*"
        cat "$work/out" "$work/err"
        exit 1
    fi
    echo "ok: status $got: ${*: -1}"
}

same() {
    [ "$1" = "$2" ] || {
        printf 'got:  %s\nwant: %s\n' "$1" "$2"
        exit 1
    }
}

cd -- "$work"
expect 7 -- sh -c 'pwd; echo problem >&2; exit 7'
same "$(cat out)" "$work"
same "$(head -n 1 err)" problem

expect 0 -- printf '<%s>' 'two words' "it's" '$HOME' '' $'new\nline'
same "$(cat out)" "<two words><it's><\$HOME><>"$'<new\nline>'

expect 0 -- seq 1 200000
same "$(cksum <out)" "$(seq 1 200000 | cksum)"

expect 124 --timeout 30 -- sh -c 'echo started; sleep 1000'
same "$(cat out)" started

mkdir share
expect 98 --share "$work/share" --disk kept=16M,keep="$work/kept" -- sh -c '
    echo shared >"$VM_SHARE/file"
    echo written | dd of=/dev/disk/by-id/virtio-kept conv=fsync status=none
    echo b >/proc/sysrq-trigger; sleep 60'
same "$(cat share/file)" shared
same "$(head -c 7 kept)" written

expect 99 -- sh -c 'echo "WARNING: planted" >/dev/kmsg'
expect 0 --allow-warn -- sh -c 'echo "WARNING: planted" >/dev/kmsg'
expect 99 -- sh -c 'sleep 1; echo c >/proc/sysrq-trigger'
expect 3 --disk a-name-of-21-characters=1M -- true
