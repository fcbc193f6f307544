#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk o512=64M --disk o4k=64M,lbs=4096 --disk s512=600M --disk s4k=600M,lbs=4096 --timeout 2700
#
# The model test on every mix of logical block sizes of origin and stores.

set -euo pipefail
disks=/dev/disk/by-id/virtio
udevadm control --exit # the model makes its nodes itself, and udev would take half of the time

run() {
    echo "-- origin: $1, stores: ${*:2}"
    local options=(--origin-disk "$disks-$1")
    shift
    while [ $# -gt 0 ]; do
        options+=(--store-disk "$disks-$1")
        shift
    done
    esnap-model run --seed 401 --seeds 2 --ops 150 "${options[@]}"
}

run o512 s4k
run o4k s512
run o4k s4k
run o512 s512 s4k
run o4k s512 s4k
