#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --disk a=3G,iops=1000,bps=104857600 --disk b=600M,iops=1000,bps=104857600 --timeout 3000
#
# What a write journal gains and costs, as ratios to the bare disk in the same run; one snapshot
# is there. Disks have 1000 operations and 100 MiB per second. Prints figures, asserts nothing.
#
#   tests/run-vm-test tests/measure/journal.sh [SECONDS [ROW...]]    default: 30 s for a sustained row
#
# Rows: burst32 burst1 sustained zipf fsync reads

set -euo pipefail
# shellcheck source=tests/support/vm_lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/vm_lib.sh"

seconds=${1:-30}
shift || true
rows=${*:-burst32 burst1 sustained zipf fsync reads}
disks=/dev/disk/by-id/virtio
m=/dev/mapper
mib=2048

slots() {
    dmsetup create data --table "0 $((1024 * mib)) linear $disks-a 0"
    dmsetup create store --table "0 $((1300 * mib)) linear $disks-a $((1024 * mib))"
    dmsetup create same --table "0 $((256 * mib)) linear $disks-a $((2400 * mib))"
    dmsetup create own --table "0 $((256 * mib)) linear $disks-b 0"
}

# up raw|none|same|own: $device is what to write to; a new snapshot, an empty ring
up() {
    local journal=-
    device=$m/data
    [ "$1" != raw ] || return 0
    esnap -q format --origin $m/data -c 4k --force $m/store
    if [ "$1" != none ]; then
        journal=$m/$1
        esnap -q format --force --journal-for $m/store "$journal"
    fi
    dmsetup create org --table "0 $((1024 * mib)) esnapshot-org $m/data 8 $journal 1 $m/store"
    device=$m/org
}

down() { [ "$1" = raw ] || dmsetup remove --retry org; }

# fio_run OPTION...: prints "IOPS median p99.9" (the latencies in ms)
fio_run() {
    fio --name=row --filename="$device" --direct=1 --ioengine=libaio --bs=4k --randrepeat=1 --output=/tmp/fio \
        --output-format=json "$@" >/dev/null
    python3 -c 'import json
j = json.load(open("/tmp/fio"))["jobs"][0]
d = j["write"] if j["write"]["total_ios"] else j["read"]
p = d["clat_ns"]["percentile"]
iops = d["total_ios"] / (d["runtime"] / 1e3)
print("%.0f %.2f %.2f" % (iops, p["50.000000"] / 1e6, p["99.900000"] / 1e6))'
}

row() { # row NAME OPTION...: the same on every device
    local name=$1 kind base='' found=()
    shift
    for kind in raw none same own; do
        up "$kind"
        read -r -a found <<<"$(fio_run "$@")"
        down "$kind"
        base=${base:-${found[0]}}
        python3 -c 'import sys
name, kind, base, iops, median, tail = sys.argv[1:]
print("%-10s %-5s %6s IOPS  %5.2f x raw   median %7s ms  p99.9 %8s ms" % (
    name, kind, iops, float(iops) / float(base), median, tail), flush=True)' \
            "$name" "$kind" "$base" "${found[@]}"
    done
}

reads() { # reads of what is pending, against the bare disk
    local base found
    up raw
    base=$(fio_run --rw=randread --size=32M --io_size=32M --iodepth=1)
    up own
    fio_run --rw=randwrite --size=32M --io_size=32M --iodepth=32 >/dev/null
    found=$(fio_run --rw=randread --size=32M --io_size=32M --iodepth=1)
    echo "reads      raw ${base%% *}, of what is pending ${found%% *} IOPS; $(dmsetup status org | cut -d' ' -f9)"
    down own
}

slots
for r in $rows; do
    case $r in
    burst32) row burst32 --rw=randwrite --size=256M --io_size=32M --iodepth=32 ;;
    burst1) row burst1 --rw=randwrite --size=256M --io_size=8M --iodepth=1 ;;
    # The ring is full after the ramp: 256 MiB at some thousand writes per second.
    sustained) row sustained --rw=randwrite --size=1G --iodepth=32 --time_based --ramp_time=40 --runtime="$seconds" ;;
    zipf) row zipf --rw=randwrite --size=1G --iodepth=32 --random_distribution=zipf:1.1 --norandommap \
        --time_based --ramp_time=40 --runtime="$seconds" ;;
    fsync) row fsync --rw=randwrite --size=256M --io_size=4M --iodepth=1 --fsync=1 ;;
    reads) reads ;;
    esac
done
