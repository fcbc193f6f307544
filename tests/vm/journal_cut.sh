#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: host
#
# The power fails while four writers write through a journal: after the next boot everything that
# was acknowledged is there, what was overwritten in that order, and the snapshot is right; three
# times in a row on the same disks, once with two processors.

set -euo pipefail
top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

guest() { # guest STATUS PHASE PROCESSORS
    local status=0
    "$top/scripts/vm" --smp "$3" --timeout 400 --share "$work" \
        --disk "origin=16M,keep=$work/origin.img" --disk "store=64M,keep=$work/store.img" \
        --disk "journal=16M,keep=$work/journal.img" \
        -- bash "$top/tests/support/journal_guest.sh" "$2" || status=$?
    [ "$status" -eq "$1" ] || {
        echo "phase $2: status $status instead of $1"
        exit 1
    }
}

guest 98 create 1 # 98: the guest died without a status
guest 98 again 2
guest 98 again 1
guest 0 end 1
echo "all held after three power cuts"
