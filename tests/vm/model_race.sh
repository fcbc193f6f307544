#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=64M --disk stores=1G --timeout 1800
#
# Snapshots are read through a slow origin (dm-delay) while it is overwritten: a reader that
# is held up must not see what was written meanwhile. Small chunks, then large ones.

set -euo pipefail
disks=/dev/disk/by-id/virtio
udevadm control --exit # the model makes its nodes itself, and udev would take half of the time

for chunk in 8 128; do
    esnap-model race --seed 1 --rounds 20 --read-delay 100 --chunk "$chunk" \
        --origin-disk "$disks-origin" --store-disk "$disks-stores" "$@"
done
