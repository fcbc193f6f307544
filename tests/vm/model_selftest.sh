#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --no-module --disk origin=64M --disk stores=1G --timeout 1800
#
# The model test itself: it finds planted faults, agrees with the kernel's own dm-snapshot,
# and fails when one sector of that is damaged.

set -euo pipefail
disks=/dev/disk/by-id/virtio
udevadm control --exit # the model makes its nodes itself, and udev would take half of the time
options=(--origin-disk "$disks-origin" --store-disk "$disks-stores")

esnap-model selftest --seed 1 "${options[@]}"
esnap-model run --standin --seed 1 --ops 60 "${options[@]}"
esnap-model race --standin --seed 1 --rounds 2 "${options[@]}"

status=0
esnap-model run --standin --plant --seed 5 --ops 40 "${options[@]}" >/tmp/planted 2>&1 || status=$?
if [ "$status" != 1 ] || ! grep -q '^FAILED: seed 5' /tmp/planted; then
    echo "a planted fault was not reported (status $status):"
    cat /tmp/planted
    exit 1
fi
grep -A 4 '^FAILED' /tmp/planted
echo "the planted fault was found"
