#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=64M --disk stores=1G --timeout 2700
#
# Random operations on a live chain against the model: 500 operations for each of two seeds,
# on two processors; model_more.sh takes the next eighteen, on one, which costs half as much.
#
#   model.sh [FIRST_SEED [SEEDS]] [OPTION of esnap-model]...    MODEL_OPS: operations of a seed
#
# A failure prints its seed; "model.sh SEED 1 --verbose" does the same operations again.

set -euo pipefail
disks=/dev/disk/by-id/virtio
udevadm control --exit # the model makes its nodes itself, and udev would take half of the time

first=${1:-1}
seeds=${2:-2}
shift $(($# < 2 ? $# : 2))
exec esnap-model run --seed "$first" --seeds "$seeds" --ops "${MODEL_OPS:-500}" \
    --origin-disk "$disks-origin" --store-disk "$disks-stores" "$@"
