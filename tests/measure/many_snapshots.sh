#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=4G --timeout 5400
#
# How long a writer is held up by esnap lvcreate with 0 and with 255 snapshots there (fio's
# longest latency, beside that of the same time without a snapshot), and how long esnap lvs takes
# with 300 snapshots on one origin. Prints figures, asserts that every command works.
#
#   tests/run-vm-test tests/measure/many_snapshots.sh [SNAPSHOTS]     default: 300; half an hour

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"
# shellcheck source=tests/support/cli_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/cli_lib.sh"

wanted=${1:-300}
made=0

take() {
    made=$((made + 1))
    esnap -q lvcreate --esnapshot -L 4M -n "$(printf 's%04d' "$made")" vg/data
}

# latency COMMAND...: runs it beside a writer that keeps an even pace; fio's view in milliseconds.
latency() {
    fio --name=w --filename=/dev/vg/data --rw=randwrite --bs=4k --size=2M --direct=1 --ioengine=libaio \
        --iodepth=1 --rate_iops=100 --time_based --runtime=600 --output=/tmp/fio --output-format=json &
    sleep 3
    "$@"
    sleep 1
    kill -INT $!
    wait $! || true
    python3 -c 'import json, sys
text = open("/tmp/fio").read()
c = json.loads(text[text.index("{"):])["jobs"][0]["write"]["clat_ns"]
print("median %.2f ms, longest %.2f ms" % (c["percentile"]["50.000000"] / 1e6, c["max"] / 1e6))'
}

lvm_ready /dev/disk/by-id/virtio-a
lv data 64M
echo "0 snapshots, nothing done:  $(latency sleep 5)"
echo "0 snapshots, one is taken:  $(latency take)"
made=1
again=$((wanted < 255 ? wanted : 255))
while [ "$made" -lt "$again" ]; do
    take
    [ $((made % 50)) != 0 ] || echo "$made snapshots after $(cut -d' ' -f1 /proc/uptime) s"
done
echo "$made snapshots, nothing done: $(latency sleep 5)"
echo "$made snapshots, one is taken: $(latency take)"
made=$((made + 1)) # the one above was taken in a subshell
while [ "$made" -lt "$wanted" ]; do
    take
done
for command in "esnap lvs vg" "esnap lvs -a vg" "esnap lvs --reportformat json" "lvs vg"; do
    took=$({ TIMEFORMAT=%R && time $command >/tmp/listed 2>/dev/null; } 2>&1)
    echo "$command with $made snapshots: $(wc -l </tmp/listed) lines in $took s"
done
expect "$made" "$(esnap lvs --noheadings -o lv_name -S kind=snapshot vg | wc -l)" "snapshots"
echo "all held"
