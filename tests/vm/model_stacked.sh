#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=2G --timeout 1800
#
# Chains on views of chains, three deep, with random operations on all levels.

set -euo pipefail
disks=/dev/disk/by-id/virtio
udevadm control --exit # the model makes its nodes itself, and udev would take half of the time

for seed in 1 2 3; do
    esnap-model stacked --seed "$seed" --ops 200 \
        --origin-disk "$disks-origin" --store-disk "$disks-stores" "$@"
done
