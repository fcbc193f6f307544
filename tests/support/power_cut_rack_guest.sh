#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of tests/vm/power_cut_rack.sh: SEED WRITES POINTS [OPTION of record]...:
# records a workload,
# then lets the module recover POINTS points of it.

set -euo pipefail
disks=/dev/disk/by-id/virtio
udevadm control --exit # the rack makes its nodes itself
modprobe dm-log-writes

esnap-rack record --seed "$1" --writes "$2" --data-disk "$disks-data" --log "$disks-log" \
    "${@:4}"
[ "$3" = 0 ] || esnap-rack recover --seed "$1" --points "$3" --log "$disks-log" \
    --data-disk "$disks-data" --recovery-log "$disks-again"
