#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: host
#
# The power fails while a chain with snapshots and a view is written to: everything that was
# there before is there after the next boot, three times in a row on the same disks.

set -euo pipefail
top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

guest() { # guest STATUS PHASE
    local status=0
    "$top/scripts/vm" --smp 1 --timeout 300 --share "$work" \
        --disk "origin=48M,keep=$work/origin.img" --disk "stores=256M,keep=$work/stores.img" \
        -- bash "$top/tests/support/power_cut_guest.sh" "$2" || status=$?
    [ "$status" -eq "$1" ] || {
        echo "phase $2: status $status instead of $1"
        exit 1
    }
}

guest 98 create # 98: the guest died without a status
guest 98 again
guest 98 again
guest 0 end
echo "all held after three power cuts"
