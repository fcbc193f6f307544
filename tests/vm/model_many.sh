#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=3G --timeout 1800
#
# 1024 stores on one origin: create, read the oldest and others, detach, check, attach, read.

set -euo pipefail
disks=/dev/disk/by-id/virtio
udevadm control --exit # the model makes its nodes itself, and udev would take half of the time

exec esnap-model many --seed 1 --stores 1024 \
    --origin-disk "$disks-origin" --store-disk "$disks-stores" "$@"
