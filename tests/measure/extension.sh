#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --smp 2 --disk a=6G,iops=2000,bps=104857600 --timeout 2400
#
# How long a write waits at most while its snapshot's area grows by itself: from 64 MiB, by the
# default policy, with the real dmeventd, everything on one disk of 2000 operations and 100 MiB
# per second. Prints figures, asserts that the snapshot stays right and no write fails.
#
#   tests/run-vm-test tests/measure/extension.sh [SECONDS]     of writing, each time; default: 40

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"
# shellcheck source=tests/support/watch_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/watch_lib.sh"

seconds=${1:-40}

# row NAME FIO_OPTION...: first writes, as fast as the disk lets them
row() {
    local name=$1
    shift
    esnap -q lvcreate --esnapshot -L 64M -n "$name" vg/data
    fio --name=row --filename=/dev/vg/data --ioengine=libaio --direct=1 --size=1G --time_based \
        --runtime="$seconds" --output-format=json --output=/tmp/row.json "$@" >/dev/null || fail "a write failed"
    python3 - "$name" "$(size "$name")" "$(grep -c "vg/$name: extended" "$log")" <<'PRINT'
import json
import sys
name, size, times = sys.argv[1:]
w = json.load(open("/tmp/row.json"))["jobs"][0]["write"]
ns = w["clat_ns"]
print("%-8s %7.1f MiB/s, area 64 to %s MiB in %s extensions, median %.1f ms, p99.9 %.0f ms, longest %.0f ms" % (
    name, w["bw_bytes"] / 2**20, size, times, ns["percentile"]["50.000000"] / 1e6,
    ns["percentile"]["99.900000"] / 1e6, ns["max"] / 1e6), flush=True)
PRINT
    esnap -q lvremove -y "vg/$name"
}

install_plugin
lvm_ready /dev/disk/by-id/virtio-a
lv data 1G
fio --name=data --filename=/dev/vg/data --ioengine=libaio --direct=1 --rw=write --bs=1M --iodepth=4 >/dev/null
row rand4k --rw=randwrite --bs=4k --iodepth=32
row rand64k --rw=randwrite --bs=64k --iodepth=16
row seq1m --rw=write --bs=1M --iodepth=4
