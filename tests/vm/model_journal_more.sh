#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk origin=64M --disk stores=1G --timeout 1800
#
# What model_journal.sh leaves, on one processor: seeds 4 to 8, or those that are named.
#
#   model_journal_more.sh [FIRST_SEED SEEDS [OPTION of esnap-model]...]

set -euo pipefail
disks=/dev/disk/by-id/virtio
udevadm control --exit # the model makes its nodes itself, and udev would take half of the time

first=${1:-4}
seeds=${2:-5}
shift $(($# < 2 ? $# : 2))
exec esnap-model run --journal --seed "$first" --seeds "$seeds" --ops 300 \
    --origin-disk "$disks-origin" --store-disk "$disks-stores" "$@"
