#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk origin=64M --disk stores=1G --timeout 1800
#
# The model test with a journal before a slow origin, which comes and goes, is drained, and taken
# down and up with the chain: 300 operations for each of three seeds, on two processors; and a planted
# fault is found. model_journal_more.sh takes the next five, on one.
#
#   model_journal.sh [FIRST_SEED [SEEDS]] [OPTION of esnap-model]...

set -euo pipefail
disks=/dev/disk/by-id/virtio
MODEL_OPS=300 bash "$(dirname -- "${BASH_SOURCE[0]}")/model.sh" "${1:-1}" "${2:-3}" --journal "${@:3}"

status=0
esnap-model run --plant --journal --seed 5 --ops 40 --origin-disk "$disks-origin" --store-disk "$disks-stores" \
    >/tmp/planted 2>&1 || status=$?
if [ "$status" != 1 ] || ! grep -q '^FAILED: seed 5' /tmp/planted; then
    echo "a planted fault was not reported (status $status):"
    cat /tmp/planted
    exit 1
fi
grep -A 4 '^FAILED' /tmp/planted
echo "the planted fault was found"
