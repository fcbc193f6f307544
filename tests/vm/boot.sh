#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: host
#
# boot.sh [ROUNDS [SEED]]: volumes with snapshots on a machine with systemd, mounted by fstab.
#
# After an orderly shutdown with everything mounted every store is detached; the next boot
# mounts origins, images and a view, and every checksum is right. Then ROUNDS times (default: 1)
# the power fails at a random moment while fio writes and a snapshot is taken, and everything
# that was there is there after the boot that follows.

set -euo pipefail
top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
rounds=${1:-1}
seed=${2:-$RANDOM}
RANDOM=$seed
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# guest STATUS ARGUMENT...
guest() {
    local want=$1 status=0 fstab=() began=$SECONDS
    shift
    [ ! -e "$work/fstab" ] || fstab=(--fstab "$work/fstab")
    "$top/scripts/vm" --smp 1 --systemd "${fstab[@]}" --timeout 400 --share "$work" \
        --disk "disk=2G,keep=$work/disk.img" \
        -- bash "$top/tests/support/boot_guest.sh" "$@" || status=$?
    [ "$status" -eq "$want" ] || {
        echo "phase $*: status $status instead of $want (seed $seed)"
        exit 1
    }
    echo "phase $*: $((SECONDS - began)) s"
}

# copy_store NAME FILE: what its LV holds, out of the guest's disk.
copy_store() {
    local extent start from to
    read -r extent start <"$work/extents"
    sed -nE "s/^ *$1 .*:([0-9]+)-([0-9]+)$/\1 \2/p" "$work/places" | while read -r from to; do
        dd if="$work/disk.img" iflag=skip_bytes,count_bytes bs=1M status=none \
            skip=$((start + from * extent)) count=$(((to - from + 1) * extent))
    done >"$2"
    [ -s "$2" ]
}

# After an orderly shutdown the next activation has nothing to recover.
check_stores() {
    local name said count=0
    while read -r name _; do
        [[ $name = *_ecow ]] || continue
        copy_store "$name" "$work/store"
        said=$("$top/build/esnap" check "$work/store")
        case $said in
        *attached:*)
            echo "$name was not detached at shutdown: $said"
            exit 1
            ;;
        esac
        count=$((count + 1))
    done <"$work/places"
    [ "$count" -ge 3 ]
    echo "all $count stores are sound and were detached at shutdown"
}

echo "$rounds power cuts, seed $seed"
guest 0 create
check_stores
for ((round = 1; round <= rounds; round++)); do
    guest 98 cut "$round" "$((RANDOM % 6000))"
done
guest 0 end
check_stores
echo "all held"
