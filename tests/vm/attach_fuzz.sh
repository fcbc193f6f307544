#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 1 --timeout 7200
#
# Damaged stores, views and journals are attached by the module: each is refused or right, and
# so are table lines and messages by chance (tests/attach).
#
#   attach_fuzz.sh [COUNT [SEED [OPTION of esnap-attack]...]]
#
# A failure names seed and iteration; COUNT SEED --only ITERATION repeats it alone.

set -euo pipefail
udevadm control --exit # nodes are made without it
modprobe brd rd_nr=1 rd_size=16384
echo 1 >/sys/kernel/rcu_expedited # devices come and go
dmesg -n 3 # thousands of refusals would wait for the serial line; they are read from /dev/kmsg

count=${1:-600}
seed=${2:-1}
esnap-attack --disk /dev/ram0 --count "$count" --seed "$seed" \
    --stall $((150 * ${VM_SLOW:-1})) "${@:3}"
