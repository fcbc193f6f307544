#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=256M --timeout 1800
#
# Tables and devices that must be refused: with a reason, and without changing a byte.

set -euo pipefail
disks=/dev/disk/by-id/virtio

exec esnap-model bad-input --seed 1 \
    --origin-disk "$disks-origin" --store-disk "$disks-stores" "$@"
