#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk disk=256M --timeout 14400
#
# Everything at once on two processors: six writers with overlapping ranges, readers of the origin,
# of all snapshots and views, reloads, snapshots, removals, growth, journals that come and go, and
# disks that are slow for a while. Every sector that is read is judged, and memory does not grow.
#
#   races.sh [SECONDS [SEED [OPTION of esnap-races]...]]     3600 is a soak

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "$0")/../support/vm_lib.sh"

seconds=${1:-20}
seed=${2:-1}
shift $(($# < 2 ? $# : 2))
udevadm control --exit # esnap-races makes its nodes itself
modprobe dm-delay

# What the kernel has for itself, in KiB: all that is neither free nor of programs and files.
kernel_memory() {
    awk '$1 == "MemTotal:" { kib += $2 } $1 ~ /^(MemFree|Buffers|Cached|AnonPages):/ { kib -= $2 }
        $1 == "count:" { kib -= 4 * $2 } END { print kib }' /proc/meminfo /proc/zoneinfo
}

esnap-races --disk /dev/disk/by-id/virtio-disk --seed "$seed" --seconds "$seconds" "$@" &
races=$!
sleep $((seconds / 3 + 1))
early=$(kernel_memory)
sleep $((seconds / 2))
late=$(kernel_memory)
wait $races
echo "the kernel's memory: $early KiB after a third of the time, $late KiB later"
[ $((late - early)) -lt 8192 ] || fail "memory grows"
echo "all held"
